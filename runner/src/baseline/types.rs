//! A baseline.

use super::BaselineName;
use crate::analysis::Fingerprint;
use crate::report::Document;
use crate::store::UnixSeconds;

/// Where the figures of a baseline come from.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselineKind {
    /// One run that somebody chose; it stays until somebody chooses another.
    Pinned(Box<Document>),
    /// The newest healthy boots of the machine before the run that is judged; looked up whenever it is used.
    Rolling {
        /// How many boots, from 1.
        boots: u32,
    },
}

/// What runs of one machine are held against. Several machines may have a baseline of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Its name.
    pub name: BaselineName,
    /// The machine, with everything else that figures depend on.
    pub fingerprint: Fingerprint,
    /// When somebody set it.
    pub set: UnixSeconds,
    /// Why it was set although its run was refused; `None` if it was not refused.
    pub accepted: Option<String>,
    /// Its figures.
    pub kind: BaselineKind,
}

impl BaselineKind {
    /// Its name in files, lists and the database.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "pinned",
            Self::Rolling { .. } => "rolling",
        }
    }
}
