//! What a function can do besides.

use alloc::vec::Vec;

use super::{Configuration, Function};

/// An entry of a function's list of capabilities (PCI Local Bus 3.0, section 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Message signalled interrupts (section 6.8.1).
    Msi {
        /// Where the entry lies.
        offset: u8,
        /// Whether messages may go to addresses of 64 bits.
        is_64_bit: bool,
        /// How many messages it can have: 1, 2, 4, ... 32.
        messages: u8,
    },
    /// The same by a table in memory (section 6.8.2).
    MsiX {
        /// Where the entry lies.
        offset: u8,
        /// Entries of the table.
        messages: u16,
        /// The base address that the table is in.
        table_bar: u8,
        /// Where in it.
        table_offset: u32,
    },
    /// Any other.
    Other {
        /// Where the entry lies.
        offset: u8,
        /// Its number.
        id: u8,
    },
}

/// The capabilities of `function`, in the order of its list. A list that leads back, or out, ends there.
pub(crate) fn capabilities(
    space: &mut (impl Configuration + ?Sized),
    function: &Function,
) -> Vec<Capability> {
    const STATUS_HAS_LIST: u32 = 1 << 20;
    const POINTER: u8 = 0x34;
    /// Below lies the header; entries have four bytes at least.
    const FIRST: u8 = 0x40;
    const ENTRIES_MAX: usize = 48;
    let address = function.address;
    let mut found = Vec::new();
    if function.header > 1 || space.read(address, 0x04) & STATUS_HAS_LIST == 0 {
        return found;
    }
    let [mut next, ..] = space.read(address, POINTER).to_le_bytes();
    while next & 0xfc >= FIRST && found.len() < ENTRIES_MAX {
        let offset = next & 0xfc;
        let word = space.read(address, offset);
        let [id, following, control_low, control_high] = word.to_le_bytes();
        if id == 0xff {
            break;
        }
        let control = u16::from_le_bytes([control_low, control_high]);
        found.push(match id {
            0x05 => Capability::Msi {
                offset,
                is_64_bit: control & 1 << 7 != 0,
                messages: 1 << (control >> 1 & 7).min(5),
            },
            0x11 if offset <= 0xf4 => {
                let table = space.read(address, offset + 4);
                Capability::MsiX {
                    offset,
                    messages: (control & 0x7ff) + 1,
                    table_bar: table.to_le_bytes()[0] & 7,
                    table_offset: table & !7,
                }
            }
            _ => Capability::Other { offset, id },
        });
        next = following;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{Address, ScriptedBus, scan};
    use super::*;

    const PLACE: Address = Address { bus: 0, device: 4, function: 0 };

    fn machine(words: &[(u8, u32)]) -> Vec<Capability> {
        let mut bus = ScriptedBus::default();
        bus.add(PLACE, 0x0200_0000, 0);
        bus.set(PLACE, 0x04, 1 << 20);
        bus.set(PLACE, 0x34, 0x40);
        for (offset, word) in words {
            bus.set(PLACE, *offset, *word);
        }
        let functions = scan(&mut bus);
        capabilities(&mut bus, &functions[0])
    }

    #[test]
    fn message_interrupts_are_found_in_the_list() {
        let list =
            machine(&[(0x40, 0x0000_5001), (0x50, 0x0086_6005), (0x60, 0x8004_0011), (0x64, 0x0000_2003)]);
        assert_eq!(
            list,
            [
                Capability::Other { offset: 0x40, id: 1 },
                Capability::Msi { offset: 0x50, is_64_bit: true, messages: 8 },
                Capability::MsiX { offset: 0x60, messages: 5, table_bar: 3, table_offset: 0x2000 },
            ]
        );
    }

    #[test]
    fn a_list_that_leads_back_ends() {
        assert_eq!(machine(&[(0x40, 0x0000_4001)]).len(), 48);
        assert_eq!(machine(&[(0x40, 0x0000_1009)]).len(), 1, "what lies in the header is no entry");
        assert!(machine(&[(0x40, u32::MAX)]).is_empty());
    }

    #[test]
    fn a_function_without_a_list_has_none() {
        assert!(machine(&[(0x04, 0), (0x40, 0x0000_0001)]).is_empty());
    }
}
