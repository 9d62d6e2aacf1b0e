//! Kernel threads: who runs, who waits, and where their stacks lie.
//!
//! This is the decision alone, which a test can script; `arch` carries it out.

mod decision;
mod hand_over;
mod run_queue;
mod sleepers;
pub mod stack_region;
#[cfg(test)]
mod stress;
mod table;
mod thread;

pub use decision::{Block, Pick, Switch, ThreadsUsage, Unparked};
pub use table::Threads;
pub use thread::{CpuSet, JoinError, SpawnError, ThreadId};
