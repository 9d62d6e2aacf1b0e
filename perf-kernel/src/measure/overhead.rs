//! What the harness itself costs.

use alloc::vec::Vec;

use super::batch::CounterKind;
use super::bencher::Expected;
use super::bounds::Bounds;
use super::sampler::{Sampler, Settled};
use super::statistics;
use crate::arch::counter;
use crate::platform::Disturbances;
use crate::wire::WarmUp;

/// Empty regions that are thrown away before any is kept.
const WARM_UP: usize = 1_000;
/// Empty regions that the median is of.
const SAMPLES: usize = 1_001;
/// Samples over which the loops are timed.
const LOOP_SAMPLES: usize = 10_000;

/// Median ticks of an empty timed region, measured through the path that benches take.
pub(super) fn measure(counter: CounterKind) -> u64 {
    (0..WARM_UP).for_each(|_| {
        counter.time_empty();
    });
    let mut samples: Vec<u64> = (0..SAMPLES).map(|_| counter.time_empty().ticks).collect();
    statistics::median(&mut samples).unwrap_or(0)
}

/// What one sample costs from the outside, in thousandths of a tick: everything between two samples included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoopCosts {
    /// A loop that keeps fenced pairs written by hand.
    pub raw: u64,
    /// The sampling loop with an empty body: checks, deadline, sums and all.
    pub harness: u64,
}

/// Times both loops; the better of three runs each.
pub(crate) fn loop_costs(counter: CounterKind) -> LoopCosts {
    let best = |run: &dyn Fn() -> u64| (0..3).map(|_| run()).min().unwrap_or(0);
    LoopCosts { raw: best(&|| raw_loop(counter)), harness: best(&|| harness_loop(counter)) }
}

fn raw_loop(counter: CounterKind) -> u64 {
    let mut kept = Vec::with_capacity(LOOP_SAMPLES);
    let begin = counter::start();
    for _ in 0..LOOP_SAMPLES {
        kept.push(counter.raw_pair());
    }
    let elapsed = counter::stop().since(begin).0;
    core::hint::black_box(&kept);
    per_sample(elapsed)
}

fn harness_loop(counter: CounterKind) -> u64 {
    let bounds = Bounds {
        warm_up: 0,
        group: 0,
        group_batches: 1,
        sampling: u64::MAX,
        samples_max: LOOP_SAMPLES,
        sample_min: 0,
        sample_max: 0,
        bench: u64::MAX,
    };
    let mut sampler = Sampler::new(bounds, counter::now());
    let warm_up = WarmUp { batches: 0, is_settled: true };
    let settled = Settled { iterations: 1, samples: LOOP_SAMPLES, warm_up };
    let mut body = || 0;
    let mut timed = |iterations| counter.time(&mut body, iterations);
    let begin = counter::start();
    let taken = sampler.take(&mut timed, Expected::Each(0), &settled, &Disturbances::default);
    let elapsed = counter::stop().since(begin).0;
    // Zero is the sum of nothing, and the deadline is at the end of time.
    debug_assert!(taken.is_ok(), "an empty body returns what it should");
    per_sample(elapsed)
}

fn per_sample(ticks: u64) -> u64 {
    let samples = u64::try_from(LOOP_SAMPLES).unwrap_or(u64::MAX);
    ticks.saturating_mul(1_000) / samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_region_takes_some_ticks_and_not_many() {
        let ticks = measure(CounterKind::detect());
        assert!(ticks > 0 && ticks < 100_000, "{ticks}");
    }

    #[test]
    fn both_loops_take_time() {
        let costs = loop_costs(CounterKind::FencedRdtsc);
        assert!(costs.raw > 0 && costs.harness > 0, "{costs:?}");
    }
}
