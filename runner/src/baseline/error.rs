//! Why a file is no baseline.

use super::{BASELINE_FORMAT, BASELINE_KIND, BaselineNameError};
use crate::report::BaselineError;

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineFileError {
    /// It is no JSON, or fields are missing or of another type.
    #[error("read the baseline: it is neither what `baseline export` nor what `--json FILE` writes ({0})")]
    Syntax(#[source] serde_json::Error),
    /// It holds something else.
    #[error("read the baseline: it is a \"{0}\" and no \"{BASELINE_KIND}\"")]
    Kind(String),
    /// A newer version wrote it.
    #[error(
        "read the baseline: its format is {0} and this version knows {BASELINE_FORMAT}; update multios-perf"
    )]
    Newer(u32),
    /// It holds one run, as `--json` writes it, and that cannot be read.
    #[error(transparent)]
    Document(#[from] BaselineError),
    /// Its name is none.
    #[error(transparent)]
    Name(#[from] BaselineNameError),
    /// An entry is neither pinned nor rolling, or has not what belongs to that.
    #[error("read the baseline: entry {place} {what}")]
    Entry {
        /// Its place, from 1.
        place: usize,
        /// What is wrong with it.
        what: String,
    },
    /// It has nothing to compare with.
    #[error("read the baseline: it has no entries")]
    Empty,
}
