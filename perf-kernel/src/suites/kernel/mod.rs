//! Kernel primitives: what lmbench and sel4bench measure.

mod interrupts;
mod table;

pub(super) use table::SUITE;
