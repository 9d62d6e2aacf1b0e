//! A baseline.

use serde::{Deserialize, Serialize};

use crate::report::Document;
use crate::store::UnixSeconds;

/// Where the figures of a baseline come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineKind {
    /// One run that somebody chose; it stays until somebody chooses another.
    Pinned,
    /// The healthy boots of the newest runs of a machine, so many.
    Rolling {
        /// How many boots.
        boots: u32,
    },
}

/// The figures that runs of one machine are held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Its name.
    pub name: String,
    /// Where its figures come from.
    pub kind: BaselineKind,
    /// When they were set.
    pub set: UnixSeconds,
    /// The boots, with the fingerprint of their machine.
    pub content: Document,
}
