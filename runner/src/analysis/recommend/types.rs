//! A recommendation.

use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Figures are worse, or less certain, than they could be.
    Warning,
    /// Figures should not be trusted before it is seen to.
    Serious,
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// The rule: a fixed word, as in `smi` or `cache-misses`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, one sentence.
    pub found: String,
    /// The figures that say so.
    pub evidence: Vec<Evidence>,
    /// What to try, one sentence or two.
    pub advice: String,
}

/// A figure that a recommendation rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it stands: a bench id, or `boot 2`.
    pub place: String,
    /// Which figure.
    pub figure: String,
    /// Its value with its unit.
    pub value: String,
}
