//! What is checked before figures are believed.

use alloc::string::{String, ToString};

use super::bencher::{Expected, Measured};
use super::bounds::OVERHEADS_PER_SAMPLE;
use super::calibrate::DISAGREEMENT_MAX;
use super::sampler::SAMPLES_MIN;
use crate::wire::{CheckOutcome, Clock, Mode, SampleSummary, ValidityCheck};

/// A check by name.
pub(super) fn check(name: &str, outcome: CheckOutcome, detail: String) -> ValidityCheck {
    ValidityCheck { name: name.to_string(), outcome, detail }
}

/// Whether the sum of all results is that of as many right ones. `None` where the bench checks its results itself.
pub(super) fn checksum(measured: &Measured, samples: u64) -> Option<ValidityCheck> {
    let Expected::Each(value) = measured.expected else { return None };
    let iterations = samples.wrapping_mul(measured.iterations);
    let expected = value.wrapping_mul(iterations);
    let sum = measured.taken.checksum;
    Some(if sum == expected {
        check("checksum", CheckOutcome::Passed, String::new())
    } else {
        check("checksum", CheckOutcome::Failed, alloc::format!("{sum:#x} should be {expected:#x}"))
    })
}

/// Whether the median had settled when sampling began. `None` where there is no warm-up.
pub(super) fn settled(measured: &Measured) -> Option<ValidityCheck> {
    let warm_up = measured.warm_up.as_ref()?;
    Some(if warm_up.is_settled {
        check("settled", CheckOutcome::Passed, String::new())
    } else {
        let detail = alloc::format!("the median had not settled after {} batches", warm_up.batches);
        check("settled", CheckOutcome::Warned, detail)
    })
}

/// Whether the counter advanced in every timed batch and there are enough samples.
pub(super) fn progress(summary: &SampleSummary, is_batched: bool) -> ValidityCheck {
    let samples_min = u64::try_from(SAMPLES_MIN).unwrap_or(u64::MAX);
    if is_batched && summary.min == 0 {
        check("progress", CheckOutcome::Failed, "the counter stood still over a sample".to_string())
    } else if summary.n < samples_min {
        let detail = alloc::format!("{} samples are fewer than {samples_min}", summary.n);
        check("progress", CheckOutcome::Failed, detail)
    } else {
        check("progress", CheckOutcome::Passed, String::new())
    }
}

/// Whether a sample is long against the empty region. `None` where samples are no timed batches.
pub(super) fn overhead(summary: &SampleSummary, is_batched: bool, overhead: u64) -> Option<ValidityCheck> {
    if !is_batched {
        return None;
    }
    let is_long = summary.p50 >= overhead.saturating_mul(OVERHEADS_PER_SAMPLE);
    Some(if is_long {
        check("overhead", CheckOutcome::Passed, String::new())
    } else {
        let detail = alloc::format!("an empty region is {overhead} of {} ticks", summary.p50);
        check("overhead", CheckOutcome::Warned, detail)
    })
}

/// Whether ticks are what they are taken for. Where they are instructions there is no doubt.
pub(super) fn clock(clock: &Clock) -> ValidityCheck {
    let warned = |detail| check("clock", CheckOutcome::Warned, detail);
    match clock.disagreement {
        _ if clock.mode == Mode::Icount => check("clock", CheckOutcome::Passed, String::new()),
        _ if !clock.is_valid => check("clock", CheckOutcome::Failed, clock.note.clone()),
        Some(apart) if apart > DISAGREEMENT_MAX => {
            warned(alloc::format!("the sources differ by {} ppm; time is synthetic here", apart.0))
        }
        None => warned("one source only".to_string()),
        Some(_) => check("clock", CheckOutcome::Passed, String::new()),
    }
}

/// Whether a larger scale costs as much as a smaller one, as it should: one that costs less than half was optimised
/// away, served from a cache, or is broken. Both are medians of an iteration in thousandths of a tick.
pub(crate) fn scale(smaller: (&str, u64), larger: u64) -> ValidityCheck {
    let (name, median) = smaller;
    if larger >= median / 2 {
        return check("scale", CheckOutcome::Passed, String::new());
    }
    let detail =
        alloc::format!("{larger} thousandths of a tick are implausibly cheap: {median} at scale {name}");
    check("scale", CheckOutcome::Warned, detail)
}

#[cfg(test)]
mod tests {
    use super::super::sampler::Taken;
    use super::*;
    use crate::units::{Bytes, Hertz, PartsPerMillion};
    use crate::wire::{MemoryUse, SystemUse, WarmUp};
    use alloc::vec::Vec;

    fn measured(checksum: u64, is_settled: bool) -> Measured {
        Measured {
            iterations: 4,
            is_batched: true,
            expected: Expected::Each(3),
            warm_up: Some(WarmUp { batches: 5, is_settled }),
            taken: Taken { elapsed_ticks: 1, checksum },
            system: SystemUse::default(),
            memory: MemoryUse { live: Bytes(0), peak: Bytes(0) },
        }
    }

    fn summary(n: u64, min: u64, p50: u64) -> SampleSummary {
        let samples: [u64; 1] = [p50];
        let summary = super::super::statistics::summarise(&samples).expect("there is a sample");
        SampleSummary { n, min, ..summary }
    }

    #[test]
    fn a_checksum_is_that_of_right_results() {
        let outcome = |sum| checksum(&measured(sum, true), 10).map(|check| check.outcome);
        assert_eq!(outcome(120), Some(CheckOutcome::Passed));
        assert_eq!(outcome(121), Some(CheckOutcome::Failed));
        let varies = Measured { expected: Expected::Varies, ..measured(5, true) };
        assert_eq!(checksum(&varies, 10), None);
    }

    #[test]
    fn a_median_that_moves_is_a_warning() {
        let outcome = |is_settled| settled(&measured(0, is_settled)).map(|check| check.outcome);
        assert_eq!(outcome(false), Some(CheckOutcome::Warned));
        assert_eq!(outcome(true), Some(CheckOutcome::Passed));
    }

    #[test]
    fn a_counter_that_stands_still_or_too_few_samples_fail() {
        assert_eq!(progress(&summary(10, 1, 5), true).outcome, CheckOutcome::Passed);
        assert_eq!(progress(&summary(10, 0, 5), true).outcome, CheckOutcome::Failed);
        assert_eq!(progress(&summary(10, 0, 5), false).outcome, CheckOutcome::Passed);
        assert_eq!(progress(&summary(9, 1, 5), true).outcome, CheckOutcome::Failed);
    }

    #[test]
    fn a_sample_short_against_the_empty_region_is_a_warning() {
        let outcome = |p50| overhead(&summary(10, 1, p50), true, 30).map(|check| check.outcome);
        assert_eq!(outcome(3_000), Some(CheckOutcome::Passed));
        assert_eq!(outcome(2_999), Some(CheckOutcome::Warned));
        assert_eq!(overhead(&summary(10, 1, 1), false, 30), None);
    }

    #[test]
    fn sources_that_differ_rule_figures_out_where_ticks_are_time() {
        let outcome = |mode, apart: Option<u64>, is_valid| {
            let found = Clock {
                mode,
                frequency: Hertz(1),
                is_invariant: true,
                sources: Vec::new(),
                disagreement: apart.map(PartsPerMillion),
                is_valid,
                note: String::new(),
                overhead_ticks: 1,
            };
            clock(&found).outcome
        };
        assert_eq!(outcome(Mode::Hardware, Some(1_000), true), CheckOutcome::Passed);
        assert_eq!(outcome(Mode::Hardware, Some(1_001), false), CheckOutcome::Failed);
        assert_eq!(outcome(Mode::Hardware, None, true), CheckOutcome::Warned);
        assert_eq!(outcome(Mode::Tcg, Some(1_001), true), CheckOutcome::Warned);
        assert_eq!(outcome(Mode::Icount, Some(9_999), true), CheckOutcome::Passed);
    }

    #[test]
    fn a_larger_scale_that_costs_less_than_half_is_a_warning() {
        assert_eq!(scale(("64", 1_000), 500).outcome, CheckOutcome::Passed);
        let warned = scale(("64", 1_000), 499);
        assert_eq!(warned.outcome, CheckOutcome::Warned);
        assert!(warned.detail.contains("at scale 64"), "{}", warned.detail);
    }
}
