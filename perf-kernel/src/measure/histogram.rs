//! A log-linear histogram: buckets whose width grows with the value, so that the relative error is bounded.
//!
//! With precision `p`, values below `2^(p+1)` have a bucket each. Above, every power of two is cut into `2^p` equal
//! buckets: the value `v` with exponent `e = floor(log2 v) - p` falls into bucket `e * 2^p + (v >> e)`, which holds
//! `2^e` values. A bucket is therefore at most `2^-p` of its smallest value wide: 0.79 % for the precision of the
//! wire. The layout is that of HdrHistogram (hdrhistogram.org), which calls `2^(p+1)` its sub-bucket count.

use alloc::vec::Vec;

use crate::wire::Histogram;

/// The precision of the histograms that records carry.
pub const PRECISION_BITS: u32 = 7;
/// The highest precision that fits bucket indices of 32 bits.
const PRECISION_BITS_MAX: u32 = 16;

/// Sparse counts of values in log-linear buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLinear {
    precision_bits: u32,
    /// Index and count above zero, ascending.
    buckets: Vec<(u32, u64)>,
}

/// Why histograms cannot be read or put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// The precision is none that this code knows.
    #[error("read a histogram: its precision of {0} bits is not 1 to {PRECISION_BITS_MAX}")]
    Precision(u32),
    /// Histograms of different precision have different buckets.
    #[error("merge histograms: one has a precision of {0} bits, the other of {1}")]
    PrecisionsDiffer(u32, u32),
    /// The buckets are not in ascending order, or one is empty or beyond the range of 64 bits.
    #[error("read a histogram: bucket {0} is out of order, empty or out of range")]
    Bucket(u32),
}

impl Default for LogLinear {
    fn default() -> Self {
        Self { precision_bits: PRECISION_BITS, buckets: Vec::new() }
    }
}

impl LogLinear {
    /// An empty histogram.
    ///
    /// # Errors
    /// Refuses a precision below 1 or above 16 bits.
    pub const fn new(precision_bits: u32) -> Result<Self, HistogramError> {
        if precision_bits == 0 || precision_bits > PRECISION_BITS_MAX {
            return Err(HistogramError::Precision(precision_bits));
        }
        Ok(Self { precision_bits, buckets: Vec::new() })
    }

    /// A histogram of `samples` at the precision of the wire. Quick if they are ascending.
    #[must_use]
    pub fn of(samples: &[u64]) -> Self {
        let mut histogram = Self::default();
        samples.iter().for_each(|sample| histogram.record(*sample, 1));
        histogram
    }

    /// Counts `value` `times` times, saturating.
    pub fn record(&mut self, value: u64, times: u64) {
        self.add(self.bucket_of(value), times);
    }

    /// Adds all counts of `other`.
    ///
    /// # Errors
    /// The precisions differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        if self.precision_bits != other.precision_bits {
            return Err(HistogramError::PrecisionsDiffer(self.precision_bits, other.precision_bits));
        }
        other.buckets.iter().for_each(|(index, count)| self.add(*index, *count));
        Ok(())
    }

    /// Values counted, saturating.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The middle of the bucket that the nearest-rank percentile falls into; `None` if nothing was counted.
    #[must_use]
    pub fn percentile(&self, permille: u64) -> Option<u64> {
        let rank = (u128::from(self.count()) * u128::from(permille)).div_ceil(1000).max(1);
        let mut seen = 0_u128;
        let reaches = |(_, count): &&(u32, u64)| {
            seen += u128::from(*count);
            seen >= rank
        };
        let (index, _) = self.buckets.iter().find(reaches).or(self.buckets.last())?;
        let (low, high) = self.bounds_of(*index)?;
        Some(low + (high - low) / 2)
    }

    /// The bucket of `value`.
    #[must_use]
    pub fn bucket_of(&self, value: u64) -> u32 {
        let magnitude = (u64::BITS - 1).saturating_sub(value.leading_zeros());
        let exponent = magnitude.saturating_sub(self.precision_bits);
        // Below 2^(p+1), which fits as p is at most 16.
        let within = u32::try_from(value >> exponent).unwrap_or(u32::MAX);
        (exponent << self.precision_bits) + within
    }

    /// The smallest and the largest value of the bucket `index`; `None` if there is no such bucket.
    #[must_use]
    pub fn bounds_of(&self, index: u32) -> Option<(u64, u64)> {
        let linear = 1_u32 << self.precision_bits;
        let exponent = (index >> self.precision_bits).saturating_sub(1);
        if exponent > u64::BITS - 1 - self.precision_bits {
            return None;
        }
        let within = u64::from(index - exponent * linear);
        let low = within << exponent;
        Some((low, low + ((1_u64 << exponent) - 1)))
    }

    /// The histogram as records carry it.
    #[must_use]
    pub fn to_wire(&self) -> Histogram {
        Histogram { precision_bits: self.precision_bits, buckets: self.buckets.clone() }
    }

    /// The histogram that a record carries.
    ///
    /// # Errors
    /// Refuses what no histogram can be.
    pub fn from_wire(histogram: &Histogram) -> Result<Self, HistogramError> {
        let mut read = Self::new(histogram.precision_bits)?;
        for &(index, count) in &histogram.buckets {
            let is_ascending = read.buckets.last().is_none_or(|(last, _)| *last < index);
            if !is_ascending || count == 0 || read.bounds_of(index).is_none() {
                return Err(HistogramError::Bucket(index));
            }
            read.buckets.push((index, count));
        }
        Ok(read)
    }

    fn add(&mut self, index: u32, times: u64) {
        if times == 0 {
            return;
        }
        // Sorted samples, the usual case, end up in the last bucket or behind it.
        match self.buckets.last_mut() {
            Some((last, count)) if *last == index => *count = count.saturating_add(times),
            Some((last, _)) if *last > index => {
                match self.buckets.binary_search_by_key(&index, |(key, _)| *key) {
                    Ok(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(times),
                    Err(at) => self.buckets.insert(at, (index, times)),
                }
            }
            _ => self.buckets.push((index, times)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::statistics;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Vec<u64>> {
        // As many small as large magnitudes.
        prop::collection::vec((0_u32..62, any::<u64>()).prop_map(|(shift, bits)| bits >> 2 >> shift), 1..300)
    }

    /// Counts by hdrhistogram: the lowest value of each of its buckets, with its count.
    fn oracle(values: &[u64], significant_figures: u8) -> BTreeMap<u64, u64> {
        let mut histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 1 << 62, significant_figures)
            .expect("the bounds are fine");
        values.iter().for_each(|value| histogram.record(*value).expect("it is within bounds"));
        let recorded = histogram.iter_recorded();
        recorded
            .map(|step| (histogram.lowest_equivalent(step.value_iterated_to()), step.count_at_value()))
            .collect()
    }

    proptest! {
        #[test]
        fn buckets_and_counts_are_those_of_hdrhistogram(values in values()) {
            // Two significant figures are 256 sub-buckets there, three are 2048: 7 and 10 bits here.
            for (significant_figures, precision_bits) in [(2, 7), (3, 10)] {
                let mut ours = LogLinear::new(precision_bits).unwrap();
                values.iter().for_each(|value| ours.record(*value, 1));
                let counts: BTreeMap<u64, u64> =
                    ours.buckets.iter().map(|(index, n)| (ours.bounds_of(*index).unwrap().0, *n)).collect();
                prop_assert_eq!(counts, oracle(&values, significant_figures));
            }
        }

        #[test]
        fn a_bucket_holds_its_value_within_one_percent(value: u64) {
            let histogram = LogLinear::default();
            let (low, high) = histogram.bounds_of(histogram.bucket_of(value)).expect("every value has a bucket");
            prop_assert!(low <= value && value <= high);
            prop_assert!((high - low) <= low / 127);
        }

        #[test]
        fn neighbouring_buckets_touch(value in 0..u64::MAX) {
            let histogram = LogLinear::default();
            let (_, high) = histogram.bounds_of(histogram.bucket_of(value)).unwrap();
            if let Some(next) = high.checked_add(1) {
                prop_assert_eq!(histogram.bucket_of(next), histogram.bucket_of(value) + 1);
            }
        }

        #[test]
        fn percentiles_are_within_one_percent_of_exact_ones(values in values(), permille in 0_u64..=1000) {
            let exact = statistics::percentile(&statistics::sorted(&values), permille).unwrap();
            let ours = LogLinear::of(&values).percentile(permille).unwrap();
            prop_assert!(ours.abs_diff(exact) <= exact / 127, "{ours} for {exact}");
        }

        #[test]
        fn merging_is_counting_together(left in values(), right in values()) {
            let mut merged = LogLinear::of(&left);
            merged.merge(&LogLinear::of(&right)).unwrap();
            let together: Vec<u64> = left.into_iter().chain(right).collect();
            prop_assert_eq!(merged, LogLinear::of(&together));
        }

        #[test]
        fn a_histogram_survives_the_wire(values in values()) {
            let histogram = LogLinear::of(&values);
            prop_assert_eq!(LogLinear::from_wire(&histogram.to_wire()), Ok(histogram));
        }

        #[test]
        fn no_bucket_index_panics(index: u32, precision_bits in 1_u32..=16) {
            let histogram = LogLinear::new(precision_bits).unwrap();
            if let Some((low, high)) = histogram.bounds_of(index) {
                prop_assert_eq!(histogram.bucket_of(low), index);
                prop_assert_eq!(histogram.bucket_of(high), index);
            }
        }
    }

    #[test]
    fn precisions_that_differ_do_not_merge() {
        let mut coarse = LogLinear::new(3).unwrap();
        assert_eq!(coarse.merge(&LogLinear::default()), Err(HistogramError::PrecisionsDiffer(3, 7)));
        assert_eq!(LogLinear::new(0), Err(HistogramError::Precision(0)));
    }

    #[test]
    fn what_no_histogram_can_be_is_refused() {
        let wire = |buckets: &[(u32, u64)]| Histogram { precision_bits: 7, buckets: buckets.to_vec() };
        assert_eq!(LogLinear::from_wire(&wire(&[(3, 1), (3, 1)])), Err(HistogramError::Bucket(3)));
        assert_eq!(LogLinear::from_wire(&wire(&[(3, 0)])), Err(HistogramError::Bucket(3)));
        assert_eq!(LogLinear::from_wire(&wire(&[(7424, 1)])), Err(HistogramError::Bucket(7424)));
        assert!(LogLinear::from_wire(&wire(&[(7423, 1)])).is_ok());
    }

    #[test]
    fn an_empty_histogram_has_no_percentile() {
        assert_eq!(LogLinear::default().percentile(500), None);
    }
}
