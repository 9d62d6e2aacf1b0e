//! Histories in the database: what their points show, and what became of it.
//!
//! [`update`] takes a run up into the histories of its machine, [`catch_up`] what was left behind; [`findings`] and
//! [`courses`] read back, [`acknowledge`] and [`reopen`] keep what people say. A finding is kept with all that became of it:
//! withdrawn ones are marked, never removed.

mod acknowledge;
mod change;
mod follower;
mod query;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod types;
mod update;
mod wording;

pub use acknowledge::{AcknowledgeError, acknowledge, find, reopen};
pub use change::Change;
pub(crate) use change::{percent, short};
pub use query::{Filter, courses, findings, open_findings};
pub use types::{Acknowledgement, FindingEvent, FindingState, Place, TrackedFinding};

pub use update::{catch_up, update};
