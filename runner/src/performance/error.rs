//! Why a run could not be made, or not be kept.

use std::io;
use std::path::PathBuf;

use perf_kernel::plan::PlanError;
use perf_kernel::suites::SelectionError;

use crate::collect::CollectCause;
use crate::image::ImageError;
use crate::source::SourceError;
use crate::store::StoreError;

/// Why a run could not be made, or not be kept.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The image or program that is to be measured is not there.
    #[error("{what}: not found; {remedy}")]
    Missing {
        /// What was tried, with the file.
        what: String,
        /// How to get it.
        remedy: String,
    },
    /// There is no category of that name.
    #[error("select benches: there is no category \"{name}\"; there are {known}")]
    NoSuchCategory {
        /// What the caller wrote.
        name: String,
        /// All names.
        known: String,
    },
    /// The plan selects what does not exist.
    #[error("select benches: {0}")]
    Selection(#[from] SelectionError),
    /// The plan cannot be followed.
    #[error("check the plan: {0}")]
    Plan(#[from] PlanError),
    /// The plan cannot be written down.
    #[error("write the plan as TOML: {0}")]
    PlanText(#[from] toml::ser::Error),
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// What measures cannot be started, or broke.
    #[error("{doing}{error}")]
    Source {
        /// What was tried, with a colon behind it; empty if the error says it.
        doing: String,
        /// What went wrong.
        #[source]
        error: SourceError,
    },
    /// The boot could not be collected to its end.
    #[error(transparent)]
    Collect(#[from] CollectCause),
    /// Results cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Some boots are not in the database.
    #[error(
        "keep everything (nothing is lost: `multios-perf replay {}` stores it later): {error}",
        transcripts.display()
    )]
    NotStored {
        /// The pattern of the transcripts.
        transcripts: PathBuf,
        /// Why.
        #[source]
        error: Box<StoreError>,
    },
    /// The operating system refused something else.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What it says.
        #[source]
        error: io::Error,
    },
}

impl TestError {
    /// Puts what the operating system says about `what` into words.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }

    /// Puts an error of what measures into words; one that names only the thing that is missing needs `doing`.
    pub(super) fn source(doing: &str) -> impl Fn(SourceError) -> Self {
        move |error| {
            let is_bare = matches!(error, SourceError::Missing { .. });
            let doing = if is_bare && !doing.is_empty() { format!("{doing}: ") } else { String::new() };
            Self::Source { doing, error }
        }
    }
}
