//! What a comparison says of a bench.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FigureUnit, Settings};
use crate::history::Interval;

/// What a comparison says of a bench. Every figure here is a cost: less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It costs more, by more than matters, and chance does not explain it.
    Regressed,
    /// It costs less, by more than matters, and chance does not explain it.
    Improved,
    /// The difference, if there is one, is smaller than matters.
    Equivalent,
    /// Neither can be said with the boots that there are.
    Undecided,
    /// One side has no figure, or the sides are not alike.
    NotComparable,
    /// One side has a figure that failed its own checks.
    Invalid,
}

impl Verdict {
    /// All, in the order in which a reader wants to see them.
    pub const ALL: [Self; 6] = [
        Self::Regressed,
        Self::Improved,
        Self::Undecided,
        Self::Invalid,
        Self::NotComparable,
        Self::Equivalent,
    ];

    /// Its name in reports and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Equivalent => "equivalent",
            Self::Undecided => "undecided",
            Self::NotComparable => "not comparable",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The boot medians of one side, for one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Number of boots with a figure.
    pub boots: usize,
    /// Their median.
    pub median: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

/// How much a bench changed, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Estimate of the cost after for each unit of cost before: 1.03 is 3 % more.
    pub ratio: f64,
    /// Interval of the ratio; absent with too few boots, a point in exact mode.
    pub interval: Option<Interval>,
    /// Confidence of `interval`, between 0 and 1; absent without one and in exact mode.
    pub confidence: Option<f64>,
    /// Cliff's delta, -1 to 1: how much more often a boot after costs more than one before, than less.
    pub effect: Option<f64>,
    /// Two-sided probability of such a difference between boots that do not differ; absent in exact mode.
    pub p: Option<f64>,
    /// `p` corrected for the number of benches of the suite.
    pub q: Option<f64>,
    /// Smallest share by which the cost would have had to change to be seen, with four chances in five: 0.02 is 2 %.
    pub detectable: Option<f64>,
    /// Boots more on each side with which a difference of this size would be decided; absent if it is decided or more
    /// than a thousand.
    pub boots_more: Option<u32>,
}

/// A bench of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchVerdict {
    /// Bench id with its scale.
    pub id: String,
    /// What is said of it.
    pub verdict: Verdict,
    /// Why, where the figures do not say it.
    pub reason: Option<String>,
    /// What the figures count; `None` without figures.
    pub unit: Option<FigureUnit>,
    /// Before.
    pub before: Option<Level>,
    /// After.
    pub after: Option<Level>,
    /// How much it changed; `None` unless both sides have figures.
    pub change: Option<Change>,
}

impl BenchVerdict {
    /// A verdict that does not come from figures.
    pub(super) fn unfit(id: &str, verdict: Verdict, reason: Option<String>) -> Self {
        Self { id: id.to_owned(), verdict, reason, unit: None, before: None, after: None, change: None }
    }
}

impl BenchVerdict {
    /// Whether it is undecided and seems to cost more: by more than matters, unless there are boots enough to call that
    /// chance; or by less, if one test of one bench would call it a change.
    #[must_use]
    pub fn may_have_regressed(&self, settings: &Settings) -> bool {
        let Some(change) = self.change.filter(|_| self.verdict == Verdict::Undecided) else { return false };
        let is_likely_at = |level: f64| change.p.is_some_and(|p| p < level);
        // Too few boots for any test say nothing about chance. Else a rise is looked for, which is one side of the test.
        let is_open = change.detectable.is_none() || is_likely_at(2.0 * settings.alpha);
        (change.ratio > 1.0 + settings.margin && is_open)
            || (change.ratio > 1.0 && is_likely_at(settings.alpha))
    }
}
