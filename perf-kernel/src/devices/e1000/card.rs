//! The driver.

use core::time::Duration;

use multios_core::network::{HardwareAddress, LinkState, NetworkDevice, NetworkError};

use super::ring::{BUFFER_BYTES, DESCRIPTORS, Descriptor, RING_BYTES, Ring, next};
use crate::devices::access::{DeviceRegisters, DmaMemory, DmaRegion, Time, wait};
use crate::units::Nanoseconds;

// Manual, section 13.4; the 82574 keeps these places.
const CONTROL: usize = 0x0000;
const STATUS: usize = 0x0008;
const EEPROM_READ: usize = 0x0014;
const INTERRUPT_CAUSES: usize = 0x00c0;
const INTERRUPT_MASK_SET: usize = 0x00d0;
const INTERRUPT_MASK_CLEAR: usize = 0x00d8;
const RECEIVE_CONTROL: usize = 0x0100;
const SEND_CONTROL: usize = 0x0400;
const SEND_GAPS: usize = 0x0410;
const RECEIVE_RING: usize = 0x2800;
const SEND_RING: usize = 0x3800;
// From the start of a ring's registers.
const RING_HIGH: usize = 0x04;
const RING_LENGTH: usize = 0x08;
const RING_HEAD: usize = 0x10;
const RING_TAIL: usize = 0x18;
const MULTICAST_TABLE: usize = 0x5200;
const MULTICAST_WORDS: usize = 128;
const ADDRESS_LOW: usize = 0x5400;
const ADDRESS_HIGH: usize = 0x5404;

const CONTROL_SPEED_DETECTION: u32 = 1 << 5;
const CONTROL_LINK_UP: u32 = 1 << 6;
const CONTROL_RESET: u32 = 1 << 26;
const STATUS_LINK_UP: u32 = 1 << 1;
/// Causes of interrupts (section 13.4.17): the line has changed, few descriptors are left or none was, a frame has come.
const CAUSES: u32 = 1 << 2 | 1 << 4 | 1 << 6 | 1 << 7;
const RECEIVE_ENABLE: u32 = 1 << 1;
/// Neighbours of IPv6 ask for an address by frames to a group (RFC 2464, section 7): all groups' frames are taken.
const RECEIVE_GROUPS: u32 = 1 << 4;
const RECEIVE_BROADCASTS: u32 = 1 << 15;
const RECEIVE_STRIP_CHECK: u32 = 1 << 26;
const SEND_ENABLE: u32 = 1 << 1;
const SEND_PAD_SHORT: u32 = 1 << 3;
/// Collisions as the manual wants them (section 13.4.33): 15 tries, 64 byte times.
const SEND_COLLISIONS: u32 = 0x0f << 4 | 0x40 << 12;
/// Gaps between frames (section 13.4.34): 10, 8 and 6.
const SEND_GAPS_COPPER: u32 = 10 | 8 << 10 | 6 << 20;
const ADDRESS_VALID: u32 = 1 << 31;

const DONE: u8 = 1;
const END_OF_FRAME: u8 = 1 << 1;
/// End of frame, insert the check sequence, report when it is done.
const SEND_COMMAND: u8 = 1 | 1 << 1 | 1 << 3;

/// The header and 1500 bytes.
const FRAME_BYTES_MAX: usize = 1514;
const FRAME_BYTES_MIN: usize = 14;
const RESET_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(100);
const EEPROM_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(20);

/// Which card it is: they differ in how their EEPROM is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// 82540EM, PCI device 0x100e.
    I82540em,
    /// 82574L, PCI device 0x10d3.
    I82574l,
}

impl Model {
    /// The model that Intel's PCI device number `device` stands for.
    pub(crate) const fn of(device: u16) -> Option<Self> {
        match device {
            0x100e => Some(Self::I82540em),
            0x10d3 => Some(Self::I82574l),
            _ => None,
        }
    }

    /// Where the word's number goes, and the bit that says that it was read (section 13.4.4; datasheet, 10.2.2.4).
    const fn eeprom_bits(self) -> (u32, u32) {
        match self {
            Self::I82540em => (8, 1 << 4),
            Self::I82574l => (2, 1 << 1),
        }
    }
}

/// A card that runs. It is stopped when it is dropped.
pub(crate) struct E1000<R: DeviceRegisters, T: Time, M: DmaRegion> {
    registers: R,
    time: T,
    address: HardwareAddress,
    /// Always there until it is dropped.
    rings: Option<Rings<M>>,
    /// The next that the card fills.
    receive_next: u32,
    /// The next to be sent with.
    send_next: u32,
    /// The first that the card has not reported.
    send_oldest: u32,
    /// A frame larger than a buffer is coming, and is thrown away.
    is_skipping: bool,
    has_failed: bool,
}

struct Rings<M> {
    receive: Ring<M>,
    send: Ring<M>,
}

impl<R: DeviceRegisters, T: Time, M: DmaRegion> E1000<R, T, M> {
    /// Resets and starts the card behind `registers`. The function must be allowed to read and write memory.
    ///
    /// # Errors
    /// A card that does not come out of its reset, or has no address.
    pub(crate) fn open<D>(registers: R, time: T, memory: &D, model: Model) -> Result<Self, NetworkError>
    where
        D: DmaMemory<Region = M>,
    {
        let mut card = Self {
            registers,
            time,
            address: HardwareAddress([0; 6]),
            rings: None,
            receive_next: 0,
            send_next: 0,
            send_oldest: 0,
            is_skipping: false,
            has_failed: false,
        };
        card.reset()?;
        card.address = card.find_address(model)?;
        let rings = Ring::new(memory).zip(Ring::new(memory));
        let (receive, send) = rings.ok_or(NetworkError::Malformed("no memory is left for its rings"))?;
        let rings = card.rings.insert(Rings { receive, send });
        let addresses = (rings.receive.address(), rings.send.address());
        card.start(addresses);
        Ok(card)
    }

    /// Stops everything that the card does (section 14.3).
    fn reset(&mut self) -> Result<(), NetworkError> {
        self.registers.write(INTERRUPT_MASK_CLEAR, u32::MAX);
        self.registers.write(RECEIVE_CONTROL, 0);
        self.registers.write(SEND_CONTROL, SEND_PAD_SHORT);
        let control = self.registers.read(CONTROL);
        self.registers.write(CONTROL, control | CONTROL_RESET);
        let Self { registers, time, .. } = self;
        if !wait(time, RESET_PATIENCE, || registers.read(CONTROL) & CONTROL_RESET == 0) {
            return Err(NetworkError::Malformed("it does not come out of its reset"));
        }
        self.registers.write(INTERRUPT_MASK_CLEAR, u32::MAX);
        let _ = self.registers.read(INTERRUPT_CAUSES);
        Ok(())
    }

    /// The address that the reset has loaded, or that of the EEPROM.
    fn find_address(&mut self, model: Model) -> Result<HardwareAddress, NetworkError> {
        let low = self.registers.read(ADDRESS_LOW).to_le_bytes();
        let high = self.registers.read(ADDRESS_HIGH);
        let [fifth, sixth, ..] = high.to_le_bytes();
        let loaded = HardwareAddress([low[0], low[1], low[2], low[3], fifth, sixth]);
        if high & ADDRESS_VALID != 0 && loaded.is_of_a_card() {
            return Ok(loaded);
        }
        let mut bytes = [0; 6];
        for (word, place) in (0..).zip(bytes.chunks_exact_mut(2)) {
            place.copy_from_slice(&self.read_eeprom(model, word)?.to_le_bytes());
        }
        let address = HardwareAddress(bytes);
        address.is_of_a_card().then_some(address).ok_or(NetworkError::Malformed("it has no address"))
    }

    fn read_eeprom(&mut self, model: Model, word: u32) -> Result<u16, NetworkError> {
        const START: u32 = 1;
        let (shift, done) = model.eeprom_bits();
        self.registers.write(EEPROM_READ, START | word << shift);
        let Self { registers, time, .. } = self;
        let mut value = 0;
        let is_read = wait(time, EEPROM_PATIENCE, || {
            value = registers.read(EEPROM_READ);
            value & done != 0
        });
        let [_, _, low, high] = value.to_le_bytes();
        let word = u16::from_le_bytes([low, high]);
        is_read.then_some(word).ok_or(NetworkError::Malformed("its EEPROM does not answer"))
    }

    /// Sections 14.3 to 14.5.
    fn start(&mut self, (receive, send): (u64, u64)) {
        let control = self.registers.read(CONTROL);
        self.registers.write(CONTROL, control | CONTROL_LINK_UP | CONTROL_SPEED_DETECTION);
        let [a, b, c, d, e, f] = self.address.0;
        self.registers.write(ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]));
        self.registers.write(ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]) | ADDRESS_VALID);
        for word in 0..MULTICAST_WORDS {
            self.registers.write(MULTICAST_TABLE + word * 4, 0);
        }
        self.set_ring(RECEIVE_RING, receive);
        self.registers.write(RECEIVE_RING + RING_TAIL, DESCRIPTORS - 1);
        let wanted = RECEIVE_ENABLE | RECEIVE_GROUPS | RECEIVE_BROADCASTS | RECEIVE_STRIP_CHECK;
        self.registers.write(RECEIVE_CONTROL, wanted);
        self.set_ring(SEND_RING, send);
        self.registers.write(SEND_GAPS, SEND_GAPS_COPPER);
        self.registers.write(SEND_CONTROL, SEND_ENABLE | SEND_PAD_SHORT | SEND_COLLISIONS);
        if self.time.message().is_some() {
            self.registers.write(INTERRUPT_MASK_SET, CAUSES);
        }
    }

    fn set_ring(&mut self, ring: usize, address: u64) {
        let [a, b, c, d, e, f, g, h] = address.to_le_bytes();
        self.registers.write(ring, u32::from_le_bytes([a, b, c, d]));
        self.registers.write(ring + RING_HIGH, u32::from_le_bytes([e, f, g, h]));
        self.registers.write(ring + RING_LENGTH, RING_BYTES);
        self.registers.write(ring + RING_HEAD, 0);
        self.registers.write(ring + RING_TAIL, 0);
    }

    /// The rings of a card that works.
    fn rings(&mut self) -> Result<&mut Rings<M>, NetworkError> {
        let has_failed = self.has_failed;
        self.rings.as_mut().filter(|_| !has_failed).ok_or(NetworkError::Failed)
    }

    /// Takes back the descriptors that the card has sent.
    fn reap(&mut self) {
        while self.send_oldest != self.send_next {
            let Some(rings) = &self.rings else { return };
            if rings.send.get(self.send_oldest).status & DONE == 0 {
                return;
            }
            self.send_oldest = next(self.send_oldest);
        }
    }

    fn fail<V>(&mut self, why: &'static str) -> Result<V, NetworkError> {
        self.has_failed = true;
        Err(NetworkError::Malformed(why))
    }
}

impl<R: DeviceRegisters, T: Time, M: DmaRegion> NetworkDevice for E1000<R, T, M> {
    fn address(&self) -> HardwareAddress {
        self.address
    }

    fn frame_bytes_max(&self) -> usize {
        FRAME_BYTES_MAX
    }

    fn link(&mut self) -> LinkState {
        let status = self.registers.read(STATUS);
        // A card that is gone reads as ones.
        let is_up = status & STATUS_LINK_UP != 0 && status != u32::MAX;
        if is_up { LinkState::Up } else { LinkState::Down }
    }

    fn can_send(&mut self) -> bool {
        self.reap();
        !self.has_failed && next(self.send_next) != self.send_oldest
    }

    fn send(&mut self, frame: &[u8]) -> Result<(), NetworkError> {
        if !(FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&frame.len()) {
            return Err(NetworkError::Length { bytes: frame.len(), bytes_max: FRAME_BYTES_MAX });
        }
        self.rings()?;
        if !self.can_send() {
            return Err(NetworkError::Full);
        }
        let index = self.send_next;
        let ring = &mut self.rings()?.send;
        ring.write(index, frame);
        let length = u16::try_from(frame.len()).unwrap_or(0);
        ring.set(index, Descriptor { length, command: SEND_COMMAND, status: 0, errors: 0 });
        self.send_next = next(index);
        self.registers.write(SEND_RING + RING_TAIL, self.send_next);
        Ok(())
    }

    fn receive(&mut self, frame: &mut [u8]) -> Result<Option<usize>, NetworkError> {
        // A whole ring at most: a card that goes round for ever must not hold its caller.
        for _ in 0..DESCRIPTORS {
            let index = self.receive_next;
            let ring = &mut self.rings()?.receive;
            let descriptor = ring.get(index);
            if descriptor.status & DONE == 0 {
                return Ok(None);
            }
            let length = usize::from(descriptor.length);
            if length > BUFFER_BYTES {
                return self.fail("a frame is longer than its buffer");
            }
            let is_end = descriptor.status & END_OF_FRAME != 0;
            let is_good = is_end && descriptor.errors == 0 && length >= FRAME_BYTES_MIN;
            let buffer_bytes = frame.len();
            let taken = match frame.get_mut(..length).filter(|_| is_good) {
                Some(place) => {
                    ring.read(index, place);
                    Ok(Some(length))
                }
                None if is_good => Err(NetworkError::Buffer { bytes: length, buffer_bytes }),
                None => Ok(None),
            };
            ring.set(index, Descriptor { length: 0, command: 0, status: 0, errors: 0 });
            let was_skipping = core::mem::replace(&mut self.is_skipping, !is_end);
            self.receive_next = next(index);
            self.registers.write(RECEIVE_RING + RING_TAIL, index);
            if !was_skipping && taken != Ok(None) {
                return taken;
            }
        }
        Ok(None)
    }

    fn rest(&mut self, patience: Duration) {
        // Before the look: a frame that comes after it is told by an interrupt that counts.
        let seen = self.time.interrupts();
        if self.time.message().is_some() {
            // Only a cause that was not there before interrupts. Some are cleared by being read, the others by a one.
            let causes = self.registers.read(INTERRUPT_CAUSES);
            self.registers.write(INTERRUPT_CAUSES, causes);
        }
        let index = self.receive_next;
        let is_empty = self.rings().is_ok_and(|rings| rings.receive.get(index).status & DONE == 0);
        if is_empty {
            self.time.rest(seen, Nanoseconds(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX)));
        }
    }
}

impl<R: DeviceRegisters, T: Time, M: DmaRegion> Drop for E1000<R, T, M> {
    fn drop(&mut self) {
        // A card in reset leaves memory alone.
        let has_stopped = self.reset().is_ok();
        if let Some(rings) = self.rings.take().filter(|_| !has_stopped) {
            rings.receive.leak();
            rings.send.leak();
        }
    }
}
