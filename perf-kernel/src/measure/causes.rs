//! The slowest samples, and what is known to have stretched them.

use alloc::vec::Vec;

use crate::platform::Disturbances;
use crate::wire::{Interruption, SlowSample};

/// Samples that a record names.
const SLOWEST: usize = 8;
/// A sample within one part in so many of the median has not been stretched, whatever happened meanwhile.
const NOTABLE: u64 = 10;

/// The slowest of `samples`, slowest first, with their causes.
///
/// The counts in `marks` were read at the borders of parts of `part` samples. A count that went up by `k` within a part
/// can explain `k` samples of it: the `k` slowest, as long as they stand out from `median`. Counts are used up in the
/// order of [`Interruption`], which is that of how long they usually take.
pub(crate) fn slowest(samples: &[u64], median: u64, part: usize, marks: &[Disturbances]) -> Vec<SlowSample> {
    let mut slowest: Vec<(usize, u64)> = Vec::with_capacity(SLOWEST + 1);
    for (index, &value) in samples.iter().enumerate() {
        let place = slowest.partition_point(|(_, other)| *other >= value);
        if place < SLOWEST {
            slowest.insert(place, (index, value));
            slowest.truncate(SLOWEST);
        }
    }
    let named = slowest.into_iter().map(|(index, value)| {
        let is_notable = value > median.saturating_add(median / NOTABLE);
        let cause = is_notable.then(|| cause(samples, index, part, marks)).flatten();
        SlowSample { index: widen(index), value, cause }
    });
    named.collect()
}

/// What stretched the sample at `index`, by its rank among the samples of its part.
fn cause(samples: &[u64], index: usize, part: usize, marks: &[Disturbances]) -> Option<Interruption> {
    let number = index.checked_div(part)?;
    let (before, after) = (marks.get(number)?, marks.get(number + 1)?);
    let value = samples.get(index)?;
    let begin = number * part;
    let neighbours = samples.get(begin..(begin + part).min(samples.len()))?;
    let is_ahead = |(at, other): &(usize, &u64)| *other > value || (*other == value && begin + at < index);
    let rank = widen(neighbours.iter().enumerate().filter(is_ahead).count());
    let mut explained = 0_u64;
    let counts = [
        (Interruption::Smi, grown(before.smi, after.smi)),
        (Interruption::Nmi, grown(before.nmi, after.nmi)),
        (Interruption::ContextSwitch, grown(before.context_switches, after.context_switches)),
        (Interruption::Steal, grown(before.steals, after.steals)),
        (Interruption::Interrupt, grown(before.interrupts, after.interrupts)),
    ];
    let explains = |(_, count): &(Interruption, u64)| {
        explained = explained.saturating_add(*count);
        rank < explained
    };
    counts.into_iter().find(explains).map(|(interruption, _)| interruption)
}

fn grown(before: Option<u64>, after: Option<u64>) -> u64 {
    before.zip(after).map_or(0, |(before, after)| after.saturating_sub(before))
}

fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(switches: &[u64], interrupts: &[u64]) -> Vec<Disturbances> {
        let mark = |(switches, interrupts): (&u64, &u64)| Disturbances {
            context_switches: Some(*switches),
            interrupts: Some(*interrupts),
            ..Disturbances::default()
        };
        switches.iter().zip(interrupts).map(mark).collect()
    }

    #[test]
    fn the_slowest_come_first_and_equals_in_order() {
        let samples: Vec<u64> = (0..20).map(|index| if index % 5 == 0 { 50 } else { index }).collect();
        let slow = slowest(&samples, 10, 1, &[]);
        let indices: Vec<u64> = slow.iter().map(|sample| sample.index).collect();
        assert_eq!(indices, [0, 5, 10, 15, 19, 18, 17, 16]);
    }

    #[test]
    fn a_count_explains_as_many_samples_as_it_grew() {
        let samples = [100, 300, 500, 100, 400, 100, 100, 100];
        let slow = slowest(&samples, 100, 4, &marks(&[0, 1, 1], &[0, 1, 1]));
        let causes: Vec<_> = slow.iter().take(3).map(|sample| (sample.value, sample.cause)).collect();
        assert_eq!(
            causes,
            [(500, Some(Interruption::ContextSwitch)), (400, None), (300, Some(Interruption::Interrupt))]
        );
    }

    #[test]
    fn a_sample_near_the_median_has_no_cause() {
        let slow = slowest(&[100, 105], 100, 2, &marks(&[0, 9], &[0, 9]));
        assert!(slow.iter().all(|sample| sample.cause.is_none()));
    }

    #[test]
    fn counts_that_are_absent_explain_nothing() {
        let slow = slowest(&[100, 900], 100, 2, &[Disturbances::default(); 2]);
        assert_eq!(slow[0].cause, None);
    }

    #[test]
    fn a_sample_without_marks_has_no_cause() {
        assert_eq!(slowest(&[1, 900], 1, 0, &[])[0].cause, None);
    }
}
