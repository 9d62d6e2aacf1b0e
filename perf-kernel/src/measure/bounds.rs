//! How long and how often a bench may be measured, in ticks.

use crate::plan::Plan;
use crate::units::{Hertz, Nanoseconds};
use crate::wire::Mode;

/// A sample lasts at least so many times the empty region.
pub(crate) const OVERHEADS_PER_SAMPLE: u64 = 100;
/// A sample takes at least so long, where ticks are time: well above what a cache miss of the harness or the
/// counter's granularity can do.
const SAMPLE_NS_MIN: u64 = 5_000;
/// At least so many samples have to fit into the plan's time: no batch grows beyond that.
const SAMPLES_PER_BUDGET: u64 = 30;
/// Batches in the smallest group whose median warm-up looks at: nine outvote four that were disturbed. Exact ticks are
/// not disturbed.
const GROUP_BATCHES: usize = 9;
const GROUP_BATCHES_EXACT: usize = 3;
/// In the time of the longest warm-up there is room for so many groups of batches.
const GROUPS_PER_WARM_UP: u64 = 20;

/// How long and how often a bench may be measured, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Longest warm-up.
    pub warm_up: u64,
    /// Shortest group of batches whose median warm-up looks at.
    pub group: u64,
    /// Batches in the smallest group.
    pub group_batches: usize,
    /// Longest sampling; ten samples are taken even so.
    pub sampling: u64,
    /// Most samples.
    pub samples_max: usize,
    /// A batch shorter than this is doubled...
    pub sample_min: u64,
    /// ...unless it would grow beyond this.
    pub sample_max: u64,
    /// Longest bench in all, set-up included.
    pub bench: u64,
}

impl Bounds {
    /// The bounds of `plan` where ticks mean `mode` and come at `frequency`, and an empty region takes `overhead`.
    /// In exact mode they are in instructions, so that every decision that rests on them is the same in every boot.
    pub(crate) fn new(plan: &Plan, mode: Mode, frequency: Hertz, overhead: u64) -> Self {
        let ticks = |milliseconds| Nanoseconds::from_milliseconds(milliseconds).to_ticks(frequency).0;
        let sample_min = overhead.saturating_mul(OVERHEADS_PER_SAMPLE);
        let bench = ticks(plan.bench_ms_max);
        let (warm_up, group, sampling, samples_max, sample_min) = if mode == Mode::Icount {
            let sampling = plan.exact_sampling_instructions_max;
            (plan.exact_warm_up_instructions_max, 0, sampling, plan.exact_samples_max, sample_min)
        } else {
            let warm_up = ticks(plan.warm_up_ms_max);
            let sample_min = sample_min.max(Nanoseconds(SAMPLE_NS_MIN).to_ticks(frequency).0);
            let group = warm_up / GROUPS_PER_WARM_UP;
            (warm_up, group, ticks(plan.sampling_ms_max), plan.samples_max, sample_min)
        };
        Self {
            warm_up,
            group,
            group_batches: if mode == Mode::Icount { GROUP_BATCHES_EXACT } else { GROUP_BATCHES },
            sampling,
            samples_max: usize::try_from(samples_max).unwrap_or(usize::MAX),
            sample_min,
            sample_max: sampling / SAMPLES_PER_BUDGET,
            bench,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GHZ: Hertz = Hertz(1_000_000_000);

    #[test]
    fn time_becomes_ticks() {
        let bounds = Bounds::new(&Plan::quick(), Mode::Hardware, Hertz(2_000_000_000), 30);
        assert_eq!(bounds.warm_up, 120_000_000);
        assert_eq!(bounds.sample_min, 10_000);
        assert_eq!(bounds.bench, 20_000_000_000);
    }

    #[test]
    fn a_slow_counter_lengthens_the_samples() {
        assert_eq!(Bounds::new(&Plan::quick(), Mode::Tcg, GHZ, 400).sample_min, 40_000);
    }

    #[test]
    fn exact_mode_knows_no_time() {
        let bounds = Bounds::new(&Plan::quick(), Mode::Icount, GHZ, 5);
        assert_eq!((bounds.sample_min, bounds.group), (500, 0));
        assert_eq!((bounds.warm_up, bounds.samples_max), (4_000_000, 1_000));
    }
}
