//! Histories in the database: what their points show, and what became of it.

mod types;

pub use types::{Acknowledgement, FindingEvent, FindingState, Place, TrackedFinding};
