//! How good the detector is on one's own history: false alarms, recall, and findings that do not last.
//!
//! Nothing here knows what really happened. Noise is what remains of a history when its levels are taken away; shuffled, it
//! holds no change, so that what is found in it is false; with a step put in, what is not found is missed.

mod alarms;
mod generate;
mod material;
mod random;
mod recall;
mod replay;
mod results;
mod study;

pub use generate::{GenerateError, Label, LabelledSet, generate};
pub use material::{Material, POINTS_MIN};
pub use results::{AlarmRate, Audit, Outlived, Recall, Shuffling, StepSize};
pub use study::{Study, study};
