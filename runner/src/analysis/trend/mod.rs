//! Where a figure is going in the long term. docs/analysis.md has the method.

mod dependence;
mod estimate;
mod forecast;
mod line;
mod order;
#[cfg(test)]
mod tests;
mod types;

pub use estimate::trend;
pub use types::{ForecastPoint, Trend};
