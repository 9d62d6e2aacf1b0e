//! What to look at next, with the evidence for it.

mod types;

pub use types::{Evidence, Recommendation, Severity};
