//! The samples of one boot as figures with counts, from the histogram of its record.

use perf_kernel::measure::LogLinear;
use perf_kernel::wire::{BenchRecord, Clock};

use crate::analysis::{Conversion, count};

/// Figures of one iteration with how often they came, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Weights {
    /// Buckets.
    pub(super) buckets: Vec<Bucket>,
}

/// Figures from `low` to `high`, which a histogram does not tell apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    /// The smallest figure of the bucket.
    pub(super) low: f64,
    /// The largest.
    pub(super) high: f64,
    /// Samples in it.
    pub(super) count: f64,
}

impl Bucket {
    /// The figure that stands for the bucket.
    pub(super) const fn middle(&self) -> f64 {
        f64::midpoint(self.low, self.high)
    }
}

impl Weights {
    /// The samples of `record` under `clock`; `None` if it came without a histogram that can be read.
    #[must_use]
    pub(crate) fn of(record: &BenchRecord, clock: &Clock) -> Option<Self> {
        let summary = record.summary.as_ref()?;
        let wire = record.histogram.as_ref()?;
        let conversion = Conversion::of(record, clock)?;
        let histogram = LogLinear::from_wire(wire).ok()?;
        let bucket = |&(index, times): &(u32, u64)| {
            let (low, high) = histogram.bounds_of(index)?;
            // No sample lies beyond the extremes, which are exact.
            let (low, high) = (low.max(summary.min), high.min(summary.max));
            (low <= high).then(|| Bucket {
                low: conversion.figure(low),
                high: conversion.figure(high),
                count: count(times),
            })
        };
        let buckets: Vec<Bucket> = wire.buckets.iter().filter_map(bucket).collect();
        (!buckets.is_empty()).then_some(Self { buckets })
    }

    /// The samples of several boots together.
    #[must_use]
    pub(crate) fn together<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut buckets: Vec<Bucket> =
            parts.into_iter().flat_map(|part| part.buckets.iter().copied()).collect();
        buckets.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
        Self { buckets }
    }

    /// The smallest and the largest figure; `None` without samples.
    #[must_use]
    pub(crate) fn ends(&self) -> Option<(f64, f64)> {
        let low = self.buckets.iter().map(|bucket| bucket.low).fold(f64::INFINITY, f64::min);
        let high = self.buckets.iter().map(|bucket| bucket.high).fold(f64::NEG_INFINITY, f64::max);
        (low <= high).then_some((low, high))
    }

    /// Samples.
    pub(super) fn total(&self) -> f64 {
        self.buckets.iter().map(|bucket| bucket.count).sum()
    }
}

/// A share of samples as the percentile that it is: `P99.9`.
#[must_use]
pub(super) fn rank_words(share: f64) -> String {
    let percent = share * 100.0;
    let text = format!("{percent:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("P{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use perf_kernel::wire::Mode;

    #[test]
    fn buckets_become_figures_of_one_iteration() {
        let mut record = samples::bench("env/pause", 100, 2);
        record.histogram = Some(LogLinear::of(&[90, 100, 100, 300]).to_wire());
        let weights = Weights::of(&record, &samples::clock(Mode::Hosted)).expect("a histogram");
        assert_eq!(weights.total(), 4.0);
        assert_eq!(weights.ends(), Some((22.5, 75.0)), "2 GHz and two iterations: a quarter each");
    }

    #[test]
    fn a_histogram_that_cannot_be_read_is_none() {
        let mut record = samples::bench("env/pause", 100, 2);
        assert_eq!(Weights::of(&record, &samples::clock(Mode::Hosted)), None);
        record.histogram =
            Some(perf_kernel::wire::Histogram { precision_bits: 99, buckets: vec![(5, 1), (4, 0)] });
        assert_eq!(Weights::of(&record, &samples::clock(Mode::Hosted)), None);
    }

    #[test]
    fn ranks_are_written_without_needless_zeros() {
        assert_eq!([0.5, 0.9, 0.999, 0.99999].map(rank_words), ["P50", "P90", "P99.9", "P99.999"]);
    }
}
