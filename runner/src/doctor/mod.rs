//! What this host has and lacks of what building and running needs.

mod check;
mod requirement;

pub use check::{Places, check, check_at};
pub use requirement::{Requirement, State};
