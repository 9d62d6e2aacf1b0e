//! What to look at next, with the evidence for it. docs/analysis.md lists the rules.

mod boots;
mod clock;
mod comparison;
mod counters;
mod engine;
mod figures;
mod interference;
mod modes;
mod rule;
mod sampling;
#[cfg(test)]
mod tests;
mod types;

pub use engine::recommend;
pub use types::{Evidence, Recommendation, Severity};
