//! Every function of a machine.

use alloc::vec;
use alloc::vec::Vec;

use super::{Address, Configuration, Function};

const BUSES: usize = 256;

/// Every function that can be reached from bus 0 through bridges, and from the further roots that the first device
/// shows by its functions (PCI Local Bus 3.0, section 3.2.2.3.4), in the order found.
pub(crate) fn scan(space: &mut (impl Configuration + ?Sized)) -> Vec<Function> {
    let mut found = Vec::new();
    // A bridge may lead back: every bus is looked at once.
    let mut is_seen = [false; BUSES];
    let mut buses = vec![0_u8];
    while let Some(bus) = buses.pop() {
        if core::mem::replace(&mut is_seen[usize::from(bus)], true) {
            continue;
        }
        for device in 0..32 {
            let first = Function::read(space, Address { bus, device, function: 0 });
            let Some(first) = first else { continue };
            let others = if first.has_others { 1..8 } else { 1..1 };
            let others =
                others.filter_map(|function| Function::read(space, Address { bus, device, function }));
            let functions: Vec<Function> = core::iter::once(first).chain(others).collect();
            for function in functions {
                buses.extend(function.bus_behind(space));
                buses.extend(root_bus(&function));
                found.push(function);
            }
        }
    }
    found
}

/// A machine with several host bridges shows each as a function of the first device, and its bus has that number.
fn root_bus(function: &Function) -> Option<u8> {
    const HOST_BRIDGE: [u8; 2] = [6, 0];
    let Address { bus, device, function: number } = function.address;
    (function.class == HOST_BRIDGE && bus == 0 && device == 0 && number != 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::super::ScriptedBus;
    use super::*;

    fn at(bus: u8, device: u8, function: u8) -> Address {
        Address { bus, device, function }
    }

    fn addresses(bus: &mut ScriptedBus) -> Vec<Address> {
        scan(bus).iter().map(|function| function.address).collect()
    }

    #[test]
    fn later_functions_and_buses_behind_bridges_are_looked_at() {
        let mut bus = ScriptedBus::default();
        bus.add(at(0, 0, 0), 0x0600_0000, 0);
        bus.add(at(0, 1, 0), 0x0604_0000, 0x81);
        bus.set(at(0, 1, 0), 0x18, 0x0003_0300);
        bus.add(at(0, 1, 3), 0x0700_0200, 0);
        bus.add(at(0, 2, 5), 0x0700_0200, 0);
        bus.add(at(3, 0, 0), 0x0108_0200, 0);
        assert_eq!(addresses(&mut bus), [at(0, 0, 0), at(0, 1, 0), at(0, 1, 3), at(3, 0, 0)]);
    }

    #[test]
    fn a_bridge_that_leads_back_is_no_trap() {
        let mut bus = ScriptedBus::default();
        bus.add(at(0, 1, 0), 0x0604_0000, 1);
        assert_eq!(addresses(&mut bus), [at(0, 1, 0)]);
    }

    #[test]
    fn every_host_bridge_has_a_bus() {
        let mut bus = ScriptedBus::default();
        bus.add(at(0, 0, 0), 0x0600_0000, 0x80);
        bus.add(at(0, 0, 2), 0x0600_0000, 0x80);
        bus.add(at(2, 7, 0), 0x0200_0000, 0);
        assert_eq!(addresses(&mut bus), [at(0, 0, 0), at(0, 0, 2), at(2, 7, 0)]);
    }

    #[test]
    fn a_function_is_described_by_its_numbers() {
        let mut bus = ScriptedBus::default();
        bus.add(at(0, 31, 0), 0x0106_0100, 0);
        let text = alloc::format!("{}", scan(&mut bus)[0]);
        assert_eq!(text, "00:1f.0 1b36:0002 class 01/06/01");
    }
}
