//! A score and its parts.

use serde::{Deserialize, Serialize};

use crate::history::Interval;

/// How fast a run was against a reference run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Name of the reference: a baseline or a run.
    pub reference: String,
    /// All suites together, each with the same weight.
    pub total: ScorePart,
    /// Each suite.
    pub suites: Vec<ScorePart>,
    /// Cost of `env/reference-loop` after for each before, by which costs were divided; 1 in exact mode, `None` if a side
    /// lacks it.
    pub machine_ratio: Option<f64>,
    /// Benches of either side that are not in it, as the other side has no figure.
    pub left_out: usize,
}

/// The score of some benches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScorePart {
    /// Name of the suite, or `total`.
    pub name: String,
    /// Geometric mean of speeds against the reference, times 100: 103 is 3 % faster.
    pub points: f64,
    /// Its interval; `None` with a single boot on a side.
    pub interval: Option<Interval>,
    /// Benches that it rests on.
    pub benches: usize,
}
