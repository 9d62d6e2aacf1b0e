//! What later runs are held against: figures that were set apart under a name.

mod types;

pub use types::{Baseline, BaselineKind};
