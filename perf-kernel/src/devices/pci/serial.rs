//! Serial ports among the functions.

use alloc::vec::Vec;

use super::function::{Master, enable};
use super::{Configuration, Function};

/// The I/O ports of every 16550 among `functions`, in their order. Devices that do not answer at their ports are told
/// to.
pub(crate) fn serial_ports(space: &mut (impl Configuration + ?Sized), functions: &[Function]) -> Vec<u16> {
    functions.iter().filter_map(|function| serial_port(space, function)).collect()
}

/// The ports of the function if it is a 16550 or a later one of its kind (PCI Code and ID Assignment, class 07/00,
/// interfaces 2 to 6). They are not sized: the line may be in use.
fn serial_port(space: &mut (impl Configuration + ?Sized), function: &Function) -> Option<u16> {
    const SERIAL: [u8; 2] = [7, 0];
    const IO_SPACE: u32 = 1;
    if function.class != SERIAL || !(2..=6).contains(&function.interface) {
        return None;
    }
    let port = (0..6_u8).find_map(|index| {
        let bar = space.read(function.address, 0x10 + index * 4);
        let port = u16::try_from(bar & !3).ok()?;
        (bar & IO_SPACE != 0 && port != 0 && port.checked_add(7).is_some()).then_some(port)
    })?;
    if space.read(function.address, 0x04) & IO_SPACE == 0 {
        enable(space, function.address, Master::Off);
    }
    Some(port)
}

#[cfg(test)]
mod tests {
    use super::super::{Address, ScriptedBus, scan};
    use super::*;

    fn at(device: u8) -> Address {
        Address { bus: 0, device, function: 0 }
    }

    fn ports(bus: &mut ScriptedBus) -> Vec<u16> {
        let functions = scan(bus);
        serial_ports(bus, &functions)
    }

    #[test]
    fn a_serial_port_is_found_and_switched_on() {
        let mut bus = ScriptedBus::default();
        bus.add(at(0), 0x0600_0000, 0);
        bus.add(at(4), 0x0700_0201, 0);
        bus.set(at(4), 0x10, 0xc001);
        assert_eq!(ports(&mut bus), [0xc000]);
        assert_eq!(bus.get(at(4), 0x04) & 1, 1);
    }

    #[test]
    fn other_interfaces_and_memory_registers_are_passed_over() {
        let mut bus = ScriptedBus::default();
        bus.add(at(1), 0x0700_0000, 0);
        bus.set(at(1), 0x10, 0xc001);
        bus.add(at(2), 0x0700_0200, 0);
        bus.set(at(2), 0x10, 0xfeb0_0000);
        bus.add(at(3), 0x0700_0200, 0);
        bus.set(at(3), 0x10, 0xfffd);
        assert!(ports(&mut bus).is_empty());
    }
}
