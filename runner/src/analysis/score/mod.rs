//! One number for many benches. docs/analysis.md has the method.

mod bootstrap;
mod estimate;
#[cfg(test)]
mod tests;
mod types;

pub use estimate::score;
pub use types::{Score, ScorePart};
