//! By how much one set of boots lies above another.

use super::count_of;
use super::merged::median;
use crate::history::pairs::Differences;

/// What larger quotients are taken for, so that a difference of two of them is a number.
const LARGEST: f64 = 1e300;

/// How values become coordinates in which a change is a shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Logarithms: a shift is a ratio.
    Ratio,
    /// Differences in units of this much, because a logarithm of zero there is none.
    Difference(f64),
}

impl Scale {
    /// The ratio of costs that a shift of `coordinate` means.
    pub(super) fn ratio(self, coordinate: f64) -> f64 {
        match self {
            // What lies beyond is no measurement, but must be written as a number.
            Self::Ratio => coordinate.exp().min(LARGEST),
            Self::Difference(_) => 1.0 + coordinate,
        }
    }

    /// The smallest shift that is a change by the share `margin`.
    pub(super) fn margin(self, margin: f64) -> f64 {
        match self {
            Self::Ratio => margin.ln_1p(),
            Self::Difference(_) => margin,
        }
    }
}

/// Two sets of boots in coordinates in which a change is a shift.
#[derive(Clone, Debug)]
pub(super) struct Shift {
    pub(super) scale: Scale,
    /// Ascending.
    pub(super) before: Vec<f64>,
    /// Ascending.
    pub(super) after: Vec<f64>,
    differences: Differences,
}

impl Shift {
    /// The boots with the costs `before` and `after`: finite, none negative, neither empty.
    pub(super) fn of(before: &[f64], after: &[f64]) -> Self {
        let scale = if before.iter().chain(after).all(|value| *value > 0.0) {
            Scale::Ratio
        } else {
            Scale::Difference(unit(before, after))
        };
        let sorted = |values: &[f64]| {
            let mut values: Vec<f64> = values
                .iter()
                .map(|value| match scale {
                    Scale::Ratio => value.ln(),
                    Scale::Difference(unit) => (value / unit).min(LARGEST),
                })
                .collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (before, after) = (sorted(before), sorted(after));
        let differences = Differences::of(&before, &after);
        Self { scale, before, after, differences }
    }

    /// The median of all differences between a boot after and one before (Hodges and Lehmann 1963).
    pub(super) fn estimate(&self) -> f64 {
        let pairs = self.differences.count();
        f64::midpoint(self.differences.select((pairs - 1) / 2), self.differences.select(pairs / 2))
    }

    /// The shifts that a rank test which lets `critical` pairs point the other way does not reject, as their lowest and
    /// highest (Hollander and Wolfe, *Nonparametric Statistical Methods*, the chapter on two samples).
    pub(super) fn interval(&self, critical: usize) -> (f64, f64) {
        let last = self.differences.count() - 1;
        (self.differences.select(critical.min(last)), self.differences.select(last.saturating_sub(critical)))
    }
}

/// What a difference is divided by: the median before, else that after, else the largest value, else 1.
fn unit(before: &[f64], after: &[f64]) -> f64 {
    let medians = [before, after].map(|values| median(values.iter().copied()).unwrap_or_default());
    let largest = before.iter().chain(after).copied().fold(0.0, f64::max);
    medians.into_iter().chain([largest]).find(|value| *value > 0.0).unwrap_or(1.0)
}

/// Cliff's delta (1993) of a Mann-Whitney `u`.
pub(super) fn cliffs_delta(u: f64, before: usize, after: usize) -> f64 {
    2.0 * u / count_of(before.saturating_mul(after).max(1)) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn differences(shift: &Shift) -> Vec<f64> {
        let pairs = shift.before.iter().flat_map(|a| shift.after.iter().map(move |b| b - a));
        let mut all: Vec<f64> = pairs.collect();
        all.sort_by(f64::total_cmp);
        all
    }

    #[test]
    fn constants_have_an_exact_ratio() {
        let shift = Shift::of(&[26.0; 4], &[27.0; 5]);
        let (low, high) = shift.interval(3);
        assert_eq!((low, high), (shift.estimate(), shift.estimate()));
        assert!((shift.scale.ratio(low) - 27.0 / 26.0).abs() < 1e-12);
        assert_eq!(Shift::of(&[5.0], &[5.0]).estimate(), 0.0);
    }

    #[test]
    fn zeros_are_compared_by_differences() {
        let shift = Shift::of(&[0.0, 10.0, 20.0], &[30.0; 3]);
        assert_eq!(shift.scale, Scale::Difference(10.0));
        assert_eq!(shift.scale.ratio(shift.estimate()), 3.0);
        assert_eq!(Shift::of(&[0.0], &[8.0]).scale, Scale::Difference(8.0));
        assert_eq!(Shift::of(&[0.0], &[0.0]).estimate(), 0.0);
    }

    proptest! {
        #[test]
        fn estimate_and_interval_are_those_of_all_differences_written_down(
            before in prop::collection::vec(prop_oneof![0.0..1e9, Just(0.0), Just(7.0), 1e-300..1e300], 1..12),
            after in prop::collection::vec(prop_oneof![0.0..1e9, Just(0.0), Just(7.0), 1e-300..1e300], 1..12),
            critical in 0usize..20,
        ) {
            let shift = Shift::of(&before, &after);
            let all = differences(&shift);
            let middle = f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2]);
            prop_assert_eq!(shift.estimate(), middle);
            let critical = critical.min((all.len() - 1) / 2);
            prop_assert_eq!(shift.interval(critical), (all[critical], all[all.len() - 1 - critical]));
        }

        #[test]
        fn a_common_factor_changes_nothing_and_swapping_turns_the_sign(
            before in prop::collection::vec(1.0..1e6, 1..12),
            after in prop::collection::vec(1.0..1e6, 1..12),
            factor in 1e-3..1e3,
        ) {
            let scaled = |values: &[f64]| values.iter().map(|value| value * factor).collect::<Vec<_>>();
            let shift = Shift::of(&before, &after);
            let other = Shift::of(&scaled(&before), &scaled(&after));
            prop_assert!((shift.estimate() - other.estimate()).abs() < 1e-9);
            prop_assert_eq!(Shift::of(&after, &before).estimate(), -shift.estimate());
        }
    }
}
