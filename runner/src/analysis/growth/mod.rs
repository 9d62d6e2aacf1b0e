//! How the cost of a bench grows with its scale. docs/analysis.md has the method.

mod change;
mod fit;
mod law;
mod subjects;
#[cfg(test)]
mod tests;
mod types;

pub use change::change_of_class;
pub use subjects::growth_of;
pub use types::{Growth, GrowthChange, GrowthClass, ScaleCost};
