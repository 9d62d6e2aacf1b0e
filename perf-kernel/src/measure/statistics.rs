//! Order statistics and moments of samples, in integers.

use alloc::vec::Vec;

use crate::wire::{SampleSummary, Windows};

/// Samples below which P99.9 would rest on fewer than ten values.
const SAMPLES_FOR_P999: usize = 10_000;
/// Windows of consecutive samples that rates are looked at in.
const WINDOWS: usize = 10;

/// The order statistics of `sorted`, which is ascending; `None` if it is empty.
#[must_use]
pub fn summarise(sorted: &[u64]) -> Option<SampleSummary> {
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let p50 = percentile(sorted, 500)?;
    Some(SampleSummary {
        n: widen(sorted.len()),
        min,
        mean_milli: mean_milli(sorted),
        deviation_milli: deviation_milli(sorted),
        mad: median_absolute_deviation(sorted, p50),
        p50,
        p90: percentile(sorted, 900)?,
        p95: percentile(sorted, 950)?,
        p99: percentile(sorted, 990)?,
        p999: if sorted.len() < SAMPLES_FOR_P999 { None } else { percentile(sorted, 999) },
        max,
    })
}

/// The nearest-rank percentile: the sample at rank `ceil(permille / 1000 * n)`, counted from 1 in ascending order.
/// `None` if `sorted` is empty.
#[must_use]
pub fn percentile(sorted: &[u64], permille: u64) -> Option<u64> {
    let rank = (u128::from(widen(sorted.len())) * u128::from(permille)).div_ceil(1000).max(1);
    let index = usize::try_from(rank - 1).ok()?;
    sorted.get(index.min(sorted.len().checked_sub(1)?)).copied()
}

/// The median (nearest rank) of `values`, which are reordered; `None` if there are none.
pub fn median(values: &mut [u64]) -> Option<u64> {
    let middle = values.len().div_ceil(2).checked_sub(1)?;
    let (_, median, _) = values.select_nth_unstable(middle);
    Some(*median)
}

/// Ten equal windows of consecutive samples, in the order taken; samples that fill no window are in the total only.
/// `None` below ten samples.
#[must_use]
pub fn windows(samples: &[u64]) -> Option<Windows> {
    let length = samples.len() / WINDOWS;
    if length == 0 {
        return None;
    }
    let sum = |window: &[u64]| window.iter().fold(0_u64, |sum, ticks| sum.saturating_add(*ticks));
    let sums = samples.chunks_exact(length).take(WINDOWS).map(sum);
    Some(Windows {
        samples: widen(length),
        ticks_total: sum(samples),
        ticks_best: sums.clone().min()?,
        ticks_worst: sums.max()?,
    })
}

/// The arithmetic mean in thousandths, rounded half up.
fn mean_milli(samples: &[u64]) -> u64 {
    let n = u128::from(widen(samples.len()));
    let sum: u128 = samples.iter().copied().map(u128::from).sum();
    narrow((sum * 1000 + n / 2) / n)
}

/// The sample standard deviation in thousandths, rounded down: with `d = x - min`,
/// `sqrt((n sum(d^2) - sum(d)^2) / (n (n - 1)))`, which in integers loses nothing to cancellation.
fn deviation_milli(sorted: &[u64]) -> u64 {
    let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return 0 };
    let n = u128::from(widen(sorted.len()));
    if n < 2 {
        return 0;
    }
    // Keeps n^2 d^2 below 2^127 for n below 2^20; a spread of 2^42 ticks is more than half an hour.
    const SPREAD_BITS: u32 = 42;
    let shift = (u64::BITS - (max - min).leading_zeros()).saturating_sub(SPREAD_BITS);
    let (mut sum, mut squares) = (0_u128, 0_u128);
    for sample in sorted {
        let distance = u128::from((sample - min) >> shift);
        sum += distance;
        squares += distance * distance;
    }
    let numerator = n * squares - sum * sum;
    let denominator = n * (n - 1);
    let whole = numerator / denominator * 1_000_000;
    let rest = numerator % denominator * 1_000_000 / denominator;
    narrow((whole + rest).isqrt() << shift)
}

/// The median of the distances from `median`, by merging the distances on both sides of it, which are sorted already.
fn median_absolute_deviation(sorted: &[u64], median: u64) -> u64 {
    let split = sorted.partition_point(|sample| *sample < median);
    let (below, above) = sorted.split_at(split);
    let mut below = below.iter().rev().map(|sample| median - sample).peekable();
    let mut above = above.iter().map(|sample| sample - median).peekable();
    let rank = sorted.len().div_ceil(2);
    let mut distance = 0;
    for _ in 0..rank {
        let takes_below = match (below.peek(), above.peek()) {
            (Some(low), Some(high)) => low < high,
            (low, _) => low.is_some(),
        };
        distance = if takes_below { below.next() } else { above.next() }.unwrap_or(distance);
    }
    distance
}

/// `samples` in ascending order.
#[must_use]
pub fn sorted(samples: &[u64]) -> Vec<u64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted
}

fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn narrow(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Percentile by counting: the smallest sample with at least that share of samples at or below it.
    fn slow_percentile(samples: &[u64], permille: usize) -> u64 {
        let reaches = |value: u64| {
            let at_or_below = samples.iter().filter(|sample| **sample <= value).count();
            at_or_below * 1000 >= permille * samples.len() && at_or_below > 0
        };
        samples.iter().copied().filter(|value| reaches(*value)).min().expect("the largest reaches all")
    }

    fn as_float(value: u64) -> f64 {
        value.to_string().parse().expect("digits are a number")
    }

    proptest! {
        #[test]
        fn percentiles_agree_with_counting(samples in prop::collection::vec(0_u64..1000, 1..300)) {
            let sorted = sorted(&samples);
            for permille in [1, 500, 900, 950, 990, 999, 1000] {
                let slow = slow_percentile(&samples, permille);
                prop_assert_eq!(percentile(&sorted, u64::try_from(permille).unwrap()), Some(slow));
            }
            prop_assert_eq!(median(&mut samples.clone()), percentile(&sorted, 500));
        }

        #[test]
        fn moments_agree_with_floating_point(samples in prop::collection::vec(0_u64..1_000_000, 2..300)) {
            let summary = summarise(&sorted(&samples)).expect("there are samples");
            let n = as_float(samples.len().try_into().unwrap());
            let mean = samples.iter().map(|x| as_float(*x)).sum::<f64>() / n;
            let squares = samples.iter().map(|x| (as_float(*x) - mean).powi(2)).sum::<f64>();
            let deviation = (squares / (n - 1.0)).sqrt();
            prop_assert!((as_float(summary.mean_milli) - mean * 1000.0).abs() <= 1.0);
            prop_assert!((as_float(summary.deviation_milli) - deviation * 1000.0).abs() <= 1.0);
        }

        #[test]
        fn the_median_deviation_agrees_with_sorting(samples in prop::collection::vec(any::<u64>(), 1..200)) {
            let summary = summarise(&sorted(&samples)).expect("there are samples");
            let mut distances: Vec<u64> = samples.iter().map(|x| x.abs_diff(summary.p50)).collect();
            prop_assert_eq!(Some(summary.mad), median(&mut distances));
        }

        #[test]
        fn any_samples_have_a_summary(samples in prop::collection::vec(any::<u64>(), 1..50)) {
            let summary = summarise(&sorted(&samples)).expect("there are samples");
            prop_assert!(summary.min <= summary.p50 && summary.p50 <= summary.p99 && summary.p99 <= summary.max);
        }
    }

    #[test]
    fn no_samples_have_no_summary() {
        assert_eq!(summarise(&[]), None);
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn one_sample_has_no_deviation() {
        let summary = summarise(&[7]).expect("there is a sample");
        assert_eq!((summary.p50, summary.mean_milli, summary.deviation_milli, summary.mad), (7, 7000, 0, 0));
    }

    #[test]
    fn the_deviation_survives_the_widest_spread() {
        let summary = summarise(&[0, u64::MAX]).expect("there are samples");
        assert_eq!(summary.deviation_milli, u64::MAX);
    }

    #[test]
    fn the_far_tail_needs_ten_thousand_samples() {
        let few: Vec<u64> = (0..9_999).collect();
        let enough: Vec<u64> = (0..10_000).collect();
        assert_eq!(summarise(&few).and_then(|summary| summary.p999), None);
        assert_eq!(summarise(&enough).and_then(|summary| summary.p999), Some(9_989));
    }

    #[test]
    fn windows_are_equal_and_leave_the_rest_out() {
        let samples: Vec<u64> = (0..25).collect();
        let windows = windows(&samples).expect("there are enough");
        assert_eq!((windows.samples, windows.ticks_total), (2, 300));
        assert_eq!((windows.ticks_best, windows.ticks_worst), (1, 18 + 19));
        assert_eq!(super::windows(&samples[..9]), None);
    }
}
