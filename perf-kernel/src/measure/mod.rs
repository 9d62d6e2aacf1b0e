//! How a bench is measured, from the empty timed region to the record. `docs/METHODOLOGY.md` tells it for readers.

mod batch;
mod bencher;
mod bounds;
mod calibrate;
mod causes;
mod cold;
mod error;
mod events;
mod histogram;
mod mode;
mod outcome;
mod overhead;
mod probe;
pub(crate) mod random;
mod reference;
mod sampler;
pub mod statistics;
mod validity;

pub use batch::{Batch, CounterKind, Outcome};
pub use bencher::{Bencher, Conditions, Expected};
pub use calibrate::calibrate;
pub use error::BenchError;
pub use histogram::{HistogramError, LogLinear, PRECISION_BITS};
pub use outcome::{median_milli, offended, quarantined, skipped};
pub use random::Stream;

pub(crate) use cold::chiller;
pub(crate) use overhead::loop_costs;
pub(crate) use probe::probe;

pub(crate) use validity::scale as check_scale;

#[cfg(test)]
mod tests;
