//! Growth and its classes.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::history::{FindingId, Interval};

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

impl GrowthClass {
    /// Its name in reports and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Logarithmic => "logarithmic",
            Self::Sublinear => "sublinear",
            Self::Linear => "linear",
            Self::Linearithmic => "linearithmic",
            Self::Quadratic => "quadratic",
            Self::Polynomial => "polynomial",
            Self::Unclear => "unclear",
        }
    }
}

impl fmt::Display for GrowthClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
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
    /// Distance of the largest from the smallest boot median, as a share of the cost; `None` below two boots.
    pub spread: Option<f64>,
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
    /// The power of the size that fits best over the range of the scales; `None` below three.
    pub exponent: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// The class: the law by which it goes on growing, once what does not depend on size is taken away.
    pub class: GrowthClass,
}

/// A finding: the cost of a bench grows by another law than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrowthChange {
    /// Bench id without a scale.
    pub subject: String,
    /// Class before.
    pub before: GrowthClass,
    /// Class after.
    pub after: GrowthClass,
    /// Exponent before, over the scales that both sides have.
    pub exponent_before: f64,
    /// Exponent after, over the same scales.
    pub exponent_after: f64,
    /// Interval of the exponent before.
    pub interval_before: Interval,
    /// Interval of the exponent after, which the one before does not meet.
    pub interval_after: Interval,
}

impl GrowthChange {
    /// Its identity: the same subject with the same change of class on the same machine is the same finding.
    #[must_use]
    pub fn id(&self, machine: &str) -> FindingId {
        let Self { subject, before, after, .. } = self;
        FindingId(xxh3_64(format!("growth\0{machine}\0{subject}\0{before}\0{after}").as_bytes()))
    }

    /// Whether cost grows faster than before.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.exponent_after > self.exponent_before
    }
}
