//! Results that were kept: an SQLite database, and the raw transcripts beside it.

mod database;
mod error;
mod folder;
mod queries;
mod run;
#[cfg(test)]
pub(crate) mod samples;
mod schema;
mod selector;
mod side_file;
mod time;
mod transcript;

pub use database::Store;
pub use error::StoreError;
pub use folder::Folder;
pub use queries::RunLine;
pub(crate) use run::random_hex;
pub use run::{PAIRED_COMMAND, Run, RunHead, StoredBoot, new_run_id};
pub use selector::{RunName, Selector, SelectorError};
pub use side_file::{SideBoot, SideFile};
pub use time::UnixSeconds;
pub use transcript::TranscriptFile;
