//! How long a program was stopped.

/// Counts by octaves, each in eight parts: a value read back is less than an eighth too large.
const PARTS_LOG2: u32 = 3;
const PARTS: usize = 1 << PARTS_LOG2;
const BUCKETS: usize = (64 - PARTS_LOG2 as usize + 1) * PARTS;

/// A histogram of pauses, in ticks of the clock that the collections were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pauses {
    counts: [u32; BUCKETS],
    count: u64,
    total_ticks: u64,
    max_ticks: u64,
}

impl Pauses {
    pub(super) const fn new() -> Self {
        Self { counts: [0; BUCKETS], count: 0, total_ticks: 0, max_ticks: 0 }
    }

    pub(super) fn record(&mut self, ticks: u64) {
        let count = &mut self.counts[bucket(ticks)];
        *count = count.saturating_add(1);
        self.count += 1;
        self.total_ticks = self.total_ticks.saturating_add(ticks);
        self.max_ticks = self.max_ticks.max(ticks);
    }

    /// How many there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How long all took together.
    #[must_use]
    pub const fn total_ticks(&self) -> u64 {
        self.total_ticks
    }

    /// The longest; 0 if there were none.
    #[must_use]
    pub const fn max_ticks(&self) -> u64 {
        self.max_ticks
    }

    /// A value that so many of a million pauses do not exceed, less than an eighth above the least such value; `None` if
    /// there were none.
    #[must_use]
    pub fn quantile_ticks(&self, of_a_million: u64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let wanted = self.count.saturating_mul(of_a_million.min(1_000_000)).div_ceil(1_000_000).max(1);
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        });
        Some(at.map_or(self.max_ticks, |at| end(at).min(self.max_ticks)))
    }
}

/// Which count `ticks` belongs to.
fn bucket(ticks: u64) -> usize {
    let octave = (ticks | (PARTS as u64 - 1)).ilog2();
    let shift = octave.saturating_sub(PARTS_LOG2);
    let part = usize::try_from(ticks >> shift).unwrap_or(PARTS);
    (shift as usize) * PARTS + part
}

/// The largest value of a count.
const fn end(bucket: usize) -> u64 {
    let shift = (bucket / PARTS).saturating_sub(1);
    let start = (bucket - shift * PARTS) as u64;
    (start << shift) | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quantile_is_less_than_an_eighth_too_large(
            mut pauses in prop::collection::vec(prop_oneof![0_u64..100, any::<u64>()], 1..200),
            of_a_million in 0_u64..=1_000_000,
        ) {
            let mut histogram = Pauses::new();
            pauses.iter().for_each(|ticks| histogram.record(*ticks));
            pauses.sort_unstable();
            let wanted = (pauses.len() as u64 * of_a_million).div_ceil(1_000_000).max(1);
            let exact = pauses[usize::try_from(wanted).expect("an index") - 1];
            let told = histogram.quantile_ticks(of_a_million).expect("there are some");
            prop_assert!(told >= exact && told - exact <= exact / 8, "{told} for {exact}");
            prop_assert_eq!(histogram.max_ticks(), *pauses.last().expect("there are some"));
            prop_assert_eq!(histogram.count(), pauses.len() as u64);
        }
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let ends: Vec<u64> = (0..BUCKETS).map(end).collect();
        assert!(ends.windows(2).all(|pair| bucket(pair[0]) + 1 == bucket(pair[0] + 1)), "{ends:?}");
        assert_eq!((ends.last(), Pauses::new().quantile_ticks(500_000)), (Some(&u64::MAX), None));
    }
}
