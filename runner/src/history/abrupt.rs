//! Abruptness: how far the level jumps from one point to the next, against what the series does elsewhere.

use super::tail;

/// Points on each side whose median is compared.
const WIDTH: usize = 3;

/// Local contrasts of a series: for each cut the distance of the medians of the three points before and after.
///
/// A wandering noise reaches another level by its own small moves, a change in the code jumps. A jump that is far outside
/// the series' own contrasts therefore is no product of dependence.
#[derive(Debug)]
pub(super) struct Contrasts {
    at: Vec<f64>,
    /// Standard deviation of the contrasts as their median and their upper tenth imply it, whichever is larger.
    scale: f64,
}

impl Contrasts {
    /// No contrast: nothing is abrupt.
    pub(super) const fn none() -> Self {
        Self { at: Vec::new(), scale: 0.0 }
    }

    /// Contrasts of the values, on the scale of those of the residuals.
    pub(super) fn of(values: &[f64], residuals: &[f64]) -> Self {
        let mut sizes: Vec<f64> = contrasts(residuals).into_iter().map(f64::abs).collect();
        let count = sizes.len();
        if count <= 2 * WIDTH {
            return Self::none();
        }
        let (_, high, _) = sizes.select_nth_unstable_by(count * 9 / 10, f64::total_cmp);
        let high = *high;
        let (_, middle, _) = sizes.select_nth_unstable_by(count / 2, f64::total_cmp);
        // Quantiles of |N(0, 1)|: 0.6745 at one half, 1.645 at nine tenths.
        let scale = (*middle / 0.6745).max(high / 1.645);
        Self { at: contrasts(values), scale }
    }

    /// Log tail probability of the contrast at a cut between levels that differ by `change`.
    ///
    /// What the contrast has beyond that difference, or against it, is an outlier's doing and does not count.
    pub(super) fn ln_p(&self, cut: usize, change: f64) -> f64 {
        let contrast = self.at.get(cut).copied().unwrap_or(0.0) * change.signum();
        let contrast = contrast.min(change.abs());
        if contrast <= 0.0 {
            return 0.0;
        }
        (tail::ln_upper_normal((contrast / self.scale).min(1e6)) + std::f64::consts::LN_2).min(0.0)
    }
}

/// Median of the points after each cut less that of the points before; zero near the ends.
fn contrasts(values: &[f64]) -> Vec<f64> {
    let medians: Vec<f64> = values.windows(WIDTH).map(|w| median3(w[0], w[1], w[2])).collect();
    let mut at = vec![0.0; values.len()];
    for (slot, (before, after)) in
        at.iter_mut().skip(WIDTH).zip(medians.iter().zip(medians.iter().skip(WIDTH)))
    {
        *slot = after - before;
    }
    at
}

fn median3(a: f64, b: f64, c: f64) -> f64 {
    a.max(b).min(a.min(b).max(c))
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    #[test]
    fn a_jump_is_abrupt_and_the_same_rise_over_many_points_is_not() {
        let mut noise = Noise::new(21);
        let quiet: Vec<f64> = (0..200).map(|_| noise.normal()).collect();
        let jump: Vec<f64> =
            quiet.iter().zip(0..).map(|(v, i)| v + if i >= 100 { 8.0 } else { 0.0 }).collect();
        let ramp: Vec<f64> = quiet.iter().zip(0..).map(|(v, i)| v + 8.0 * f64::from(i) / 200.0).collect();
        assert!(Contrasts::of(&jump, &quiet).ln_p(100, 8.0) < -15.0);
        assert!(Contrasts::of(&ramp, &quiet).ln_p(100, 4.0) > -6.0);
    }

    #[test]
    fn a_jump_against_the_change_of_level_does_not_count() {
        let values: Vec<f64> = (0..40).map(|i| if i < 20 { 1.0 } else { 9.0 }).collect();
        assert_eq!(Contrasts::of(&values, &[0.0; 40]).ln_p(20, -8.0), 0.0);
    }

    #[test]
    fn a_few_points_have_no_contrast() {
        assert_eq!(Contrasts::of(&[1.0, 2.0, 3.0], &[0.0; 3]).ln_p(1, 1.0), 0.0);
    }
}
