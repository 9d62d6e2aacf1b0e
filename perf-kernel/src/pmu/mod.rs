//! Performance counters and sensors of the processor: what its registers say about a bench. `docs/counters.md` has the
//! events of each model with their sources.
//!
//! All of it works on [`Registers`], which a test plays with a script. What a machine does not have is absent, with the
//! reason, and never zero.

mod counters;
mod energy;
mod events;
mod identity;
mod layout;
mod passes;
mod registers;
mod sensors;
mod unit;

#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;

pub use energy::EnergyMeter;
pub use events::Figure;
pub use identity::{Model, Processor, Vendor};
pub use registers::Registers;
pub use sensors::{PerformanceClocks, Sensors};
pub use unit::{Absence, Counts, Pmu};
