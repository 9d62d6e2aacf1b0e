//! Everything that can be said of a run.

use crate::analysis::{Comparison, Growth, GrowthChange, Recommendation, Score, Trend};
use crate::store::{Run, Series};
use crate::tracking::TrackedFinding;

/// Everything that can be said of a run. Reports are made of this and of nothing else, so that equal databases give
/// equal bytes.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The run.
    pub run: Run,
    /// Name of the fingerprint of its machine.
    pub machine: String,
    /// The comparison with its reference (the baseline that was named, else the run before of the same machine); `None`
    /// if there is nothing to compare with.
    pub comparison: Option<Comparison>,
    /// The histories of its benches on its machine up to this run, in the run's order of benches.
    pub courses: Vec<Course>,
    /// How cost grows with scale, for each subject with more than one scale.
    pub growth: Vec<Growth>,
    /// Subjects whose growth is of another class than in the reference of `comparison`.
    pub growth_changes: Vec<GrowthChange>,
    /// The score against the reference of `comparison`.
    pub score: Option<Score>,
    /// Targets of the catalogue, judged where the mode allows.
    pub targets: Vec<TargetVerdict>,
    /// What to look at next, the most serious first.
    pub recommendations: Vec<Recommendation>,
}

/// The history of one bench, with what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Its points.
    pub series: Series,
    /// What was found in it, withdrawn findings too, by index.
    pub findings: Vec<TrackedFinding>,
    /// Where it is going.
    pub trend: Option<Trend>,
}

/// A target of the catalogue and how a bench met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetVerdict {
    /// Bench id with its scale.
    pub bench: String,
    /// The target, as the catalogue writes it.
    pub target: String,
    /// Whether it was met; `None` if it cannot be judged.
    pub is_met: Option<bool>,
    /// Why it cannot be judged.
    pub reason: Option<String>,
}
