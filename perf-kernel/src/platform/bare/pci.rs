//! Serial ports among the PCI devices.

use alloc::vec::Vec;

use super::io::PortIo;

const CONFIGURATION_ADDRESS: u16 = 0xcf8;
const CONFIGURATION_DATA: u16 = 0xcfc;
const BUSES: usize = 256;

/// The I/O ports of every 16550 that is a PCI device, reached from bus 0 through bridges, in the order found. Devices
/// that do not answer at their ports are told to.
pub(super) fn serial_ports(ports: &mut impl PortIo) -> Vec<u16> {
    let mut found = Vec::new();
    // A bridge may lead back: every bus is looked at once.
    let mut is_seen = [false; BUSES];
    let mut buses = alloc::vec![0_u8];
    while let Some(bus) = buses.pop() {
        if core::mem::replace(&mut is_seen[usize::from(bus)], true) {
            continue;
        }
        for device in 0..32 {
            for function in 0..functions(ports, bus, device) {
                let mut function = Function { ports, bus, device, function };
                buses.extend(function.bus_behind());
                found.extend(function.serial_port());
            }
        }
    }
    found
}

/// How many functions to look for: 8 if the header of the first says so (PCI Local Bus 3.0, section 6.2.1).
fn functions(ports: &mut impl PortIo, bus: u8, device: u8) -> u8 {
    let mut first = Function { ports, bus, device, function: 0 };
    if !first.is_present() {
        0
    } else if first.header_type() & 0x80 != 0 {
        8
    } else {
        1
    }
}

struct Function<'a, P> {
    ports: &'a mut P,
    bus: u8,
    device: u8,
    function: u8,
}

impl<P: PortIo> Function<'_, P> {
    fn is_present(&mut self) -> bool {
        self.read(0) & 0xffff != 0xffff
    }

    fn header_type(&mut self) -> u8 {
        self.read(0x0c).to_le_bytes()[2]
    }

    /// The bus on the other side of a PCI-to-PCI bridge.
    fn bus_behind(&mut self) -> Option<u8> {
        const BRIDGE: [u8; 2] = [4, 6];
        let [_, _, subclass, class] = self.read(0x08).to_le_bytes();
        if !self.is_present() || [subclass, class] != BRIDGE || self.header_type() & 0x7f != 1 {
            return None;
        }
        Some(self.read(0x18).to_le_bytes()[1])
    }

    /// The ports of the device if it is a 16550 or a later one of its kind (PCI Code and ID Assignment, class 07/00,
    /// interfaces 2 to 6).
    fn serial_port(&mut self) -> Option<u16> {
        const SERIAL: [u8; 2] = [0, 7];
        const IO_SPACE: u32 = 1;
        let [_, interface, subclass, class] = self.read(0x08).to_le_bytes();
        if !self.is_present() || [subclass, class] != SERIAL || !(2..=6).contains(&interface) {
            return None;
        }
        let port = (0..6_u8).find_map(|index| {
            let bar = self.read(0x10 + index * 4);
            let port = u16::try_from(bar & !3).ok()?;
            (bar & IO_SPACE != 0 && port != 0 && port.checked_add(7).is_some()).then_some(port)
        })?;
        let command = self.read(0x04) & 0xffff;
        if command & IO_SPACE == 0 {
            // The upper half is the status, where ones clear and zeros do nothing.
            self.write(0x04, command | IO_SPACE);
        }
        Some(port)
    }

    fn read(&mut self, offset: u8) -> u32 {
        self.ports.write_u32(CONFIGURATION_ADDRESS, self.address(offset));
        self.ports.read_u32(CONFIGURATION_DATA)
    }

    fn write(&mut self, offset: u8, value: u32) {
        self.ports.write_u32(CONFIGURATION_ADDRESS, self.address(offset));
        self.ports.write_u32(CONFIGURATION_DATA, value);
    }

    /// PCI Local Bus 3.0, section 3.2.2.3.2.
    fn address(&self, offset: u8) -> u32 {
        let place = u32::from(self.bus) << 16 | u32::from(self.device) << 11 | u32::from(self.function) << 8;
        1 << 31 | place | u32::from(offset)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    /// Configuration space by bus, device and function; what is not there reads as ones.
    #[derive(Default)]
    struct Machine {
        address: u32,
        words: BTreeMap<u32, u32>,
    }

    impl Machine {
        fn set(&mut self, (bus, device, function): (u32, u32, u32), offset: u32, value: u32) {
            self.words.insert(1 << 31 | bus << 16 | device << 11 | function << 8 | offset, value);
        }

        /// A device with `class` (class, subclass, interface, revision) and `header` type.
        fn add(&mut self, place: (u32, u32, u32), class: u32, header: u32) {
            for offset in (0..0x40).step_by(4) {
                self.set(place, offset, 0);
            }
            self.set(place, 0, 0x0002_1b36);
            self.set(place, 8, class);
            self.set(place, 0x0c, header << 16);
        }
    }

    impl PortIo for Machine {
        fn read_u8(&mut self, _port: u16) -> u8 {
            0xff
        }

        fn write_u8(&mut self, _port: u16, _value: u8) {}

        fn read_u32(&mut self, port: u16) -> u32 {
            assert_eq!(port, CONFIGURATION_DATA);
            self.words.get(&self.address).copied().unwrap_or(u32::MAX)
        }

        fn write_u32(&mut self, port: u16, value: u32) {
            if port == CONFIGURATION_ADDRESS {
                self.address = value;
            } else {
                self.words.insert(self.address, value);
            }
        }
    }

    #[test]
    fn a_serial_port_is_found_and_switched_on() {
        let mut machine = Machine::default();
        machine.add((0, 0, 0), 0x0600_0000, 0);
        machine.add((0, 4, 0), 0x0700_0201, 0);
        machine.set((0, 4, 0), 0x10, 0xc001);
        assert_eq!(serial_ports(&mut machine), [0xc000]);
        assert_eq!(machine.words[&(1 << 31 | 4 << 11 | 4)], 1);
    }

    #[test]
    fn later_functions_and_buses_behind_bridges_are_looked_at() {
        let mut machine = Machine::default();
        machine.add((0, 1, 0), 0x0604_0000, 0x81);
        machine.set((0, 1, 0), 0x18, 0x0003_0300);
        machine.add((0, 1, 3), 0x0700_0200, 0);
        machine.set((0, 1, 3), 0x14, 0xd001);
        machine.add((3, 0, 0), 0x0700_0200, 0);
        machine.set((3, 0, 0), 0x10, 0xe001);
        assert_eq!(serial_ports(&mut machine), [0xd000, 0xe000]);
    }

    #[test]
    fn other_interfaces_and_memory_registers_are_passed_over() {
        let mut machine = Machine::default();
        machine.add((0, 1, 0), 0x0700_0000, 0);
        machine.set((0, 1, 0), 0x10, 0xc001);
        machine.add((0, 2, 0), 0x0700_0200, 0);
        machine.set((0, 2, 0), 0x10, 0xfeb0_0000);
        machine.add((0, 3, 0), 0x0700_0200, 0);
        machine.set((0, 3, 0), 0x10, 0xfffd);
        assert!(serial_ports(&mut machine).is_empty());
    }

    #[test]
    fn a_bridge_that_leads_back_is_no_trap() {
        let mut machine = Machine::default();
        machine.add((0, 1, 0), 0x0604_0000, 1);
        assert!(serial_ports(&mut machine).is_empty());
    }
}
