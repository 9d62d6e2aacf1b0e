//! Kernel primitives: what lmbench and sel4bench measure.

mod table;
mod threads;

pub(super) use table::SUITE;
