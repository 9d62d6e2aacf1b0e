//! The benchmark catalogue as static tables: one suite a file, one entry a bench.

mod admin;
mod bench;
mod buffer;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod completions;
mod concurrent;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod device;
mod env;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod fault;
mod kernel;
mod limit;
mod memory;
mod monitor;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod overrun;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod reset;
mod scale;
mod security;
mod selection;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod signals;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod stress;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
mod traffic;
mod update;

/// The work of the probes at both ends of a boot.
pub(crate) mod probes {
    pub(crate) use super::env::{Chain, REFERENCE_RESULT, reference_loop};
}

pub use bench::{Bench, BenchFunction, Body, Cold, Need, Suite, Unit};
pub use limit::{BoundUnit, Limit, Relation, Statistic};
pub use scale::Scale;
pub use selection::{Selected, SelectionError, select};

/// The suites `reset`, `device` and `fault`, which are for tests, come on top where they are built.
const SUITE_COUNT: usize = if cfg!(all(feature = "kernel", feature = "fault-benches")) { 11 } else { 8 };

/// Every suite, in the order in which a boot runs them.
pub static SUITES: [&Suite; SUITE_COUNT] = [
    &env::SUITE,
    #[cfg(all(feature = "kernel", feature = "fault-benches"))]
    &reset::SUITE,
    &kernel::SUITE,
    &admin::SUITE,
    &security::SUITE,
    &update::SUITE,
    &monitor::SUITE,
    &concurrent::SUITE,
    &memory::SUITE,
    #[cfg(all(feature = "kernel", feature = "fault-benches"))]
    &device::SUITE,
    #[cfg(all(feature = "kernel", feature = "fault-benches"))]
    &fault::SUITE,
];
