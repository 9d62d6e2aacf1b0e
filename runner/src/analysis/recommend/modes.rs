//! Whether samples fall into two groups.

use perf_kernel::measure::LogLinear;
use perf_kernel::wire::Histogram;

/// Fewer samples show no groups.
const SAMPLES_MIN: f64 = 100.0;

/// Share of the samples that the smaller group has at least: less is a tail.
const GROUP_MIN: f64 = 0.1;

/// Distance of the groups that matters: less is a step of the counter or of the histogram.
const RATIO_MIN: f64 = 1.05;

/// Samples between the groups for each around the smaller one, at most: without a valley there are no groups.
const VALLEY_MAX: f64 = 0.2;

/// Two groups of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Modes {
    /// Share of the samples in the upper group.
    pub(super) upper_share: f64,
    /// Median of the upper group for each of the lower one's.
    pub(super) ratio: f64,
}

/// The groups that the samples of `histogram` fall into; `None` if they form one, or it is none that can be read.
///
/// The cut is Otsu's (1979), over the logarithms of the values. It cuts everything in two: groups they are only if the
/// third of the way between their medians that lies in the middle is nearly empty.
pub(super) fn two_modes(histogram: &Histogram) -> Option<Modes> {
    let layout = LogLinear::from_wire(histogram).ok()?;
    let value = |(index, count): &(u32, u64)| {
        let (low, high) = layout.bounds_of(*index)?;
        let middle = crate::analysis::count(low + (high - low) / 2);
        Some((middle.max(1.0).ln(), crate::analysis::count(*count)))
    };
    let bars: Vec<(f64, f64)> = histogram.buckets.iter().filter_map(value).collect();
    let total: f64 = bars.iter().map(|(_, count)| count).sum();
    if total < SAMPLES_MIN {
        return None;
    }
    let (lower, upper) = bars.split_at(cut(&bars)?);
    let (low, high) = (middle(lower)?, middle(upper)?);
    let third = (high - low) / 3.0;
    let around = |at: f64| within(&bars, at - third / 2.0, at + third / 2.0);
    let is_empty = around(f64::midpoint(low, high)) <= VALLEY_MAX * around(low).min(around(high));
    let upper_share = mass(upper) / total;
    let is_shared = upper_share.min(1.0 - upper_share) >= GROUP_MIN;
    let ratio = (high - low).exp();
    (is_empty && is_shared && ratio >= RATIO_MIN).then_some(Modes { upper_share, ratio })
}

/// The cut that parts the means most, for the sizes of both sides.
fn cut(bars: &[(f64, f64)]) -> Option<usize> {
    let total = mass(bars);
    let sum: f64 = bars.iter().map(|(value, count)| value * count).sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let mut best = None;
    for (place, (value, count)) in bars.iter().enumerate().take(bars.len().saturating_sub(1)) {
        below += count;
        sum_below += value * count;
        let apart = sum_below / below - (sum - sum_below) / (total - below);
        let gain = below * (total - below) * apart * apart;
        if best.is_none_or(|(most, _)| gain > most) {
            best = Some((gain, place + 1));
        }
    }
    best.map(|(_, place)| place)
}

fn mass(bars: &[(f64, f64)]) -> f64 {
    bars.iter().map(|(_, count)| count).sum()
}

/// The median.
fn middle(bars: &[(f64, f64)]) -> Option<f64> {
    let half = mass(bars) / 2.0;
    let mut seen = 0.0;
    let reaches = |(_, count): &&(f64, f64)| {
        seen += count;
        seen >= half
    };
    bars.iter().find(reaches).map(|(value, _)| *value)
}

fn within(bars: &[(f64, f64)], low: f64, high: f64) -> f64 {
    bars.iter().filter(|(value, _)| low <= *value && *value <= high).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::noise::Noise;

    fn modes(mut value: impl FnMut(&mut Noise) -> f64) -> Option<Modes> {
        let mut noise = Noise::new(61);
        // Counts up by bisection, as no float becomes a whole number otherwise.
        let whole = |value: f64| {
            (0..20).rev().fold(0_u64, |sum, bit| {
                let next = sum + (1 << bit);
                if crate::analysis::count(next) <= value { next } else { sum }
            })
        };
        let mut samples: Vec<u64> = (0..2_000).map(|_| whole(value(&mut noise))).collect();
        samples.sort_unstable();
        two_modes(&LogLinear::of(&samples).to_wire())
    }

    #[test]
    fn two_separate_groups_are_seen_with_their_shares() {
        let found = modes(|noise| {
            let level = if noise.uniform() < 0.3 { 13_000.0 } else { 10_000.0 };
            level * (0.01 * noise.normal()).exp()
        });
        let found = found.expect("two groups");
        assert!((found.upper_share - 0.3).abs() < 0.05 && (found.ratio - 1.3).abs() < 0.02, "{found:?}");
    }

    #[test]
    fn one_group_of_any_shape_is_one() {
        assert_eq!(modes(|noise| 10_000.0 * (0.05 * noise.normal()).exp()), None, "normal");
        assert_eq!(modes(|noise| 10_000.0 * (1.0 + noise.uniform())), None, "even");
        assert_eq!(modes(|noise| 10_000.0 * (1.0 - (1.0 - noise.uniform()).ln())), None, "a long tail");
        assert_eq!(modes(|_| 10_000.0), None, "constant");
    }

    #[test]
    fn a_few_outliers_and_a_small_step_are_no_group() {
        let outliers = |noise: &mut Noise| if noise.uniform() < 0.03 { 90_000.0 } else { 10_000.0 };
        assert_eq!(modes(outliers), None);
        let step = |noise: &mut Noise| if noise.uniform() < 0.5 { 10_200.0 } else { 10_000.0 };
        assert_eq!(modes(step), None);
    }

    #[test]
    fn a_histogram_that_is_none_has_no_groups() {
        assert_eq!(two_modes(&Histogram { precision_bits: 99, buckets: vec![(1, 500), (9, 500)] }), None);
        assert_eq!(two_modes(&Histogram { precision_bits: 7, buckets: Vec::new() }), None);
        assert_eq!(two_modes(&Histogram { precision_bits: 7, buckets: vec![(3, u64::MAX), (2, 1)] }), None);
    }
}
