//! I/O APICs in memory.

use super::registers::IoApicRegisters;
use crate::arch::Mmio;

/// The register that says which register is meant (data sheet, section 3.1.1).
const SELECT: usize = 0x00;
/// The one through which that is read and written (section 3.1.2).
const WINDOW: usize = 0x10;

impl IoApicRegisters for Mmio {
    fn read(&mut self, register: u8) -> u32 {
        self.write_u32(SELECT, register.into());
        self.read_u32(WINDOW)
    }

    fn write(&mut self, register: u8, value: u32) {
        self.write_u32(SELECT, register.into());
        self.write_u32(WINDOW, value);
    }
}
