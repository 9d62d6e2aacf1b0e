//! I/O APICs: which line of a device becomes which interrupt of which CPU.
//!
//! Intel 82093AA I/O Advanced Programmable Interrupt Controller (IOAPIC) data sheet, order number 290566.

mod chips;
mod entry;
#[cfg(feature = "kernel")]
mod machine;
mod registers;
#[cfg(test)]
mod scripted;

pub use chips::{IoApicError, IoApics};
pub use entry::{Delivery, Entry, Line, Polarity, Trigger};
pub use registers::IoApicRegisters;
