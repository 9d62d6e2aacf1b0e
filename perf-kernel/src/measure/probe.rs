//! A quick look at a fixed piece of work, to tell whether the machine is still the same.

use super::bencher::{Conditions, Expected};
use super::bounds::Bounds;
use super::sampler::Sampler;
use super::statistics;
use crate::arch::counter;

/// A probe gets this part of what a bench gets.
const SHARE: u64 = 8;

/// The median of an iteration of `body` in thousandths of a tick; `None` if a result is wrong or time runs out.
pub(crate) fn probe(
    conditions: &Conditions<'_>,
    expected: Expected,
    mut body: impl FnMut() -> u64,
) -> Option<u64> {
    let clock = conditions.clock;
    let bench = Bounds::new(conditions.plan, clock.mode, clock.frequency, clock.overhead_ticks);
    let bounds = Bounds {
        warm_up: bench.warm_up / SHARE,
        group: bench.group / SHARE,
        sampling: bench.sampling / SHARE,
        sample_max: bench.sample_max / SHARE,
        samples_max: bench.samples_max.min(1_000),
        ..bench
    };
    let mut sampler = Sampler::new(bounds, counter::now());
    let mut timed = |iterations| conditions.counter.time(&mut body, iterations);
    let settled = sampler.warm_up(&mut timed, expected).ok()?;
    sampler.take(&mut timed, expected, &settled, &|| conditions.platform.disturbances()).ok()?;
    let median = statistics::percentile(&statistics::sorted(sampler.samples()), 500)?;
    u64::try_from(u128::from(median) * 1_000 / u128::from(settled.iterations)).ok()
}
