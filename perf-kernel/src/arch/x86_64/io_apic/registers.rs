//! The registers of an I/O APIC, and how one is reached.

/// The version register (data sheet, section 3.2.2).
pub(super) const VERSION: u8 = 0x01;
/// The first half of the first entry of the redirection table; two registers make an entry (section 3.2.4).
const REDIRECTION: u8 = 0x10;

/// Access to the registers of one I/O APIC, by their numbers.
pub trait IoApicRegisters {
    /// Reads register number `register`.
    fn read(&mut self, register: u8) -> u32;

    /// Writes register number `register`.
    fn write(&mut self, register: u8, value: u32);
}

/// The registers of entry number `entry`, which is below 120: the lower half and the upper one.
pub(super) const fn halves(entry: u8) -> (u8, u8) {
    let low = REDIRECTION + 2 * entry;
    (low, low + 1)
}
