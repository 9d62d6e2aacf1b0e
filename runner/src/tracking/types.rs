//! Findings as people meet them: with runs instead of indexes, and with what was said about them.

use serde::{Deserialize, Serialize};

use crate::history::{Certainty, Finding, Kind};
use crate::store::UnixSeconds;

/// Whether a finding still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It stands.
    Standing,
    /// Later runs took it back.
    Withdrawn,
    /// It became part of another finding.
    Merged,
}

/// A finding of a stored history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackedFinding {
    /// Bench id with its scale.
    pub bench: String,
    /// Name of the fingerprint of the machine.
    pub machine: String,
    /// What it is; indexes count the points of the series.
    pub finding: Finding,
    /// Whether it stands.
    pub state: FindingState,
    /// The most probable first run of it, and where else it may begin.
    pub place: Option<Place>,
    /// What somebody said about it, if somebody did.
    pub acknowledgement: Option<Acknowledgement>,
    /// What became of it, oldest first.
    pub events: Vec<FindingEvent>,
}

impl TrackedFinding {
    /// Whether somebody should look at it: it stands within the budget of false alarms, is no gain and no passing trouble, and
    /// nobody has acknowledged it.
    #[must_use]
    pub fn calls_for_action(&self) -> bool {
        self.state == FindingState::Standing
            && self.acknowledgement.is_none()
            && is_lasting_loss(&self.finding)
    }
}

/// Whether a finding that stands, and that nobody has acknowledged, calls for action.
pub(super) fn is_lasting_loss(finding: &Finding) -> bool {
    let is_lasting = !matches!(finding.kind, Kind::Blip | Kind::TooFewPoints);
    let is_gain = finding.size.shift < 0.0 && matches!(finding.kind, Kind::Step | Kind::Drift);
    finding.certainty != Certainty::Suspected && is_lasting && !is_gain
}

/// Where a finding begins, in runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The last run before it, if there is one.
    pub before: Option<String>,
    /// Its most probable first run.
    pub run: String,
    /// Revision that this run measured.
    pub revision: Option<String>,
    /// All runs that it may begin with, oldest first.
    pub candidates: Vec<String>,
}

/// That somebody has seen a finding and why it may stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// When.
    pub at: UnixSeconds,
    /// Why.
    pub reason: String,
}

/// Something that became of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingEvent {
    /// The run that brought it about.
    pub run: String,
    /// What, in words: `opened as step`, `confirmed`, `moved from run a to run b`, `withdrawn`.
    pub what: String,
}
