//! What an audit finds.

use serde::Serialize;

use crate::history::Interval;

/// How noise was put into another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shuffling {
    /// Point by point: nothing but the law of the noise is left.
    Points,
    /// In runs of neighbours, so that most of the dependence between them is left.
    Blocks,
}

/// False alarms of histories that grow point by point and hold no change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AlarmRate {
    /// How the noise was shuffled.
    pub shuffling: Shuffling,
    /// Points that were judged.
    pub points: usize,
    /// New levels that were found in them.
    pub alarms: usize,
    /// New levels that were suspected at least, those found among them; these are outside the budget.
    pub suspicions: usize,
    /// Alarms per 1,000 points.
    pub per_thousand: f64,
    /// Interval of that with 95 % probability, if alarms come one by one (Garwood 1936).
    pub interval: Interval,
    /// The budget in the same unit.
    pub budget: f64,
}

/// How large a step was put in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSize {
    /// In robust standard deviations of the history's noise.
    Noise(f64),
    /// As a part of the level.
    Part(f64),
}

/// How many steps of a size are found, and how well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Recall {
    /// The steps' size.
    pub size: StepSize,
    /// Whether only three to eight points followed.
    pub is_late: bool,
    /// Steps that were put in.
    pub injected: usize,
    /// Steps that were found, within five points of their place.
    pub found: usize,
    /// Part that was found, with 95 % probability (Wilson 1927).
    pub interval: Interval,
    /// Median number of points from the step's first to the one with which it was found or suspected.
    pub delay_points_median: Option<f64>,
    /// Median of the distance of the estimated size from the true one, as a part of the true one.
    pub size_error_median: Option<f64>,
}

/// What becomes of findings when the stored histories are replayed point by point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outlived {
    /// Histories that were replayed.
    pub histories: usize,
    /// Points that they hold.
    pub points: usize,
    /// New levels that were found.
    pub found: usize,
    /// Of these, those withdrawn later.
    pub withdrawn: usize,
    /// Of these, those that turned out to be a blip.
    pub blips: usize,
    /// Of these, those that became part of a drift.
    pub merged: usize,
}

impl Outlived {
    /// Part of the findings that was withdrawn; `None` without findings.
    #[must_use]
    pub fn withdrawn_part(&self) -> Option<f64> {
        (self.found > 0).then(|| self.withdrawn as f64 / self.found as f64)
    }
}

/// What an audit finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// Histories that had enough points.
    pub histories: usize,
    /// Of these, those whose noise has a spread.
    pub noisy: usize,
    /// Histories that were left out: too short, or without a positive level.
    pub left_out: usize,
    /// False alarms; empty if no history has noise.
    pub alarms: Vec<AlarmRate>,
    /// Recall; empty if no history has noise.
    pub recall: Vec<Recall>,
    /// Findings that did not last.
    pub replay: Outlived,
}
