//! How probable each revision is to be the first with the new level.

/// Smallest scale as a part of the shift: where figures repeat exactly, one boot decides.
const SCALE_MIN: f64 = 1e-3;

/// Distances from a level that the scale is taken from, at least; fewer say little of the noise.
const SPARSE: usize = 4;

/// The two levels of a finding and the noise about them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    before: f64,
    after: f64,
    scale: f64,
}

impl Levels {
    /// The levels, with the noise as the mean distance of each level's own figures from it.
    ///
    /// `None` if the levels are equal or not finite. Of few figures the distance is taken to be larger than it is.
    #[must_use]
    pub fn of(before: f64, after: f64, figures_before: &[f64], figures_after: &[f64]) -> Option<Self> {
        let shift = (after - before).abs();
        if !shift.is_finite() || shift <= 0.0 {
            return None;
        }
        let distances = figures_before
            .iter()
            .map(|value| (value - before).abs())
            .chain(figures_after.iter().map(|value| (value - after).abs()))
            .filter(|distance| distance.is_finite());
        let (sum, count) =
            distances.fold((0.0, 0_usize), |(sum, count), distance| (sum + distance, count + 1));
        let missing = SPARSE.saturating_sub(count) as f64;
        let scale = (sum + missing * 0.25 * shift) / (count.max(SPARSE)) as f64;
        Some(Self { before, after, scale: scale.max(SCALE_MIN * shift) })
    }

    /// Logarithm of how much more probable a figure is at the level after than at the one before.
    ///
    /// The law is Laplace's, so that no figure, however far out, says more than one at a level does.
    #[must_use]
    pub fn ln_odds(&self, figure: f64) -> f64 {
        if !figure.is_finite() {
            return 0.0;
        }
        ((figure - self.before).abs() - (figure - self.after).abs()) / self.scale
    }
}

/// Probability that each of the places 1 to `places` is the first with the new level, after figures at places; all are equally
/// probable before. Place 0 is the last one known to be good.
///
/// This is the probabilistic bisection of Horstein (1963) with likelihoods of the figures in place of a fixed error rate.
#[must_use]
pub fn posterior(levels: &Levels, places: usize, figures: &[(usize, f64)]) -> Vec<f64> {
    let ln: Vec<f64> = (1..=places)
        .map(|first| {
            figures
                .iter()
                .filter(|(place, _)| *place >= first)
                .map(|(_, figure)| levels.ln_odds(*figure))
                .sum()
        })
        .collect();
    let top = ln.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = ln.iter().map(|value| (value - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn levels(noise: f64) -> Levels {
        Levels::of(100.0, 110.0, &[100.0 - noise, 100.0 + noise], &[110.0 - noise, 110.0 + noise])
            .expect("apart")
    }

    #[test]
    fn an_exact_figure_decides_at_once() {
        let exact = Levels::of(100.0, 101.0, &[100.0; 8], &[101.0; 8]).expect("apart");
        let found = posterior(&exact, 8, &[(4, 101.0), (3, 100.0)]);
        assert!(found[3] > 0.999, "{found:?}");
    }

    #[test]
    fn a_noisy_figure_only_leans() {
        let found = posterior(&levels(8.0), 2, &[(1, 110.0)]);
        assert!(found[0] > 0.6 && found[0] < 0.95, "{found:?}");
    }

    #[test]
    fn an_outlier_says_no_more_than_a_figure_at_a_level() {
        let levels = levels(2.0);
        assert_eq!(levels.ln_odds(1e9), levels.ln_odds(110.0));
        assert_eq!(levels.ln_odds(-1e9), levels.ln_odds(100.0));
        assert_eq!(levels.ln_odds(f64::NAN), 0.0);
    }

    #[test]
    fn equal_levels_cannot_be_told_apart() {
        assert_eq!(Levels::of(5.0, 5.0, &[], &[]), None);
        assert_eq!(Levels::of(f64::NAN, 5.0, &[], &[]), None);
    }

    proptest! {
        #[test]
        fn the_posterior_is_that_of_the_plain_formula(
            places in 1usize..12,
            figures in prop::collection::vec((0usize..14, 80.0..130.0f64), 0..20),
        ) {
            let levels = levels(3.0);
            let found = posterior(&levels, places, &figures);
            let density = |figure: f64, level: f64| (-(figure - level).abs() / levels.scale).exp();
            let plain: Vec<f64> = (1..=places).map(|first| {
                figures.iter().map(|(place, figure)| {
                    density(*figure, if *place >= first { levels.after } else { levels.before })
                }).product()
            }).collect();
            let total: f64 = plain.iter().sum();
            for (a, b) in found.iter().zip(&plain) {
                prop_assert!((a - b / total).abs() < 1e-6);
            }
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
