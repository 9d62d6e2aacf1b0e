//! The registers that all devices have.

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::devices::access::{Time, wait};
use crate::devices::io::MemoryIo;
use crate::units::Nanoseconds;

/// How long a device may take to be reset.
const RESET_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(2_000);
/// The device speaks as this driver does (section 6).
const VERSION_1: u64 = 1 << 32;

/// Section 4.1.4.3.
mod register {
    pub(super) const DEVICE_FEATURE_SELECT: usize = 0;
    pub(super) const DEVICE_FEATURE: usize = 4;
    pub(super) const DRIVER_FEATURE_SELECT: usize = 8;
    pub(super) const DRIVER_FEATURE: usize = 12;
    pub(super) const DEVICE_STATUS: usize = 20;
    pub(super) const CONFIG_GENERATION: usize = 21;
    pub(super) const QUEUE_SELECT: usize = 22;
    pub(super) const QUEUE_SIZE: usize = 24;
    pub(super) const QUEUE_MESSAGE: usize = 26;
    pub(super) const QUEUE_ENABLE: usize = 28;
    pub(super) const QUEUE_NOTIFY_OFF: usize = 30;
    pub(super) const QUEUE_DESC: usize = 32;
    pub(super) const QUEUE_DRIVER: usize = 40;
    pub(super) const QUEUE_DEVICE: usize = 48;
}

/// The registers of a device. Nothing is reset when it is dropped: [`Self::stop`] does that.
pub(crate) struct PciTransport<R> {
    /// What all devices have.
    pub(crate) common: R,
    /// Where queues are told that there is work.
    pub(crate) notify: R,
    /// The distance in bytes of two queues there, times a number that each queue has.
    pub(crate) notify_multiplier: u32,
    /// What devices of this kind have; nothing reads as zeros.
    pub(crate) device: Option<R>,
    /// Which of its messages the device is to send for a queue; `None` for none.
    pub(crate) message: Option<u16>,
}

/// Why a device was not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartError {
    /// It does not come back from a reset.
    Timeout,
    /// It has the older registers alone, or does not take what the driver chose.
    Features,
}

impl<R: MemoryIo> PciTransport<R> {
    /// Resets the device and agrees with it on those of `wanted` that it offers, which are returned (section 3.1.1).
    /// Queues are set up next, and then [`Transport::finish_init`] is called.
    pub(crate) fn start(&mut self, time: &impl Time, wanted: u64) -> Result<u64, StartError> {
        if !self.stop(time) {
            return Err(StartError::Timeout);
        }
        let known = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
        self.set_status(known);
        let offered = self.read_device_features();
        if offered & VERSION_1 == 0 {
            return Err(StartError::Features);
        }
        let agreed = offered & (wanted | VERSION_1);
        self.write_driver_features(agreed);
        self.set_status(known | DeviceStatus::FEATURES_OK);
        let status = u32::from(self.common.read_u8(register::DEVICE_STATUS));
        let is_taken = DeviceStatus::from_bits_retain(status).contains(DeviceStatus::FEATURES_OK);
        is_taken.then_some(agreed).ok_or(StartError::Features)
    }

    /// Resets the device. Says whether it is known to leave memory alone from now on.
    pub(crate) fn stop(&mut self, time: &impl Time) -> bool {
        self.set_status(DeviceStatus::empty());
        wait(time, RESET_PATIENCE, || self.common.read_u8(register::DEVICE_STATUS) == 0)
    }

    /// Eight bytes at `offset` of what devices of this kind have, a multiple of four; `None` if they do not stand still.
    pub(crate) fn device_u64(&mut self, offset: usize) -> Option<u64> {
        const ATTEMPTS: usize = 16;
        (0..ATTEMPTS).find_map(|_| {
            let before = self.common.read_u8(register::CONFIG_GENERATION);
            let low = self.device_u32(offset);
            let high = self.device_u32(offset + 4);
            let after = self.common.read_u8(register::CONFIG_GENERATION);
            (before == after).then_some(u64::from(low) | u64::from(high) << 32)
        })
    }

    /// Four bytes at `offset` of what devices of this kind have, a multiple of four.
    pub(crate) fn device_u32(&mut self, offset: usize) -> u32 {
        self.device.as_mut().map_or(0, |device| device.read_u32(offset))
    }

    /// Two bytes there, at a multiple of two.
    pub(crate) fn device_u16(&mut self, offset: usize) -> u16 {
        self.device.as_mut().map_or(0, |device| device.read_u16(offset))
    }

    /// A byte there.
    pub(crate) fn device_u8(&mut self, offset: usize) -> u8 {
        self.device.as_mut().map_or(0, |device| device.read_u8(offset))
    }

    fn select(&mut self, queue: u16) {
        self.common.write_u16(register::QUEUE_SELECT, queue);
    }

    /// A register of eight bytes may be written in two halves (section 4.1.3.1).
    fn write_address(&mut self, register: usize, address: u64) {
        let [a, b, c, d, e, f, g, h] = address.to_le_bytes();
        self.common.write_u32(register, u32::from_le_bytes([a, b, c, d]));
        self.common.write_u32(register + 4, u32::from_le_bytes([e, f, g, h]));
    }
}

// What the library's own drivers alone call says that there is nothing: they wait without deadlines, and are not used.
impl<R: MemoryIo> Transport for PciTransport<R> {
    fn device_type(&self) -> DeviceType {
        DeviceType::Block
    }

    fn read_device_features(&mut self) -> u64 {
        let mut half = |number| {
            self.common.write_u32(register::DEVICE_FEATURE_SELECT, number);
            u64::from(self.common.read_u32(register::DEVICE_FEATURE))
        };
        half(0) | half(1) << 32
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        let [a, b, c, d, e, f, g, h] = driver_features.to_le_bytes();
        for (number, half) in [(0, [a, b, c, d]), (1, [e, f, g, h])] {
            self.common.write_u32(register::DRIVER_FEATURE_SELECT, number);
            self.common.write_u32(register::DRIVER_FEATURE, u32::from_le_bytes(half));
        }
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.select(queue);
        u32::from(self.common.read_u16(register::QUEUE_SIZE))
    }

    fn notify(&mut self, queue: u16) {
        self.select(queue);
        let number = u32::from(self.common.read_u16(register::QUEUE_NOTIFY_OFF));
        let offset = number.saturating_mul(self.notify_multiplier);
        self.notify.write_u16(usize::try_from(offset).unwrap_or(usize::MAX), queue);
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::empty()
    }

    fn set_status(&mut self, status: DeviceStatus) {
        // The register has eight bits, and so have all states that there are.
        let [low, ..] = status.bits().to_le_bytes();
        self.common.write_u8(register::DEVICE_STATUS, low);
    }

    fn set_guest_page_size(&mut self, _guest_page_size: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        self.select(queue);
        self.common.write_u16(register::QUEUE_SIZE, u16::try_from(size).unwrap_or(u16::MAX));
        self.write_address(register::QUEUE_DESC, descriptors);
        self.write_address(register::QUEUE_DRIVER, driver_area);
        self.write_address(register::QUEUE_DEVICE, device_area);
        if let Some(message) = self.message {
            // A device that refuses goes on without: whoever waits looks again after a while (section 4.1.5.1.2).
            self.common.write_u16(register::QUEUE_MESSAGE, message);
        }
        self.common.write_u16(register::QUEUE_ENABLE, 1);
    }

    fn queue_unset(&mut self, _queue: u16) {}

    fn queue_used(&mut self, queue: u16) -> bool {
        self.select(queue);
        self.common.read_u16(register::QUEUE_ENABLE) != 0
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::empty()
    }

    fn read_config_generation(&self) -> u32 {
        0
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, _offset: usize) -> Result<T, Error> {
        Err(Error::ConfigSpaceMissing)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _offset: usize,
        _value: T,
    ) -> Result<(), Error> {
        Err(Error::ConfigSpaceMissing)
    }
}
