//! Serial dependence: how much less a run of neighbouring points says than as many independent ones.

use super::rank::Ranks;

use serde::{Deserialize, Serialize};

/// Longest lag that is looked at.
const LAGS: usize = 24;

/// Sum of a pair of correlations, in standard errors of one, from which on it counts.
const PAIR_NOISE: f64 = 1.5;

/// What the sum of the kept correlations is multiplied by.
///
/// Segments are cut where they help most, which takes some of the correlation away, and lags beyond the last one kept are
/// lost. Chosen after trying 1, 1.3 and 1.6, by the alarms on simulated wandering noise, with the scores of the labelled
/// series in view.
const UNDERESTIMATE: f64 = 1.5;

/// What each run of a short history takes away from the sum of the products, in units of its variance.
///
/// Centring a run on its own mean takes one (Kendall 1954), which is what long histories get. That runs are cut where they help most takes
/// more: chosen among 1, 2, 3 and 5 by the alarms on 60 points of wandering noise; with 5 too few steps are found.
const CENTRING_SHORT: f64 = 3.0;

/// Points up to which a history is short; above, the surplus falls with the square of its length.
const SHORT: f64 = 64.0;

/// Points of a history that would be needed to rule out that its dependence is double the estimate.
///
/// Chosen over none, and over factors that fall with the root of the length, by the alarms of first-order autoregressions (coefficient 0.5)
/// and by the steps of the labelled series that stay suspicions.
const DOUBLED_BELOW: f64 = 32.0;

/// Serial correlation of the noise about the levels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Dependence {
    /// Correlation of ranks within segments by lag, from lag 1, up to the last pair above noise.
    correlation: Vec<f64>,
}

impl Dependence {
    /// No dependence.
    pub(super) const fn none() -> Self {
        Self { correlation: Vec::new() }
    }

    /// Whether [`Dependence::estimate`] could have given it.
    pub(super) fn is_plausible(&self) -> bool {
        self.correlation.len() <= LAGS && self.correlation.iter().all(|value| (-1.0..=1.0).contains(value))
    }

    /// Estimates it from the ranks within each sorted run, so that levels do not count as dependence.
    pub(super) fn estimate<'a>(runs: impl Iterator<Item = (&'a [u64], usize)>) -> Self {
        let mut sums = [0.0; LAGS];
        let (mut weight, mut ranks, mut bias) = (0.0, Ranks::default(), 0.0);
        for (sorted, start) in runs {
            let count = sorted.len();
            if count < 4 {
                continue;
            }
            ranks.fill(sorted, start);
            if ranks.square <= 0.0 {
                continue;
            }
            let scale = count as f64 / ranks.square;
            for (lag, sum) in (1..).zip(sums.iter_mut()).take(count / 2) {
                let products: i64 = ranks.centred.iter().zip(&ranks.centred[lag..]).map(|(a, b)| a * b).sum();
                *sum += products as f64 * scale;
            }
            weight += count as f64;
            bias += 1.0;
        }
        if weight <= 0.0 {
            return Self::none();
        }
        let centring = 1.0 + (CENTRING_SHORT - 1.0) * (SHORT / weight).min(1.0).powi(2);
        let all = sums.map(|sum| (sum + centring * bias) / weight);
        // Sums of pairs, because a single lag may be low by chance or by an alternating noise (Geyer 1992).
        let noise = PAIR_NOISE / weight.sqrt();
        let pairs = all.chunks_exact(2).take_while(|pair| pair[0] + pair[1] > noise).count();
        Self { correlation: all[..2 * pairs].iter().map(|value| value.clamp(-0.5, 0.95)).collect() }
    }

    /// The larger correlation of two estimates at each lag.
    pub(super) fn or_larger(mut self, other: &Self) -> Self {
        self.correlation.resize(self.correlation.len().max(other.correlation.len()), 0.0);
        for (own, other) in self.correlation.iter_mut().zip(&other.correlation) {
            *own = own.max(*other);
        }
        self
    }

    /// What an inflation is to be multiplied by before somebody is called, for all that so many points can tell of dependence.
    ///
    /// An estimate from a short history is as often too small as too large, and it is the small ones that let wandering pass for steps.
    pub(super) fn caution(points: usize) -> f64 {
        1.0 + DOUBLED_BELOW / points.max(1) as f64
    }

    /// Inflation of the variance of the mean of `count` neighbouring points, at least 1.
    pub(super) fn inflation(&self, count: usize) -> f64 {
        let count = count as f64;
        let sum: f64 = (1u32..)
            .zip(&self.correlation)
            .map(|(lag, value)| (1.0 - f64::from(lag) / count).max(0.0) * value)
            .sum();
        (1.0 + 2.0 * UNDERESTIMATE * sum).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::super::rank::Order;
    use super::*;

    fn estimate(values: &[f64]) -> Dependence {
        Dependence::estimate(std::iter::once((&Order::of(values).sorted[..], 0)))
    }

    #[test]
    fn independent_noise_is_not_inflated() {
        let mut noise = Noise::new(11);
        let values: Vec<f64> = (0..600).map(|_| noise.normal()).collect();
        assert!(estimate(&values).inflation(50) < 1.3);
    }

    #[test]
    fn wandering_noise_is_inflated_by_more_than_its_theory_says() {
        let mut noise = Noise::new(12);
        let mut state = 0.0;
        let values: Vec<f64> = (0..2000)
            .map(|_| {
                state = 0.6 * state + noise.normal();
                state
            })
            .collect();
        // (1 + phi) / (1 - phi) = 4 for a first-order autoregression.
        let inflation = estimate(&values).inflation(200);
        assert!((3.5..8.0).contains(&inflation), "{inflation}");
    }

    #[test]
    fn a_constant_series_shows_no_dependence() {
        assert_eq!(estimate(&[5.0; 40]).inflation(20), 1.0);
    }
}
