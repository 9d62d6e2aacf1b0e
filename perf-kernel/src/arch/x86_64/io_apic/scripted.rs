//! An I/O APIC for tests: behaves as the data sheet says and remembers what is written.

use alloc::vec::Vec;

use super::registers::{IoApicRegisters, VERSION, halves};

/// An I/O APIC made of memory.
#[derive(Debug)]
pub(super) struct Scripted {
    lines: u8,
    /// What is written to entries changes nothing.
    pub(super) is_deaf: bool,
    /// Bits that read as set, whatever was written: those of an interrupt under way.
    pub(super) busy: u32,
    values: [u32; 256],
    pub(super) writes: Vec<(u8, u32)>,
}

impl Scripted {
    /// One with so many lines, all of which interrupt.
    pub(super) fn with_lines(lines: u8) -> Self {
        Self { lines, is_deaf: false, busy: 0, values: [0; 256], writes: Vec::new() }
    }

    /// Both halves of an entry.
    pub(super) fn entry(&self, entry: u8) -> (u32, u32) {
        let (low, high) = halves(entry);
        (self.values[usize::from(low)], self.values[usize::from(high)])
    }
}

impl IoApicRegisters for Scripted {
    fn read(&mut self, register: u8) -> u32 {
        match register {
            VERSION if self.lines == 0 => u32::MAX,
            VERSION => u32::from(self.lines - 1) << 16 | 0x11,
            low if low.is_multiple_of(2) => self.values[usize::from(low)] | self.busy,
            high => self.values[usize::from(high)],
        }
    }

    fn write(&mut self, register: u8, value: u32) {
        self.writes.push((register, value));
        if !self.is_deaf {
            self.values[usize::from(register)] = value;
        }
    }
}
