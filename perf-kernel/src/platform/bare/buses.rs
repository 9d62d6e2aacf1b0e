//! The way to configuration space on this machine.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use spin::Mutex;

use crate::arch::acpi_tables::Tables;
use crate::arch::recovery::Over;
use crate::arch::{PhysicalMemory, Ports};
use crate::devices::pci::{
    Address, Configuration, Function, MemoryMechanism, PortMechanism, scan, serial_ports, windows,
};

/// Configuration space, shared by all drivers.
pub(super) type Space = Mutex<Box<dyn Configuration + Send>>;

/// The functions of the machine and the way to them.
pub(super) struct Buses {
    space: Space,
    functions: Vec<Function>,
}

static BUSES: Mutex<Option<Arc<Buses>>> = Mutex::new(None);

impl Buses {
    /// What is found on the machine; looked for once, when the boot first asks, as what it found is kept.
    pub(super) fn get(ports: Ports, memory: &PhysicalMemory, tables: Option<&Tables>) -> Arc<Self> {
        let mut buses = BUSES.lock();
        let found = buses.get_or_insert_with(|| {
            let mut space = open(ports, memory, tables);
            let functions = scan(&mut *space);
            Arc::new(Self { space: Mutex::new(space), functions })
        });
        Arc::clone(found)
    }

    /// What was found, with the locks taken back from whoever is over; `None` if nothing was looked for.
    pub(super) fn seize(over: &Over) -> Option<Arc<Self>> {
        let buses = over.seize(&BUSES).clone()?;
        drop(over.seize(&buses.space));
        Some(buses)
    }

    /// Every function, in the order found.
    pub(super) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The way to them.
    pub(super) const fn space(&self) -> &Space {
        &self.space
    }

    /// The ports of every serial line among them.
    pub(super) fn serial_ports(&self) -> Vec<u16> {
        serial_ports(&mut **self.space.lock(), &self.functions)
    }
}

/// Memory where the firmware names it for the first buses, else ports, which every PC has.
fn open(ports: Ports, memory: &PhysicalMemory, tables: Option<&Tables>) -> Box<dyn Configuration + Send> {
    /// The first function of the machine, which is there whatever the way.
    const FIRST: Address = Address { bus: 0, device: 0, function: 0 };
    let mut by_ports = PortMechanism(ports);
    let table = tables.and_then(|tables| tables.find(*b"MCFG"));
    let window = table.iter().flat_map(|table| windows(table)).find(|window| window.buses.contains(&0));
    let by_memory = window.and_then(|window| {
        let registers = memory.registers(window.address, window.bytes())?;
        Some(MemoryMechanism::new(registers, window.buses))
    });
    // A table that is wrong leads to where nothing answers, or something else does.
    let first = by_ports.read(FIRST, 0);
    let by_memory = by_memory.and_then(|mut way| (way.read(FIRST, 0) == first).then_some(way));
    match by_memory {
        Some(by_memory) => Box::new(by_memory),
        None => Box::new(by_ports),
    }
}
