//! Findings, and what people say about them, as pages need them.

use super::error::PageError;
use crate::history::Kind;
use crate::store::{Store, UnixSeconds};
use crate::tracking::{self, AcknowledgeError, Filter, FindingState, TrackedFinding};

/// Which findings a list has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that somebody should look at.
    #[default]
    Open,
    /// All that stand, gains and suspicions too.
    Standing,
    /// Those that somebody said may stay.
    Acknowledged,
    /// Those that were withdrawn or became part of another.
    Gone,
    /// All of them, and the histories that are too short to say anything.
    All,
}

impl Wanted {
    /// Every choice with its name in addresses and its name for people.
    pub(super) const NAMES: [(Self, &'static str, &'static str); 5] = [
        (Self::Open, "open", "calling for action"),
        (Self::Standing, "standing", "standing"),
        (Self::Acknowledged, "acknowledged", "acknowledged"),
        (Self::Gone, "gone", "withdrawn or merged"),
        (Self::All, "all", "all"),
    ];

    /// The choice that `name` means; the first one without a name.
    ///
    /// # Errors
    /// There is no such choice.
    pub(super) fn named(name: Option<&str>) -> Result<Self, PageError> {
        let Some(name) = name else { return Ok(Self::default()) };
        let found = Self::NAMES.into_iter().find(|(_, known, _)| *known == name).map(|(wanted, ..)| wanted);
        found.ok_or_else(|| PageError::BadRequest(format!("\"{name}\" is no state of a finding.")))
    }

    fn takes(self, tracked: &TrackedFinding) -> bool {
        let is_standing = tracked.state == FindingState::Standing;
        let is_acknowledged = tracked.acknowledgement.is_some();
        let is_short = tracked.finding.kind == Kind::TooFewPoints && tracked.finding.size.shift == 0.0;
        match self {
            Self::Open => tracked.calls_for_action(),
            Self::Standing => is_standing && !is_short,
            Self::Acknowledged => is_standing && is_acknowledged,
            Self::Gone => !is_standing && !is_short,
            Self::All => true,
        }
    }

    const fn state(self) -> Option<FindingState> {
        match self {
            Self::Open | Self::Standing | Self::Acknowledged => Some(FindingState::Standing),
            Self::Gone | Self::All => None,
        }
    }
}

/// The findings that are `wanted`, of one machine and one bench or of all.
///
/// # Errors
/// The results cannot be read.
pub(super) fn findings(
    store: &Store,
    wanted: Wanted,
    machine: Option<&str>,
    bench: Option<&str>,
) -> Result<Vec<TrackedFinding>, PageError> {
    let filter = Filter {
        machine: machine.map(str::to_owned),
        bench: bench.map(str::to_owned),
        state: wanted.state(),
    };
    let mut found = match wanted {
        Wanted::Open => tracking::open_findings(store, &filter)?,
        _ => tracking::findings(store, &filter)?,
    };
    found.retain(|tracked| wanted.takes(tracked));
    Ok(found)
}

/// Keeps why the finding `id` may stay.
///
/// # Errors
/// There is no such finding, the reason says nothing, or the database is locked.
pub(super) fn acknowledge(store: &mut Store, id: &str, reason: &str) -> Result<(), PageError> {
    tracking::acknowledge(store, id, reason, UnixSeconds::now()).map(drop).map_err(of_tracking)
}

/// Takes back that the finding `id` was acknowledged.
///
/// # Errors
/// There is no such finding, it was not acknowledged, or the database is locked.
pub(super) fn reopen(store: &mut Store, id: &str) -> Result<(), PageError> {
    tracking::reopen(store, id).map(drop).map_err(of_tracking)
}

fn of_tracking(error: AcknowledgeError) -> PageError {
    match error {
        AcknowledgeError::Store(error) => error.into(),
        AcknowledgeError::NoSuchFinding { name, .. } => {
            PageError::NotFound(format!("No finding has the id \"{name}\"."))
        }
        AcknowledgeError::Reason => PageError::BadRequest(
            "Say in a few words, at most 2,000 characters, why the finding may stay.".to_owned(),
        ),
        AcknowledgeError::NotAcknowledged(id) => {
            PageError::BadRequest(format!("The finding {id} is not acknowledged."))
        }
    }
}
