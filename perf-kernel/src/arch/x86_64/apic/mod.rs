//! The local APIC of each CPU: interrupts between CPUs, its timer, and what it says of errors.
//!
//! Intel SDM volume 3, chapter 10 (APIC) and section 10.12 (x2APIC); AMD APM volume 2, chapter 16.

mod driver;
#[cfg(feature = "kernel")]
mod machine;
mod registers;
#[cfg(test)]
mod scripted;

pub use driver::{ApicError, Errors, LocalApic, Periods, Vectors};
#[cfg(feature = "kernel")]
pub use machine::{ApicAccess, detect, has_tsc_deadline, local};
pub use registers::{ApicRegisters, Command, Destination, Message, Register};
