//! Everything that can be said of a run: what reports, pages and the gate show.

mod gather;
#[cfg(test)]
pub(crate) mod samples;
mod targets;
mod types;

pub(crate) use gather::course;
pub use gather::gather;
pub use targets::targets;
pub use types::{Assessment, Course, TargetVerdict};
