//! A trend.

use serde::{Deserialize, Serialize};

use crate::history::Interval;

/// The long-term course of a series since its last change of level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Points that it rests on: those whose day and figure can be used.
    pub points: usize,
    /// Index in the series from which on they are taken.
    pub first: usize,
    /// Change for each day, as a share of the level: 0.001 is 0.1 % a day.
    pub share_per_day: f64,
    /// Interval of that.
    pub interval: Option<Interval>,
    /// Whether the interval leaves out zero and the change over all points exceeds the noise of one.
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
