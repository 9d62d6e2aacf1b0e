//! What a boot runs on: bare metal, a Linux process, or a script for tests.

#[cfg(any(feature = "kernel", test))]
pub mod bare;
#[cfg(feature = "hosted")]
pub mod hosted;
mod interface;
#[cfg(test)]
pub(crate) mod scripted;

pub use interface::{
    Disturbances, InterferenceCounters, Interrupts, Platform, ReferenceClock, SystemCounters,
};
