//! A function of a device: what it is, and where its registers are.

use core::fmt;

use super::Configuration;

/// Where a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// Its bus.
    pub(crate) bus: u8,
    /// Its device on the bus, below 32.
    pub(crate) device: u8,
    /// Its number in the device, below 8.
    pub(crate) function: u8,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}:{:02x}.{:x}", self.bus, self.device, self.function)
    }
}

/// What a function says of itself (PCI Local Bus 3.0, section 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Where it is.
    pub(crate) address: Address,
    /// Who made it.
    pub(crate) vendor: u16,
    /// Which of the maker's devices it is.
    pub(crate) device: u16,
    /// What it is: class and subclass.
    pub(crate) class: [u8; 2],
    /// How it is programmed, in terms of its class.
    pub(crate) interface: u8,
    /// The layout of its header: 0 for a device, 1 for a bridge to a bus.
    pub(crate) header: u8,
    /// Whether the device has more functions than this.
    pub(crate) has_others: bool,
}

/// Registers of a function, in memory or at ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// In memory.
    Memory {
        /// The first byte.
        address: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// At I/O ports.
    Ports {
        /// The first port.
        port: u16,
        /// How many ports.
        ports: u32,
    },
}

const COMMAND: u8 = 0x04;
const COMMAND_PORTS: u32 = 1;
const COMMAND_MEMORY: u32 = 1 << 1;
const COMMAND_MASTER: u32 = 1 << 2;
const BAR_FIRST: u8 = 0x10;

impl Function {
    /// The function at `address`; `None` if there is none.
    pub(super) fn read(space: &mut (impl Configuration + ?Sized), address: Address) -> Option<Self> {
        let [vendor_low, vendor_high, device_low, device_high] = space.read(address, 0).to_le_bytes();
        let vendor = u16::from_le_bytes([vendor_low, vendor_high]);
        if matches!(vendor, 0 | 0xffff) {
            return None;
        }
        let [_, interface, subclass, class] = space.read(address, 0x08).to_le_bytes();
        let [_, _, header, _] = space.read(address, 0x0c).to_le_bytes();
        Some(Self {
            address,
            vendor,
            device: u16::from_le_bytes([device_low, device_high]),
            class: [class, subclass],
            interface,
            header: header & 0x7f,
            has_others: header & 0x80 != 0,
        })
    }

    /// The bus on the other side, if it is a bridge to one.
    pub(super) fn bus_behind(&self, space: &mut (impl Configuration + ?Sized)) -> Option<u8> {
        const BRIDGE: [u8; 2] = [6, 4];
        let is_bridge = self.class == BRIDGE && self.header == 1;
        is_bridge.then(|| space.read(self.address, 0x18).to_le_bytes()[1])
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, vendor, device, class: [class, subclass], interface, .. } = self;
        write!(f, "{address} {vendor:04x}:{device:04x} class {class:02x}/{subclass:02x}/{interface:02x}")
    }
}

/// The registers that base address number `index`, below 6, of the function gives; `None` if it gives none. To find
/// out how many there are, the function does not answer for a moment: it must not be in use.
pub(crate) fn bar(space: &mut (impl Configuration + ?Sized), function: &Function, index: u8) -> Option<Bar> {
    const PORTS: u32 = 1;
    const KIND: u32 = 0b110;
    const KIND_64_BIT: u32 = 0b100;
    let address = function.address;
    let count = if function.header == 0 { 6 } else { 2 };
    let offset = BAR_FIRST + index.checked_mul(4).filter(|_| index < count)?;
    let low = space.read(address, offset);
    let is_64_bit = low & PORTS == 0 && low & KIND == KIND_64_BIT;
    if is_64_bit && index + 1 >= count {
        return None;
    }
    let command = space.read(address, COMMAND) & 0xffff;
    space.write(address, COMMAND, command & !(COMMAND_PORTS | COMMAND_MEMORY));
    // Ones come back where the address can be chosen (PCI Local Bus 3.0, section 6.2.5.1).
    let mask_low = replaced(space, address, offset, low);
    let (high, mask_high) = if is_64_bit {
        let high = space.read(address, offset + 4);
        (high, replaced(space, address, offset + 4, high))
    } else {
        (0, u32::MAX)
    };
    space.write(address, COMMAND, command);
    if low & PORTS != 0 {
        // Ports have 16 bits here; a device may leave the upper half of the register out.
        let ports = (!(mask_low | 0xffff_0000) | 3).checked_add(1)?;
        let port = u16::try_from(low & !3).ok().filter(|port| *port != 0)?;
        let is_inside = u32::from(port) + ports <= 1 << 16;
        return is_inside.then_some(Bar::Ports { port, ports });
    }
    let join = |low: u32, high: u32| u64::from(low & !0xf) | u64::from(high) << 32;
    let bytes = (!join(mask_low, mask_high)).checked_add(1)?;
    let start = join(low, high);
    let is_there = mask_low & !0xf != 0 || (is_64_bit && mask_high != 0);
    (is_there && start != 0 && start.checked_add(bytes).is_some())
        .then_some(Bar::Memory { address: start, bytes })
}

/// Writes ones, reads what came of it, and writes `value` back.
fn replaced(space: &mut (impl Configuration + ?Sized), address: Address, offset: u8, value: u32) -> u32 {
    space.write(address, offset, u32::MAX);
    let mask = space.read(address, offset);
    space.write(address, offset, value);
    mask
}

/// Lets the function answer at its registers, and read and write memory on its own if `master` says so.
pub(crate) fn enable(space: &mut (impl Configuration + ?Sized), address: Address, master: Master) {
    let command = space.read(address, COMMAND) & 0xffff;
    let answering = command | COMMAND_PORTS | COMMAND_MEMORY;
    let wanted = match master {
        Master::On => answering | COMMAND_MASTER,
        Master::Off => answering & !COMMAND_MASTER,
    };
    // The upper half is the status, where ones clear and zeros do nothing.
    space.write(address, COMMAND, wanted);
}

/// Whether a function may read and write memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Master {
    /// It may.
    On,
    /// It may not.
    Off,
}

#[cfg(test)]
mod tests {
    use super::super::ScriptedBus;
    use super::*;

    const PLACE: Address = Address { bus: 0, device: 4, function: 0 };

    fn machine() -> (ScriptedBus, Function) {
        let mut bus = ScriptedBus::default();
        bus.add(PLACE, 0x0108_0200, 0);
        let function = Function::read(&mut bus, PLACE).expect("it is there");
        (bus, function)
    }

    #[test]
    fn registers_in_memory_are_sized_and_left_as_they_were() {
        let (mut bus, function) = machine();
        bus.set(PLACE, 0x04, 0x0010_0006);
        bus.set_bar(PLACE, 0x10, 0xfebf_0000, 0xffff_c000);
        assert_eq!(bar(&mut bus, &function, 0), Some(Bar::Memory { address: 0xfebf_0000, bytes: 0x4000 }));
        assert_eq!(bus.get(PLACE, 0x10), 0xfebf_0000);
        assert_eq!(bus.get(PLACE, 0x04) & 0xffff, 6);
        assert_eq!(bus.decoded_while_sizing, 0);
    }

    #[test]
    fn registers_at_64_bit_addresses_take_two_words() {
        let (mut bus, function) = machine();
        bus.set_bar(PLACE, 0x10, 0x0000_0004, 0xffff_c000);
        bus.set_bar(PLACE, 0x14, 0x0000_0008, 0xffff_ffff);
        assert_eq!(bar(&mut bus, &function, 0), Some(Bar::Memory { address: 0x8_0000_0000, bytes: 0x4000 }));
        bus.set_bar(PLACE, 0x24, 0x0000_0004, 0xffff_c000);
        assert_eq!(bar(&mut bus, &function, 5), None, "there is no second word");
    }

    #[test]
    fn ports_are_sized() {
        let (mut bus, function) = machine();
        bus.set_bar(PLACE, 0x14, 0xc001, 0xffff_ffc1);
        assert_eq!(bar(&mut bus, &function, 1), Some(Bar::Ports { port: 0xc000, ports: 64 }));
        bus.set_bar(PLACE, 0x14, 0xffc1, 0x0000_ff81);
        assert_eq!(bar(&mut bus, &function, 1), None, "they would go beyond the last port");
    }

    #[test]
    fn registers_that_are_not_there_are_absent() {
        let (mut bus, function) = machine();
        assert_eq!(bar(&mut bus, &function, 0), None);
        assert_eq!(bar(&mut bus, &function, 6), None);
        bus.set_bar(PLACE, 0x10, 0, 0xffff_c000);
        assert_eq!(bar(&mut bus, &function, 0), None, "nobody gave it an address");
    }

    #[test]
    fn mastering_goes_on_and_off_and_status_is_left_alone() {
        let (mut bus, _) = machine();
        bus.set(PLACE, 0x04, 0xf900_0100);
        enable(&mut bus, PLACE, Master::On);
        assert_eq!(bus.get(PLACE, 0x04), 0x0107);
        enable(&mut bus, PLACE, Master::Off);
        assert_eq!(bus.get(PLACE, 0x04), 0x0103);
    }
}
