//! Kernel primitives: what lmbench and sel4bench measure.

mod interrupts;
mod isolation;
mod memory;
pub(super) mod messages;
mod process;
mod refusals;
mod shootdown;
mod table;
mod threads;
mod traps;
mod turns;
pub(super) mod user;
mod wakeup;

pub(super) use table::SUITE;
