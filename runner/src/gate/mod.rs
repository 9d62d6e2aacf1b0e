//! Whether a run may pass: one answer from everything that was found about it.

mod decision;
mod standing;
#[cfg(test)]
mod tests;

pub use decision::{BootHealth, Cause, Decision, Evidence, decide};
pub use standing::Standing;
