//! Memory use and optimisation.

mod alloc;
mod bandwidth;
mod cache;
mod collect;
mod parallel;
mod replay;
mod table;
#[cfg(test)]
mod testing;
mod trace;

pub(super) use table::SUITE;
