//! From costs at sizes to exponent and class.

use super::law::{Law, Observation, Power};
use super::{GrowthClass, ScaleCost};
use crate::analysis::student::t95;
use crate::history::Interval;

/// Relative error of any cost as a measure of its law: placement of code and data, steps of caches and of trees move one
/// scale against another by some per cent however often it is measured (Mytkowicz and others 2009).
const ERROR_OF_LAW: f64 = 0.05;

/// Half of the distance between boots from which on a scale says too little.
const NOISE_MAX: f64 = 0.2;

/// Squared error of a fit, in those that are expected, that one degree of freedom may have: twice the expected error.
const MISFIT_MAX: f64 = 4.0;

/// Distance of the criterion from that of the best law from which on a law is ruled out (Burnham and Anderson 2002,
/// section 2.6: below 2 it has as much support).
const SUPPORT: f64 = 2.0;

/// What costs at three or more sizes tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) exponent: Option<f64>,
    pub(super) interval: Option<Interval>,
    pub(super) class: GrowthClass,
}

/// Fits `costs`, whose sizes and costs are above zero.
pub(super) fn fit(costs: &[ScaleCost]) -> Fit {
    let observations: Vec<Observation> = costs.iter().map(observation).collect();
    let Some(power) = Power::of(&observations) else {
        return Fit { exponent: None, interval: None, class: GrowthClass::Unclear };
    };
    let is_noisy = costs.iter().any(|cost| noise(cost) > NOISE_MAX);
    let class = if is_noisy { GrowthClass::Unclear } else { class(&observations, &power) };
    Fit { exponent: Some(power.exponent), interval: Some(interval(&observations, &power)), class }
}

fn observation(cost: &ScaleCost) -> Observation {
    let variance = ERROR_OF_LAW.powi(2) + noise(cost).powi(2);
    Observation { size: cost.size, ln_cost: cost.cost.ln(), variance }
}

/// Relative error of one cost by how far boots are apart.
fn noise(cost: &ScaleCost) -> f64 {
    cost.spread.map_or(0.0, |spread| spread / 2.0)
}

/// The exponent's interval by Student's law. Residuals of a few points may all be small by chance: they do not count as
/// smaller than the errors that are expected.
fn interval(observations: &[Observation], power: &Power) -> Interval {
    let count = observations.len() as f64;
    let expected = observations.iter().map(|cost| cost.variance).sum::<f64>() / count;
    let error = (power.mean_square.max(expected) / power.spread).sqrt();
    let reach = t95(count - 2.0) * error;
    Interval { low: power.exponent - reach, high: power.exponent + reach }
}

/// The class of the law with the least criterion, if it fits and no law of another class is as good.
///
/// The errors are known, or rather set, so that the criterion is Mallows' (1973): misfit plus twice the number of fitted
/// parameters. Unlike Akaike's corrected one it is there for three points.
fn class(observations: &[Observation], power: &Power) -> GrowthClass {
    let count = observations.len() as f64;
    let fits = |misfit: f64, parameters: f64| misfit <= MISFIT_MAX * (count - parameters);
    let laws = Law::ALL.map(|law| (law, law.misfit(observations)));
    let good: Vec<(GrowthClass, f64)> = laws
        .into_iter()
        .filter(|(law, misfit)| fits(*misfit, law.parameters()))
        .map(|(law, misfit)| (law.class(), misfit + 2.0 * law.parameters()))
        .collect();
    let best = good.iter().map(|(_, criterion)| *criterion).fold(f64::INFINITY, f64::min);
    let mut supported =
        good.iter().filter(|(_, criterion)| *criterion < best + SUPPORT).map(|(class, _)| *class);
    match supported.next() {
        // Laws come by steepness: if no growth at all is as good as any, growth is not shown.
        Some(GrowthClass::Flat) => GrowthClass::Flat,
        Some(class) if supported.all(|other| other == class) => class,
        Some(_) => GrowthClass::Unclear,
        None if fits(power.misfit, 2.0) => class_of_power(power.exponent),
        None => GrowthClass::Unclear,
    }
}

/// The class of a power that none of the named laws is. A cost that falls with size has none.
fn class_of_power(exponent: f64) -> GrowthClass {
    match exponent {
        falling if falling <= 0.0 => GrowthClass::Unclear,
        below if below < 1.0 => GrowthClass::Sublinear,
        _ => GrowthClass::Polynomial,
    }
}
