//! Why a collection stopped before its boot did.

use super::Boot;
use crate::source::SourceError;

/// A collection that stopped early, with everything that had arrived.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct CollectError {
    /// What went wrong.
    #[source]
    pub cause: CollectCause,
    /// The boots so far; the last one may be incomplete.
    pub boots: Vec<Boot>,
}

/// What stopped a collection.
#[derive(Debug, thiserror::Error)]
pub enum CollectCause {
    /// The raw bytes could not be kept.
    #[error("keep the transcript: {0}; free space or name another place")]
    Transcript(#[source] std::io::Error),
    /// The source broke.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The records are from a newer kernel.
    #[error(
        "read the records: they have format version {found} and this program knows versions up to {known}; \
         use a newer multios-perf"
    )]
    NewerFormat {
        /// The version in `hello`.
        found: u32,
        /// The version that this program knows.
        known: u32,
    },
    /// The records answer another request.
    #[error(
        "match the records to this run: their {what} is \"{found}\" and not \"{expected}\"; \
         the machine booted another image or plan"
    )]
    OtherRun {
        /// `nonce` or `plan hash`.
        what: &'static str,
        /// What this run asked for.
        expected: String,
        /// What came.
        found: String,
    },
}
