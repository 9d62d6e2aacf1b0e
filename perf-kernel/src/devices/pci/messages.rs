//! Interrupts by messages: what a device writes, and where, to interrupt a CPU.

use super::{Address, Capability, Configuration};
use crate::devices::io::MemoryIo;

/// What a device writes to raise an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    address: u64,
    data: u32,
}

impl Message {
    /// The message that raises `vector` at the CPU whose local APIC has `identity`; `None` if no message reaches it, as for
    /// identities above 254 without a unit that remaps interrupts (Intel SDM volume 3, section 11.11).
    pub(crate) fn to_cpu(identity: u32, vector: u8) -> Option<Self> {
        /// All CPUs.
        const BROADCAST: u32 = 0xff;
        const ADDRESS: u64 = 0xfee0_0000;
        const IDENTITY_SHIFT: u32 = 12;
        // Redirection hint and destination mode 0: this CPU and no other. Data: delivery mode 0 (fixed), by edge.
        let is_reached = identity < BROADCAST && vector >= 16;
        let address = ADDRESS | u64::from(identity) << IDENTITY_SHIFT;
        is_reached.then_some(Self { address, data: u32::from(vector) })
    }
}

const COMMAND: u8 = 0x04;
/// Bit 10 of the command register: no interrupts by wires.
const COMMAND_NO_WIRES: u32 = 1 << 10;

// The upper half of the first word of an entry.
const MSI_ENABLE: u32 = 1 << 16;
/// How many of its messages a function may use, as a power of two.
const MSI_COUNT: u32 = 0b111 << 20;
/// The function can hold messages back one by one.
const MSI_HAS_MASKS: u32 = 1 << 24;
const MSIX_MASK_ALL: u32 = 1 << 30;
const MSIX_ENABLE: u32 = 1 << 31;

/// Bytes of an entry of a table of messages.
pub(crate) const MSIX_ENTRY_BYTES: u32 = 16;
/// Bit 0 of an entry's last word: its message is held back.
const MSIX_ENTRY_MASKED: u32 = 1;

/// Lets the function at `address` interrupt by `message` alone, the first of its messages, through its entry `capability`
/// for one of both kinds; `table` is the table of messages, and is not used for the simpler kind. Whether it was done.
///
/// While something is changed, nothing is sent: a table may be changed only where it is masked, and the simpler kind while it
/// is off (PCI Local Bus 3.0, sections 6.8.3.1 and 6.8.3.2).
pub(crate) fn enable_message(
    space: &mut (impl Configuration + ?Sized),
    address: Address,
    capability: Capability,
    table: Option<&mut dyn MemoryIo>,
    message: Message,
) -> bool {
    let [low, high] = [message.address, message.address >> 32].map(|part| {
        let [a, b, c, d, ..] = part.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    });
    match (capability, table) {
        (Capability::MsiX { offset, messages, .. }, Some(table)) => {
            let control = space.read(address, offset);
            space.write(address, offset, control | MSIX_MASK_ALL | MSIX_ENABLE);
            for entry in 0..usize::from(messages) {
                table.write_u32(entry * MSIX_ENTRY_BYTES as usize + 12, MSIX_ENTRY_MASKED);
            }
            table.write_u32(0, low);
            table.write_u32(4, high);
            table.write_u32(8, message.data);
            table.write_u32(12, 0);
            // The writes have arrived once one of the words is read back.
            let is_written = table.read_u32(0) == low && table.read_u32(8) == message.data;
            let wanted = if is_written { MSIX_ENABLE } else { 0 };
            space.write(address, offset, control & !(MSIX_MASK_ALL | MSIX_ENABLE) | wanted);
            no_wires(space, address);
            is_written
        }
        (Capability::Msi { offset, is_64_bit, .. }, _) => {
            // The last word of the largest kind must lie in the function's registers.
            if offset > 0xe8 || (!is_64_bit && high != 0) {
                return false;
            }
            let control = space.read(address, offset) & !(MSI_ENABLE | MSI_COUNT);
            space.write(address, offset, control);
            space.write(address, offset + 4, low);
            let data = if is_64_bit {
                space.write(address, offset + 8, high);
                offset + 12
            } else {
                offset + 8
            };
            // Above the data is what is reserved, or belongs to another kind.
            let above = space.read(address, data) & 0xffff_0000;
            space.write(address, data, above | message.data);
            if control & MSI_HAS_MASKS != 0 {
                space.write(address, data + 4, 0);
            }
            space.write(address, offset, control | MSI_ENABLE);
            no_wires(space, address);
            true
        }
        _ => false,
    }
}

/// Keeps the function at `address`, which has `capability`, from interrupting.
pub(crate) fn disable_messages(
    space: &mut (impl Configuration + ?Sized),
    address: Address,
    capability: Capability,
) {
    let (offset, bits) = match capability {
        Capability::MsiX { offset, .. } => (offset, MSIX_ENABLE),
        Capability::Msi { offset, .. } => (offset, MSI_ENABLE),
        Capability::Other { .. } => return,
    };
    let control = space.read(address, offset);
    space.write(address, offset, control & !bits);
}

/// A function that sends messages uses no wire besides (section 6.8.3.3), nor is it to when it may send none any longer.
fn no_wires(space: &mut (impl Configuration + ?Sized), address: Address) {
    // The upper half is the status, where ones clear and zeros do nothing.
    let command = space.read(address, COMMAND) & 0xffff;
    space.write(address, COMMAND, command | COMMAND_NO_WIRES);
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::super::ScriptedBus;
    use super::*;

    const PLACE: Address = Address { bus: 0, device: 4, function: 0 };
    const MSIX: Capability = Capability::MsiX { offset: 0x60, messages: 3, table_bar: 0, table_offset: 0 };

    /// A table of messages that notes what is changed while the function may send it.
    struct Table {
        words: Vec<u32>,
        ignores: bool,
    }

    impl MemoryIo for Table {
        fn read_u8(&mut self, _offset: usize) -> u8 {
            0
        }
        fn write_u8(&mut self, _offset: usize, _value: u8) {}
        fn read_u16(&mut self, _offset: usize) -> u16 {
            0
        }
        fn write_u16(&mut self, _offset: usize, _value: u16) {}
        fn read_u32(&mut self, offset: usize) -> u32 {
            self.words[offset / 4]
        }
        fn write_u32(&mut self, offset: usize, value: u32) {
            let is_masked = self.words[offset / 16 * 4 + 3] & 1 != 0;
            assert!(is_masked || offset % 16 == 12, "an entry is changed while it is not masked");
            if !self.ignores {
                self.words[offset / 4] = value;
            }
        }
    }

    fn message() -> Message {
        Message::to_cpu(5, 0x61).expect("it is reached")
    }

    fn machine(offset: u8, control: u32) -> ScriptedBus {
        let mut bus = ScriptedBus::default();
        bus.add(PLACE, 0x0200_0000, 0);
        bus.set(PLACE, 0x04, 0x0010_0006);
        for word in (offset..offset + 24).step_by(4) {
            bus.set(PLACE, word, 0);
        }
        bus.set(PLACE, offset, control);
        bus
    }

    #[test]
    fn a_message_names_its_cpu_and_vector() {
        assert_eq!(message(), Message { address: 0xfee0_5000, data: 0x61 });
        assert_eq!(Message::to_cpu(255, 0x61), None, "that would be all of them");
        assert_eq!(Message::to_cpu(300, 0x61), None);
        assert_eq!(Message::to_cpu(1, 15), None, "no message raises an exception");
    }

    #[test]
    fn the_first_entry_of_a_table_is_set_and_the_others_stay_masked() {
        let mut bus = machine(0x60, 0x0002_0011);
        let mut table = Table { words: vec![0; 12], ignores: false };
        assert!(enable_message(&mut bus, PLACE, MSIX, Some(&mut table), message()));
        assert_eq!(table.words, [0xfee0_5000, 0, 0x61, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(bus.get(PLACE, 0x60), 0x8002_0011, "on, and not masked as a whole");
        assert_eq!(bus.get(PLACE, 0x04) & 0xffff, 0x0406, "no wires");
        disable_messages(&mut bus, PLACE, MSIX);
        assert_eq!(bus.get(PLACE, 0x60), 0x0002_0011);
    }

    #[test]
    fn a_table_that_does_not_keep_what_is_written_is_left_off() {
        let mut bus = machine(0x60, 0x0002_0011);
        let mut table = Table { words: vec![1; 12], ignores: true };
        assert!(!enable_message(&mut bus, PLACE, MSIX, Some(&mut table), message()));
        assert_eq!(bus.get(PLACE, 0x60), 0x0002_0011);
        assert!(!enable_message(&mut bus, PLACE, MSIX, None, message()), "there is no table");
    }

    #[test]
    fn a_function_with_one_message_is_told_it_at_either_width() {
        for (control, is_64_bit, expected) in [
            (0x0184_0005, true, [0x0185_0005, 0xfee0_5000, 0, 0x61, 0]),
            (0x0004_0005, false, [0x0005_0005, 0xfee0_5000, 0x61, 0, 0]),
        ] {
            // Of four messages, the function was to use all before.
            let mut bus = machine(0x50, control | 2 << 20);
            let capability = Capability::Msi { offset: 0x50, is_64_bit, messages: 4 };
            assert!(enable_message(&mut bus, PLACE, capability, None, message()));
            let words: Vec<u32> = (0x50..0x64).step_by(4).map(|at| bus.get(PLACE, at)).collect();
            assert_eq!(words, expected);
            disable_messages(&mut bus, PLACE, capability);
            assert_eq!(bus.get(PLACE, 0x50), control);
        }
    }
}
