//! Results that were kept: an SQLite database, and the raw transcripts beside it.

mod baselines;
mod database;
mod error;
mod folder;
#[cfg(test)]
mod migration_tests;
mod overview;
mod points;
mod queries;
mod run;
#[cfg(test)]
pub(crate) mod samples;
mod schema;
mod selector;
mod series;
mod side_file;
mod time;
mod tracked;
mod tracked_findings;
mod transcript;

pub use baselines::Others;
pub use database::Store;
pub(crate) use database::{from_stored_json, stored_json};
pub use error::StoreError;
pub use folder::Folder;
pub use overview::{RunFilter, RunRow};
pub use queries::RunLine;
pub(crate) use run::random_hex;
pub use run::{Run, RunHead, StoredBoot, frames_heading, new_run_id};
pub use selector::{RunName, Selector, SelectorError};
pub(crate) use series::{ASIDE, PAIRED};
pub use series::{MachineLine, Series, SeriesPoint};
pub use side_file::{SideBoot, SideFile};
pub use time::UnixSeconds;
pub(crate) use tracked::{Figure, TrackedPoint, TrackedRows, TrackedRun};
pub(crate) use tracked_findings::{FindingRow, Found};
pub use transcript::TranscriptFile;
