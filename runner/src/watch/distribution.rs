//! The histogram of a bench in a few characters.

use perf_kernel::wire::Histogram;

/// Eighths of a character's height.
const BARS: [char; 9] =
    [' ', '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];

/// Parts of a thousand that the body of a distribution holds; the rest is its tail.
pub(super) const BODY: u64 = 990;

/// Parts of a thousand that are all.
pub(super) const WHOLE: u64 = 1_000;

/// The counts of `histogram` in at most `columns` ranges, none narrower than a bucket, from its first bucket to the one
/// up to which so many parts of a thousand lie. Buckets grow with what they hold, so that a range is a factor rather than
/// a distance. Empty without samples.
pub(super) fn ranges(histogram: &Histogram, permille: u64, columns: usize) -> Vec<u64> {
    let first = histogram.buckets.iter().map(|(index, _)| *index).min();
    let last = last_bucket(histogram, permille);
    let Some((first, last)) = first.zip(last).filter(|_| columns > 0) else { return Vec::new() };
    // One more than the distance, so that the last bucket falls into the last range.
    let width = u128::from(last - first) + 1;
    let columns = usize::try_from(width).map_or(columns, |width| width.min(columns));
    let mut counts = vec![0_u64; columns];
    for (index, count) in histogram.buckets.iter().filter(|(index, _)| *index <= last) {
        let place = u128::from(index - first) * u128::try_from(columns).unwrap_or(u128::MAX) / width;
        if let Some(range) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
            *range = range.saturating_add(*count);
        }
    }
    counts
}

/// The bucket up to which `permille` of the samples lie; `None` without samples.
fn last_bucket(histogram: &Histogram, permille: u64) -> Option<u32> {
    let mut buckets = histogram.buckets.clone();
    buckets.sort_unstable();
    let total: u128 = buckets.iter().map(|(_, count)| u128::from(*count)).sum();
    let wanted = (total * u128::from(permille)).div_ceil(1_000);
    let mut sum = 0;
    for (index, count) in &buckets {
        sum += u128::from(*count);
        if sum >= wanted {
            return Some(*index);
        }
    }
    None
}

/// `counts` as a line of bars: the fullest range has a whole one, and a range that is not empty shows.
pub(super) fn sparkline(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or_default();
    let bar = |count: &u64| {
        // Rounded up, in numbers that cannot overflow.
        let eighths = (u128::from(*count) * 8).div_ceil(u128::from(most.max(1)));
        usize::try_from(eighths).ok().and_then(|eighths| BARS.get(eighths)).copied().unwrap_or(' ')
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(buckets: &[(u32, u64)]) -> Histogram {
        Histogram { precision_bits: 7, buckets: buckets.to_vec() }
    }

    #[test]
    fn the_ends_fall_into_the_outer_ranges() {
        let counts = ranges(&histogram(&[(100, 5), (105, 1), (109, 2)]), WHOLE, 10);
        assert_eq!(counts, [5, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(sparkline(&counts), "█    ▂   ▄");
    }

    #[test]
    fn one_bucket_is_one_bar_and_none_is_nothing() {
        assert_eq!(ranges(&histogram(&[(7, 3)]), WHOLE, 4), [3]);
        assert_eq!(sparkline(&ranges(&histogram(&[]), WHOLE, 4)), "");
    }

    #[test]
    fn the_body_leaves_a_thin_tail_out() {
        let counts = ranges(&histogram(&[(10, 495), (13, 496), (900, 9)]), BODY, 20);
        assert_eq!(counts, [495, 0, 0, 496]);
        assert_eq!(
            ranges(&histogram(&[(10, 495), (13, 496), (15, 11)]), BODY, 20).len(),
            6,
            "1.1 % is no thin tail"
        );
    }

    proptest! {
        #[test]
        fn no_sample_is_lost(buckets in prop::collection::vec((any::<u32>(), 0_u64..1 << 40), 1..50), columns in 1_usize..40) {
            let counts = ranges(&histogram(&buckets), WHOLE, columns);
            prop_assert!(counts.len() <= columns);
            prop_assert_eq!(counts.iter().sum::<u64>(), buckets.iter().map(|(_, count)| count).sum::<u64>());
            let shown = sparkline(&counts);
            let is_shown = |(count, bar): (&u64, char)| (*count == 0) == (bar == ' ');
            prop_assert!(counts.iter().zip(shown.chars()).all(is_shown));
        }
    }
}
