//! How the cost of a bench grows with its scale.

use serde::{Deserialize, Serialize};

use crate::history::Interval;

/// How cost grows with size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowthClass {
    /// It does not.
    Flat,
    /// As the logarithm.
    Logarithmic,
    /// As a power below one.
    Sublinear,
    /// In proportion.
    Linear,
    /// In proportion, times the logarithm.
    Linearithmic,
    /// As the square.
    Quadratic,
    /// As a power between or above those.
    Polynomial,
    /// The scales do not tell: too few, too close, or no single law.
    Unclear,
}

/// The cost of one scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaleCost {
    /// Name of the scale, as in the bench id.
    pub scale: String,
    /// Its size, in what the scale counts.
    pub size: f64,
    /// Median cost of one operation.
    pub cost: f64,
}

/// The growth of one bench's cost over its scales.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Bench id without a scale.
    pub subject: String,
    /// Name of the unit of the costs.
    pub unit: String,
    /// Costs by size.
    pub costs: Vec<ScaleCost>,
    /// The power of the size that fits best; `None` below three scales.
    pub exponent: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// The class.
    pub class: GrowthClass,
}
