//! Which device gets which driver.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use multios_core::network::NetworkDevice;
use multios_core::security::EntropySource;
use multios_core::storage::Disk;

use super::buses::Buses;
use super::interrupts::Messages;
use super::machine::BarePlatform;
use super::models::{DiskDriver, Driver, NetworkDriver};
use crate::arch::recovery::Over;
use crate::arch::{FrameMemory, Mmio, RequestQueue, device_interrupts};
use crate::devices::access::Time;
use crate::devices::pci::{
    Bar, Capability, Configuration, Function, Master, bar, capabilities, disable_messages, enable,
};
use crate::devices::{e1000, nvme, virtio};

/// Registers of a device that are looked at, at most.
const REGISTER_BYTES_MAX: u64 = 1 << 20;

/// Pieces that the queues of a disk hold, each of whose requests has three at most.
const DISK_PIECES: usize = 16;
/// No device must have longer queues than of eight pieces for random bytes; one is in use.
const ENTROPY_PIECES: usize = 8;

impl BarePlatform {
    /// What is found on the buses, for people: a line for each function.
    pub(super) fn describe_devices(&self) -> Vec<String> {
        let buses = self.buses();
        let mut space = buses.space().lock();
        let line = |function: &Function| {
            let messages =
                capabilities(&mut **space, function).into_iter().map(|capability| match capability {
                    Capability::Msi { messages, .. } => format!(", MSI {messages}"),
                    Capability::MsiX { messages, .. } => format!(", MSI-X {messages}"),
                    Capability::Other { .. } => String::new(),
                });
            let messages: String = messages.collect();
            let driver =
                Driver::of(function).map_or_else(String::new, |driver| format!(", driver {}", driver.name()));
            format!("device {function}{messages}{driver}")
        };
        buses.functions().iter().map(line).collect()
    }

    /// Maps the registers of every function that there is a driver for. They stay mapped, so that no bench is to do it.
    pub(super) fn map_registers(&self) {
        let buses = self.buses();
        for function in buses.functions().iter().filter(|function| Driver::of(function).is_some()) {
            let mut space = buses.space().lock();
            let places = virtio::Kind::of(function).and_then(|_| virtio::places(&mut **space, function));
            let mut bars = places.map_or_else(|| vec![0], |places| places.bars().collect());
            bars.extend(capabilities(&mut **space, function).iter().filter_map(
                |capability| match capability {
                    Capability::MsiX { table_bar, .. } => Some(table_bar),
                    _ => None,
                },
            ));
            // What cannot be reached is told when the driver starts.
            bars.into_iter().for_each(|bar| drop(self.registers(&mut **space, function, bar)));
        }
    }

    /// Takes the right to memory from every function that there is a driver for: whoever used it is over, and would have
    /// stopped it.
    pub(super) fn abandon_devices(&self, over: &Over) {
        let Some(buses) = Buses::seize(over) else { return };
        let mut space = buses.space().lock();
        for function in buses.functions().iter().filter(|function| Driver::of(function).is_some()) {
            enable(&mut **space, function.address, Master::Off);
            for capability in capabilities(&mut **space, function) {
                disable_messages(&mut **space, function.address, capability);
            }
        }
        device_interrupts::abandon(over);
    }

    /// Starts every disk that there is a driver for.
    pub(super) fn start_disks(&self) -> Vec<Result<Disk, String>> {
        let buses = self.buses();
        let disks = buses.functions().iter().filter_map(|function| match Driver::of(function) {
            Some(Driver::Disk(driver)) => Some(self.start_disk(function, driver)),
            _ => None,
        });
        disks.collect()
    }

    /// Starts every network card that there is a driver for.
    pub(super) fn start_network_devices(&self) -> Vec<Result<Box<dyn NetworkDevice>, String>> {
        let buses = self.buses();
        let cards = buses.functions().iter().filter_map(|function| match Driver::of(function) {
            Some(Driver::Network(driver)) => Some(self.start_network_device(function, driver)),
            _ => None,
        });
        cards.collect()
    }

    /// Starts every source of random bytes that there is a driver for.
    pub(super) fn start_entropy_sources(&self) -> Vec<Result<Box<dyn EntropySource>, String>> {
        let buses = self.buses();
        let functions = buses.functions().iter();
        let functions = functions.filter(|function| Driver::of(function) == Some(Driver::Entropy));
        functions.map(|function| self.start_entropy_source(function)).collect()
    }

    /// Whether a disk has a partition that may be written to.
    pub(super) fn has_scratch_disk(&self) -> Result<(), String> {
        let mut reason = "the machine has no disk that this kernel drives".to_string();
        for disk in self.start_disks() {
            match disk.and_then(|mut disk| may_write(&mut disk)) {
                Ok(()) => return Ok(()),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    /// Whether there is a network card with a driver.
    pub(super) fn has_network_device(&self) -> Result<(), String> {
        let buses = self.buses();
        let mut functions = buses.functions().iter();
        let has_one = functions.any(|function| matches!(Driver::of(function), Some(Driver::Network(_))));
        has_one
            .then_some(())
            .ok_or_else(|| "the machine has no network card that this kernel drives".to_string())
    }

    pub(super) fn buses(&self) -> Arc<Buses> {
        Buses::get(self.ports, &self.memory, self.tables.as_ref())
    }

    fn start_disk(&self, function: &Function, driver: DiskDriver) -> Result<Disk, String> {
        match driver {
            DiskDriver::Nvme => {
                let registers = self.reach(function)?;
                let disk = nvme::NvmeDisk::open(
                    registers,
                    self.time_of(function, Messages::Any),
                    &self.device_memory(),
                );
                let disk = disk.map_err(|error| self.give_up(function, &error))?;
                Ok(Disk::new(format!("NVMe disk {}", function.address), Box::new(disk)))
            }
            DiskDriver::Virtio => {
                let mut transport = self.reach_virtio(function)?;
                let time = self.time_of(function, Messages::Any);
                transport.message = time.message();
                let memory = self.device_memory();
                let queue = |transport: &mut _| {
                    RequestQueue::<DISK_PIECES>::new(memory, transport, virtio::QUEUE, virtio::MEMORY_BYTES)
                };
                let disk = virtio::VirtioDisk::open(transport, time, queue);
                let disk = disk.map_err(|error| self.give_up(function, &error))?;
                Ok(Disk::new(format!("virtio disk {}", function.address), Box::new(disk)))
            }
        }
    }

    fn start_network_device(
        &self,
        function: &Function,
        driver: NetworkDriver,
    ) -> Result<Box<dyn NetworkDevice>, String> {
        match driver {
            NetworkDriver::E1000(model) => {
                let registers = self.reach(function)?;
                let time = self.time_of(function, Messages::Simple);
                let card = e1000::E1000::open(registers, time, &self.device_memory(), model);
                let card = card.map_err(|error| self.give_up(function, &error))?;
                Ok(Box::new(card))
            }
            NetworkDriver::Virtio => {
                let mut transport = self.reach_virtio(function)?;
                let time = self.time_of(function, Messages::Any);
                transport.message = time.message();
                let memory = self.device_memory();
                let queue = |transport: &mut _, number| {
                    let bytes = virtio::CARD_MEMORY_BYTES;
                    RequestQueue::<{ virtio::BUFFERS }>::new(memory, transport, number, bytes)
                };
                let card = virtio::VirtioCard::open(transport, time, queue);
                let card = card.map_err(|error| self.give_up(function, &error))?;
                Ok(Box::new(card))
            }
        }
    }

    fn start_entropy_source(&self, function: &Function) -> Result<Box<dyn EntropySource>, String> {
        let mut transport = self.reach_virtio(function)?;
        let time = self.time_of(function, Messages::Any);
        transport.message = time.message();
        let memory = self.device_memory();
        let queue = |transport: &mut _, number| {
            let bytes = virtio::ENTROPY_MEMORY_BYTES;
            RequestQueue::<ENTROPY_PIECES>::new(memory, transport, number, bytes)
        };
        let source = virtio::VirtioEntropy::open(transport, time, queue);
        let source = source.map_err(|error| self.give_up(function, &error))?;
        Ok(Box::new(source))
    }

    /// The registers that the first base address gives, of a function that may read and write memory from now on.
    fn reach(&self, function: &Function) -> Result<Mmio, String> {
        let buses = self.buses();
        let mut space = buses.space().lock();
        let registers = self.registers(&mut **space, function, 0)?;
        enable(&mut **space, function.address, Master::On);
        Ok(registers)
    }

    /// The registers of a virtio device, which may read and write memory from now on.
    fn reach_virtio(&self, function: &Function) -> Result<virtio::PciTransport<Mmio>, String> {
        let buses = self.buses();
        let mut space = buses.space().lock();
        let places = virtio::places(&mut **space, function)
            .ok_or_else(|| format!("start {function}: it does not name its registers"))?;
        let mut find = |place: virtio::Place| -> Result<Mmio, String> {
            let registers = self.registers(&mut **space, function, place.bar)?;
            let part = registers.part(place.offset, place.bytes);
            part.ok_or_else(|| format!("start {function}: it names registers that it does not have"))
        };
        let (common, notify) = (find(places.common)?, find(places.notify)?);
        let device = places.device.map(find).transpose()?;
        enable(&mut **space, function.address, Master::On);
        let notify_multiplier = places.notify_multiplier;
        Ok(virtio::PciTransport { common, notify, notify_multiplier, device, message: None })
    }

    /// The registers that base address number `index` of a function that is not in use gives.
    pub(super) fn registers(
        &self,
        space: &mut (impl Configuration + ?Sized),
        function: &Function,
        index: u8,
    ) -> Result<Mmio, String> {
        let Some(Bar::Memory { address, bytes }) = bar(space, function, index) else {
            return Err(format!("start {function}: it has no registers in memory"));
        };
        let length = usize::try_from(bytes.min(REGISTER_BYTES_MAX)).unwrap_or(0);
        let registers = self.memory.registers_anywhere(self.frames, address, length);
        registers.ok_or_else(|| format!("start {function}: its registers at {address:#x} are not mapped"))
    }

    /// A function that did not start may not reach memory any longer.
    fn give_up(&self, function: &Function, error: &dyn core::fmt::Display) -> String {
        enable(&mut **self.buses().space().lock(), function.address, Master::Off);
        format!("start {function}: failed to {error}")
    }

    fn device_memory(&self) -> FrameMemory {
        FrameMemory::new(self.memory, self.frames)
    }
}

/// Whether the disk has a partition that may be written to.
fn may_write(disk: &mut Disk) -> Result<(), String> {
    let name = disk.name().to_string();
    disk.permit(&[]).map(|_| ()).map_err(|why| format!("{name}: failed to {why}"))
}
