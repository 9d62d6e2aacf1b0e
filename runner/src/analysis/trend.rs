//! Where a figure is going in the long term.

use serde::{Deserialize, Serialize};

use crate::history::Interval;

/// The long-term course of a series since its last change of level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Points that it rests on.
    pub points: usize,
    /// Index of the first of them in the series.
    pub first: usize,
    /// Change for each day, as a share of the level: 0.001 is 0.1 % a day.
    pub share_per_day: f64,
    /// Interval of that.
    pub interval: Option<Interval>,
    /// Whether the interval leaves out zero.
    pub is_moving: bool,
    /// What is to come if it goes on like that, nearest first.
    pub forecast: Vec<ForecastPoint>,
}

/// A figure that is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastPoint {
    /// Days after the newest point.
    pub days: f64,
    /// The expected figure.
    pub value: f64,
    /// Interval for the figure of one run.
    pub interval: Interval,
}
