//! Registers of a UART as the `uart_16550` crate sees them.

use uart_16550::backend::Backend;
use uart_16550::spec::registers::LSR;
use uart_16550::spec::registers::offsets;

/// The eight registers of a UART, wherever they are.
pub trait UartRegisters {
    /// Reads the register numbered `register`, 0 to 7.
    fn read(&mut self, register: u8) -> u8;

    /// Writes the register numbered `register`, 0 to 7.
    fn write(&mut self, register: u8, value: u8);
}

/// Registers that end every wait for the transmitter: the crate's set-up waits for it to become empty without an end,
/// so once the budget of status reads is used up it reads as empty, and [`BoundedRegisters::is_stuck`] tells.
#[derive(Debug)]
pub struct BoundedRegisters<R> {
    registers: R,
    status_reads_left: u32,
}

impl<R: UartRegisters> BoundedRegisters<R> {
    /// `registers` with a budget of `status_reads`.
    pub const fn new(registers: R, status_reads: u32) -> Self {
        Self { registers, status_reads_left: status_reads }
    }

    /// Sets the budget for what comes next.
    pub const fn allow(&mut self, status_reads: u32) {
        self.status_reads_left = status_reads;
    }

    /// Whether the budget was used up.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        self.status_reads_left == 0
    }

    /// The registers, with nothing between.
    pub const fn registers(&mut self) -> &mut R {
        &mut self.registers
    }
}

impl<R: UartRegisters> Backend for BoundedRegisters<R> {
    unsafe fn read(&mut self, register: u8) -> u8 {
        let value = self.registers.read(register);
        if usize::from(register) != offsets::LSR {
            return value;
        }
        self.status_reads_left = self.status_reads_left.saturating_sub(1);
        if self.is_stuck() {
            return value | (LSR::THR_EMPTY | LSR::TRANSMITTER_EMPTY).bits();
        }
        value
    }

    unsafe fn write(&mut self, register: u8, value: u8) {
        self.registers.write(register, value);
    }
}

/// The crate's driver on `registers`.
pub fn driver<R: UartRegisters>(
    registers: BoundedRegisters<R>,
) -> uart_16550::Uart16550<BoundedRegisters<R>> {
    // SAFETY: the registers are reached through safe code, whatever they are.
    unsafe { uart_16550::Uart16550::new_with_backend(registers) }
}
