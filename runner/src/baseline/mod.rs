//! What later runs are held against: figures that were set apart under a name.

mod creep;
mod error;
mod file;
mod health;
mod name;
mod pinning;
mod rolling;
#[cfg(test)]
mod round_trip;
mod trim;
mod types;
mod typical;

pub use creep::{Creep, crept, crept_since};
pub use error::BaselineFileError;
pub use file::{BASELINE_FORMAT, BASELINE_KIND, BaselineFile};
pub use health::{Complaint, complaints};
pub use name::{BaselineName, BaselineNameError};
pub use pinning::refusals;
pub use rolling::{LeftOut, Window, population_boots, window};
pub use trim::trimmed;
pub use types::{Baseline, BaselineKind};
pub use typical::{Atypical, BootFigures, CONTROL_PREFIX, atypical};
