//! Access to configuration space.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::Address;
use crate::devices::io::{MemoryIo, PortIo};

/// Configuration space, in words of four bytes. What is not there reads as ones.
pub(crate) trait Configuration {
    /// Reads the word at `offset`, a multiple of four, of the function at `address`.
    fn read(&mut self, address: Address, offset: u8) -> u32;

    /// Writes the word at `offset`, a multiple of four, of the function at `address`.
    fn write(&mut self, address: Address, offset: u8, value: u32);
}

/// The two ports of every PC (PCI Local Bus 3.0, section 3.2.2.3.2).
#[derive(Debug)]
pub(crate) struct PortMechanism<P>(pub(crate) P);

impl<P: PortIo> PortMechanism<P> {
    const ADDRESS: u16 = 0xcf8;
    const DATA: u16 = 0xcfc;

    fn select(&mut self, address: Address, offset: u8) {
        let Address { bus, device, function } = address;
        let place = u32::from(bus) << 16 | u32::from(device) << 11 | u32::from(function) << 8;
        self.0.write_u32(Self::ADDRESS, 1 << 31 | place | u32::from(offset & 0xfc));
    }
}

impl<P: PortIo> Configuration for PortMechanism<P> {
    fn read(&mut self, address: Address, offset: u8) -> u32 {
        self.select(address, offset);
        self.0.read_u32(Self::DATA)
    }

    fn write(&mut self, address: Address, offset: u8, value: u32) {
        self.select(address, offset);
        self.0.write_u32(Self::DATA, value);
    }
}

/// Memory in which every function has a page (PCI Express 5.0, section 7.2.2), for some of the buses.
#[derive(Debug)]
pub(crate) struct MemoryMechanism<M> {
    registers: M,
    buses: RangeInclusive<u8>,
}

impl<M: MemoryIo> MemoryMechanism<M> {
    /// The mechanism of `buses`, whose pages are `registers`.
    pub(crate) const fn new(registers: M, buses: RangeInclusive<u8>) -> Self {
        Self { registers, buses }
    }

    fn place(&self, address: Address, offset: u8) -> Option<usize> {
        let Address { bus, device, function } = address;
        let bus = bus.checked_sub(*self.buses.start()).filter(|_| self.buses.contains(&bus))?;
        let page = usize::from(bus) << 8 | usize::from(device) << 3 | usize::from(function);
        Some(page << 12 | usize::from(offset & 0xfc))
    }
}

impl<M: MemoryIo> Configuration for MemoryMechanism<M> {
    fn read(&mut self, address: Address, offset: u8) -> u32 {
        self.place(address, offset).map_or(u32::MAX, |place| self.registers.read_u32(place))
    }

    fn write(&mut self, address: Address, offset: u8, value: u32) {
        if let Some(place) = self.place(address, offset) {
            self.registers.write_u32(place, value);
        }
    }
}

/// Where the firmware says that the pages of some buses are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Physical address of the page of the first function of the first bus.
    pub(crate) address: u64,
    /// The buses.
    pub(crate) buses: RangeInclusive<u8>,
}

impl Window {
    /// Bytes of the pages.
    pub(crate) fn bytes(&self) -> usize {
        (usize::from(self.buses.end() - self.buses.start()) + 1) << 20
    }
}

/// The windows of segment group 0 in an MCFG table (PCI Firmware 3.2, section 4.1.2). Other groups have buses of the
/// same numbers, which nothing here tells apart.
pub(crate) fn windows(table: &[u8]) -> Vec<Window> {
    const ENTRIES: usize = 44;
    const ENTRY_BYTES: usize = 16;
    const BUS_BYTES: u64 = 1 << 20;
    if !table.starts_with(b"MCFG") {
        return Vec::new();
    }
    let entries = table.get(ENTRIES..).unwrap_or_default().chunks_exact(ENTRY_BYTES);
    let window = |entry: &[u8]| {
        let base = u64::from_le_bytes(*entry.first_chunk()?);
        let (group, first, last) = (&entry[8..10], entry[10], entry[11]);
        // The base is that of bus 0, whether the window has it or not.
        let address = base.checked_add(u64::from(first) * BUS_BYTES)?;
        (group == [0, 0] && first <= last && base != 0).then_some(Window { address, buses: first..=last })
    };
    entries.filter_map(window).collect()
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec;

    use super::*;

    #[derive(Default)]
    struct Memory(BTreeMap<usize, u32>);

    impl MemoryIo for Memory {
        fn read_u8(&mut self, _offset: usize) -> u8 {
            0
        }
        fn write_u8(&mut self, _offset: usize, _value: u8) {}
        fn read_u16(&mut self, _offset: usize) -> u16 {
            0
        }
        fn write_u16(&mut self, _offset: usize, _value: u16) {}
        fn read_u32(&mut self, offset: usize) -> u32 {
            self.0.get(&offset).copied().unwrap_or(u32::MAX)
        }
        fn write_u32(&mut self, offset: usize, value: u32) {
            self.0.insert(offset, value);
        }
    }

    /// What is written at the first port chooses what lies behind the second.
    #[derive(Default)]
    struct TwoPorts {
        chosen: u32,
        words: BTreeMap<u32, u32>,
    }

    impl PortIo for TwoPorts {
        fn read_u8(&mut self, _port: u16) -> u8 {
            0
        }
        fn write_u8(&mut self, _port: u16, _value: u8) {}
        fn read_u32(&mut self, port: u16) -> u32 {
            assert_eq!(port, 0xcfc);
            self.words.get(&self.chosen).copied().unwrap_or(u32::MAX)
        }
        fn write_u32(&mut self, port: u16, value: u32) {
            match port {
                0xcf8 => self.chosen = value,
                0xcfc => drop(self.words.insert(self.chosen, value)),
                _ => panic!("there is no port {port:#x}"),
            }
        }
    }

    #[test]
    fn a_word_is_chosen_at_one_port_and_moved_at_the_other() {
        let mut ports = PortMechanism(TwoPorts::default());
        let address = Address { bus: 17, device: 3, function: 2 };
        ports.write(address, 0x12, 5);
        let place = 1 << 31 | 17 << 16 | 3 << 11 | 2 << 8 | 0x10;
        assert_eq!(ports.0.words, BTreeMap::from([(place, 5)]));
        assert_eq!(ports.read(address, 0x10), 5);
        assert_eq!(ports.read(Address { bus: 16, ..address }, 0x10), u32::MAX);
    }

    fn table(entries: &[(u64, u16, u8, u8)]) -> Vec<u8> {
        let mut table = vec![0; 44];
        table[..4].copy_from_slice(b"MCFG");
        for (base, group, first, last) in entries {
            table.extend(base.to_le_bytes());
            table.extend(group.to_le_bytes());
            table.extend([*first, *last, 0, 0, 0, 0]);
        }
        table
    }

    #[test]
    fn windows_of_the_first_group_are_found() {
        let table = table(&[(0xb000_0000, 0, 0, 255), (0x10_0000_0000, 1, 0, 255), (0xe000_0000, 0, 16, 31)]);
        let found = windows(&table);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Window { address: 0xb000_0000, buses: 0..=255 });
        assert_eq!((found[0].bytes(), found[1].bytes()), (256 << 20, 16 << 20));
        assert_eq!(found[1].address, 0xe100_0000);
    }

    #[test]
    fn broken_tables_have_no_windows() {
        assert!(windows(b"MCFG").is_empty());
        assert!(windows(&table(&[(0, 0, 0, 255), (0xb000_0000, 0, 9, 8), (u64::MAX, 0, 1, 2)])).is_empty());
        assert!(windows(&table(&[(1 << 30, 0, 0, 1)])[..59]).is_empty());
    }

    #[test]
    fn a_function_has_its_page_in_the_window() {
        let mut memory = MemoryMechanism::new(Memory::default(), 16..=31);
        let address = Address { bus: 17, device: 3, function: 2 };
        memory.write(address, 0x10, 5);
        assert_eq!(
            memory.registers.0.keys().copied().collect::<Vec<_>>(),
            [1 << 20 | 3 << 15 | 2 << 12 | 0x10]
        );
        assert_eq!(memory.read(address, 0x10), 5);
        assert_eq!(memory.read(Address { bus: 15, ..address }, 0x10), u32::MAX);
    }
}
