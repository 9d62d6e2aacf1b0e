//! Which device gets which driver.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use multios_core::network::NetworkDevice;
use multios_core::storage::Disk;

use super::buses::Buses;
use super::machine::BarePlatform;
use crate::arch::{FrameMemory, Mmio, counter};
use crate::devices::access::Time;
use crate::devices::pci::{Bar, Capability, Function, Master, bar, capabilities, enable};
use crate::devices::{e1000, nvme};
use crate::units::{Hertz, Nanoseconds};

/// Registers of a device that are looked at, at most.
const REGISTER_BYTES_MAX: u64 = 1 << 20;

/// The counter as a clock.
struct CounterTime(Hertz);

impl Time for CounterTime {
    fn now(&self) -> Nanoseconds {
        Nanoseconds(counter::now().to_picoseconds(self.0) / 1_000)
    }
}

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
            let driver = driver_name(function).map_or_else(String::new, |name| format!(", driver {name}"));
            format!("device {function}{messages}{driver}")
        };
        buses.functions().iter().map(line).collect()
    }

    /// Starts every disk that there is a driver for.
    pub(super) fn start_disks(&self) -> Vec<Result<Disk, String>> {
        let disks = self.buses().functions().iter().filter(|function| is_nvme(function));
        disks.map(|function| self.start_disk(function)).collect()
    }

    /// Starts every network card that there is a driver for.
    pub(super) fn start_network_devices(&self) -> Vec<Result<Box<dyn NetworkDevice>, String>> {
        let cards = self.buses().functions().iter();
        let cards = cards.filter_map(|function| network_model(function).map(|model| (function, model)));
        cards.map(|(function, model)| self.start_network_device(function, model)).collect()
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
        let has_one = self.buses().functions().iter().any(|function| network_model(function).is_some());
        has_one
            .then_some(())
            .ok_or_else(|| "the machine has no network card that this kernel drives".to_string())
    }

    fn buses(&self) -> &'static Buses {
        Buses::get(self.ports, &self.memory, self.tables.as_ref())
    }

    fn start_disk(&self, function: &Function) -> Result<Disk, String> {
        let registers = self.reach(function)?;
        let disk = nvme::NvmeDisk::open(registers, self.time(), &self.device_memory());
        let disk = disk.map_err(|error| self.give_up(function, &error))?;
        Ok(Disk::new(format!("NVMe disk {}", function.address), Box::new(disk)))
    }

    fn start_network_device(
        &self,
        function: &Function,
        model: e1000::Model,
    ) -> Result<Box<dyn NetworkDevice>, String> {
        let registers = self.reach(function)?;
        let card = e1000::E1000::open(registers, self.time(), &self.device_memory(), model);
        let card = card.map_err(|error| self.give_up(function, &error))?;
        Ok(Box::new(card))
    }

    /// The registers that the first base address gives, of a function that may read and write memory from now on.
    fn reach(&self, function: &Function) -> Result<Mmio, String> {
        let mut space = self.buses().space().lock();
        let Some(Bar::Memory { address, bytes }) = bar(&mut **space, function, 0) else {
            return Err(format!("start {function}: it has no registers in memory"));
        };
        let length = usize::try_from(bytes.min(REGISTER_BYTES_MAX)).unwrap_or(0);
        let registers = self.memory.registers(address, length);
        let registers = registers
            .ok_or_else(|| format!("start {function}: its registers at {address:#x} are not mapped"))?;
        enable(&mut **space, function.address, Master::On);
        Ok(registers)
    }

    /// A function that did not start may not reach memory any longer.
    fn give_up(&self, function: &Function, error: &dyn core::fmt::Display) -> String {
        enable(&mut **self.buses().space().lock(), function.address, Master::Off);
        format!("start {function}: failed to {error}")
    }

    fn device_memory(&self) -> FrameMemory {
        FrameMemory::new(self.memory, self.frames)
    }

    fn time(&self) -> CounterTime {
        CounterTime(self.frequency_or_guess())
    }
}

/// Whether the disk has a partition that may be written to.
fn may_write(disk: &mut Disk) -> Result<(), String> {
    let name = disk.name().to_string();
    disk.permit(&[]).map(|_| ()).map_err(|why| format!("{name}: failed to {why}"))
}

/// Mass storage, NVM, by the interface of NVM Express (PCI Code and ID Assignment, class 01/08/02).
fn is_nvme(function: &Function) -> bool {
    function.class == [1, 8] && function.interface == 2
}

fn network_model(function: &Function) -> Option<e1000::Model> {
    const INTEL: u16 = 0x8086;
    (function.vendor == INTEL).then(|| e1000::Model::of(function.device)).flatten()
}

fn driver_name(function: &Function) -> Option<&'static str> {
    if is_nvme(function) { Some("nvme") } else { network_model(function).map(|_| "e1000") }
}
