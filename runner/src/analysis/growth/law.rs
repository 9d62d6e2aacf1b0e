//! Laws that cost may follow, and how well it does.

use super::GrowthClass;

/// Steps over which the share of the constant part is searched, in powers of e, and where that begins: the constant part
/// as a share of what the largest size adds.
const CONSTANT_STEPS: u32 = 96;
const CONSTANT_LN_MIN: f64 = -40.0;
const CONSTANT_LN_STEP: f64 = 0.5;

/// Halvings of the bracket around the best step.
const REFINEMENTS: u32 = 40;

/// The part of a bracket that golden-section search keeps.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// A cost at a size, as the fit wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    /// In what the scale counts, above 0.
    pub(super) size: f64,
    /// Logarithm of the cost.
    pub(super) ln_cost: f64,
    /// Square of the relative error that is expected.
    pub(super) variance: f64,
}

/// What cost is in proportion to, besides a constant part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Law {
    /// Nothing.
    Constant,
    /// The logarithm of the size.
    Logarithm,
    /// The square root.
    Root,
    /// The size.
    Proportion,
    /// The size times its logarithm.
    Linearithm,
    /// The square.
    Square,
    /// The cube.
    Cube,
}

impl Law {
    /// The laws by the steepness of their growth.
    pub(super) const ALL: [Self; 7] = [
        Self::Constant,
        Self::Logarithm,
        Self::Root,
        Self::Proportion,
        Self::Linearithm,
        Self::Square,
        Self::Cube,
    ];

    /// The class of costs that follow it.
    pub(super) const fn class(self) -> GrowthClass {
        match self {
            Self::Constant => GrowthClass::Flat,
            Self::Logarithm => GrowthClass::Logarithmic,
            Self::Root => GrowthClass::Sublinear,
            Self::Proportion => GrowthClass::Linear,
            Self::Linearithm => GrowthClass::Linearithmic,
            Self::Square => GrowthClass::Quadratic,
            Self::Cube => GrowthClass::Polynomial,
        }
    }

    /// Numbers that are fitted.
    pub(super) const fn parameters(self) -> f64 {
        if matches!(self, Self::Constant) { 1.0 } else { 2.0 }
    }

    fn at(self, size: f64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Logarithm => size.ln(),
            Self::Root => size.sqrt(),
            Self::Proportion => size,
            Self::Linearithm => size * size.ln(),
            Self::Square => size * size,
            Self::Cube => size.powi(3),
        }
    }

    /// Squared relative distances of `costs` from the best `a + b law(size)` with `a` and `b` not below zero, each for
    /// its variance.
    pub(super) fn misfit(self, costs: &[Observation]) -> f64 {
        let largest = costs.iter().map(|cost| self.at(cost.size)).fold(0.0, f64::max);
        if self == Self::Constant || largest <= 0.0 {
            return distance(costs, |_| 0.0);
        }
        let with_constant = |constant: f64| distance(costs, |size| (constant + self.at(size) / largest).ln());
        let with_ln = |ln_constant: f64| with_constant(ln_constant.exp());
        let step = |place: u32| CONSTANT_LN_MIN + CONSTANT_LN_STEP * f64::from(place);
        let best = (0..CONSTANT_STEPS).map(step).min_by(|a, b| with_ln(*a).total_cmp(&with_ln(*b)));
        let bracket = best.map_or(0.0, |at| least(at - CONSTANT_LN_STEP, at + CONSTANT_LN_STEP, with_ln));
        with_constant(0.0).min(bracket)
    }
}

/// Squared distances of the logarithms of costs from those of `shape` at the best height. Infinite where a shape has no
/// logarithm.
fn distance(costs: &[Observation], shape: impl Fn(f64) -> f64) -> f64 {
    let left: Vec<(f64, f64)> =
        costs.iter().map(|cost| (cost.ln_cost - shape(cost.size), 1.0 / cost.variance)).collect();
    let weight: f64 = left.iter().map(|(_, weight)| weight).sum();
    let height = left.iter().map(|(value, weight)| value * weight).sum::<f64>() / weight;
    let sum: f64 = left.iter().map(|(value, weight)| (value - height).powi(2) * weight).sum();
    if sum.is_finite() { sum } else { f64::INFINITY }
}

/// The least value of `of` between `low` and `high`, where it has one valley (Kiefer 1953).
fn least(mut low: f64, mut high: f64, of: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..REFINEMENTS {
        let kept = GOLDEN * (high - low);
        if of(high - kept) < of(low + kept) {
            high = low + kept;
        } else {
            low = high - kept;
        }
    }
    of(f64::midpoint(low, high))
}

/// A power of the size by least squares over the logarithms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power {
    /// The exponent.
    pub(super) exponent: f64,
    /// Squared distances of the logarithms, each for its variance.
    pub(super) misfit: f64,
    /// Mean square of the distances, over the degrees of freedom.
    pub(super) mean_square: f64,
    /// Squared distances of the logarithms of the sizes from their mean.
    pub(super) spread: f64,
}

impl Power {
    /// The power that fits `costs`; `None` below three, or if all are of one size.
    pub(super) fn of(costs: &[Observation]) -> Option<Self> {
        let count = costs.len() as f64;
        if costs.len() < 3 {
            return None;
        }
        let mean = |value: fn(&Observation) -> f64| costs.iter().map(value).sum::<f64>() / count;
        let (size, ln_cost) = (mean(|cost| cost.size.ln()), mean(|cost| cost.ln_cost));
        let spread: f64 = costs.iter().map(|cost| (cost.size.ln() - size).powi(2)).sum();
        let joint: f64 = costs.iter().map(|cost| (cost.size.ln() - size) * (cost.ln_cost - ln_cost)).sum();
        if spread <= 0.0 {
            return None;
        }
        let exponent = joint / spread;
        let left = |cost: &Observation| cost.ln_cost - ln_cost - exponent * (cost.size.ln() - size);
        Some(Self {
            exponent,
            misfit: costs.iter().map(|cost| left(cost).powi(2) / cost.variance).sum(),
            mean_square: costs.iter().map(|cost| left(cost).powi(2)).sum::<f64>() / (count - 2.0),
            spread,
        })
    }
}
