//! What goes into the detector and what comes out of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Identity of a commit, a unit or a series: the XXH3 hash of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub u64);

impl Key {
    /// The key of a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
    }
}

/// One point of a history: the figure of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The figure; one that is not finite counts as missing.
    pub value: f64,
    /// Commit that was measured. Neighbouring points of one commit are never on two sides of a finding.
    pub commit: Option<Key>,
    /// Unit of the value. Where it changes, the levels before and after are not compared.
    pub unit: Option<Key>,
}

impl Point {
    /// A point of which nothing but the value is known.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        Self { value, commit: None, unit: None }
    }

    /// The same point as measured at a commit.
    #[must_use]
    pub const fn at_commit(self, commit: Key) -> Self {
        Self { commit: Some(commit), ..self }
    }

    /// The same point in a unit.
    #[must_use]
    pub const fn in_unit(self, unit: Key) -> Self {
        Self { unit: Some(unit), ..self }
    }
}

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The level changed and stayed.
    Step,
    /// At most three points far outside, then the old level again.
    Blip,
    /// The level moves gradually.
    Drift,
    /// The spread grew while the level stayed.
    WiderNoise,
    /// The points of one level fall into two separate groups.
    TwoModes,
    /// A step that control benches show at the same place.
    Environment,
    /// The values changed by a factor of units: the unit's label did, or should have.
    RelabelledUnit,
    /// Something may have happened, but too few points follow it, or there are too few in all.
    TooFewPoints,
}

impl Kind {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Blip => "blip",
            Self::Drift => "drift",
            Self::WiderNoise => "wider noise",
            Self::TwoModes => "two modes",
            Self::Environment => "environment",
            Self::RelabelledUnit => "relabelled unit",
            Self::TooFewPoints => "too few points",
        }
    }

    /// Whether the finding says that a new level begins at its index.
    #[must_use]
    pub const fn is_new_level(self) -> bool {
        matches!(self, Self::Step | Self::Environment | Self::RelabelledUnit)
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Weaker evidence than the budget asks for, at the newest points or for want of points that tell of dependence: boot again.
    Suspected,
    /// Within the false-alarm budget.
    Found,
    /// Within the budget, with enough points after it that it is no longer a matter of a few.
    Confirmed,
}

impl Certainty {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Found => "found",
            Self::Confirmed => "confirmed",
        }
    }
}

/// Identity of a finding; it stays when the history grows and the finding moves or changes its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FindingId(pub u64);

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Neighbouring indexes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First index.
    pub first: usize,
    /// Last index.
    pub last: usize,
}

impl Span {
    /// Whether the two come within `slack` indexes of each other.
    #[must_use]
    pub const fn is_near(self, other: Self, slack: usize) -> bool {
        self.first <= other.last.saturating_add(slack) && other.first <= self.last.saturating_add(slack)
    }
}

/// A range that holds the true value with 95 % probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How much changed, in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// Median before.
    pub before: f64,
    /// Median after; of a blip its farthest value, of two modes the smaller group's median.
    pub after: f64,
    /// The shift; of wider noise the growth of the median distance from the level.
    pub shift: f64,
    /// Interval of the shift, where one can be had.
    pub interval: Option<Interval>,
}

impl Size {
    /// The shift as a part of the level before; absent at a level of zero.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        let part = self.shift / self.before.abs();
        part.is_finite().then_some(part)
    }
}

/// Something that happened in a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Identity.
    pub id: FindingId,
    /// What it is.
    pub kind: Kind,
    /// How sure it is.
    pub certainty: Certainty,
    /// Most probable index of its first point.
    pub at: usize,
    /// Indexes that it may be at with 95 % probability, in order; of what extends over points, these points.
    pub location: Vec<Span>,
    /// How much changed.
    pub size: Size,
    /// Natural logarithm of the tail probability, corrected for serial dependence, where a test led here.
    pub ln_p: Option<f64>,
}

impl Finding {
    /// Whether it only says that the history is too short to say anything; of a place with too few points after it, the
    /// shift is known.
    #[must_use]
    pub fn is_of_short_history(&self) -> bool {
        self.kind == Kind::TooFewPoints && self.size.shift == 0.0
    }
}

/// What a new point changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A finding came.
    Opened(Finding),
    /// A finding became surer.
    Confirmed {
        /// Which.
        id: FindingId,
        /// How sure it is now.
        certainty: Certainty,
    },
    /// A finding's most probable index changed.
    Moved {
        /// Which.
        id: FindingId,
        /// Index until now.
        from: usize,
        /// Index from now on.
        to: usize,
    },
    /// A finding turned out to be something else.
    Retyped {
        /// Which.
        id: FindingId,
        /// Kind until now.
        from: Kind,
        /// Kind from now on.
        to: Kind,
    },
    /// A finding became part of another: a chain of steps that turns out to be one drift.
    Merged {
        /// Which.
        id: FindingId,
        /// The one that stands for it from now on.
        into: FindingId,
    },
    /// There are enough points now: the finding that said there were too few in all is gone.
    Settled {
        /// Which.
        id: FindingId,
    },
    /// A finding no longer stands.
    Withdrawn {
        /// The finding as it last stood.
        finding: Finding,
    },
}
