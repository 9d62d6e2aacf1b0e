//! The timed region: the only generic code of the harness.

use core::hint::black_box;

use crate::arch::counter::{self, ByRdtsc, ByRdtscp, Stop};
use crate::arch::cpuid;
use crate::units::Ticks;

/// One timed batch of iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Ticks from the read before the first iteration to the read after the last.
    pub ticks: u64,
    /// Wrapping sum of what the iterations returned.
    pub sum: u64,
    /// The counter at the second read.
    pub end: Ticks,
}

/// How the counter is read after the work. Found out once a boot, as CPUID exits to a hypervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterKind {
    /// By RDTSCP.
    Rdtscp,
    /// By `LFENCE; RDTSC`, where RDTSCP is missing.
    FencedRdtsc,
}

impl CounterKind {
    /// The best way that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        if cpuid::has_rdtscp() { Self::Rdtscp } else { Self::FencedRdtsc }
    }

    /// Times `iterations` calls of `body`, at least one.
    pub fn time<O: Outcome>(self, body: &mut impl FnMut() -> O, iterations: u64) -> Batch {
        let region = match (self, iterations) {
            (Self::Rdtscp, 0 | 1) => once::<ByRdtscp, _, _>(body),
            (Self::Rdtscp, _) => many::<ByRdtscp, _, _>(body, iterations),
            (Self::FencedRdtsc, 0 | 1) => once::<ByRdtsc, _, _>(body),
            (Self::FencedRdtsc, _) => many::<ByRdtsc, _, _>(body, iterations),
        };
        Batch { ticks: region.end.since(region.start).0, sum: region.sum, end: region.end }
    }

    /// Times nothing, through the very region that benches run in.
    pub fn time_empty(self) -> Batch {
        self.time(&mut || (), 1)
    }

    /// Ticks of an empty fenced pair written by hand, the yardstick of [`CounterKind::time_empty`].
    #[must_use]
    pub fn raw_pair(self) -> u64 {
        match self {
            Self::Rdtscp => ByRdtscp::raw_pair(),
            Self::FencedRdtsc => ByRdtsc::raw_pair(),
        }
    }
}

/// What a body may return.
pub trait Outcome {
    /// Makes sure that the value is computed inside the timed region, and gives it as a number.
    fn take(self) -> u64;
}

impl Outcome for u64 {
    #[inline(always)]
    fn take(self) -> u64 {
        counter::consume(self);
        self
    }
}

impl Outcome for () {
    #[inline(always)]
    fn take(self) -> u64 {
        0
    }
}

/// What a timed region leaves behind. Ticks are subtracted outside, so that nothing of it is scheduled inside.
struct Region {
    start: Ticks,
    end: Ticks,
    sum: u64,
}

/// One iteration without a loop around it: an empty region costs what the fenced pair costs.
///
/// This is a function of its own, never inlined, so that the compiler cannot share its first read of the counter with
/// [`many`] and put the choice between the two behind it.
#[inline(never)]
fn once<S: Stop, O: Outcome, B: FnMut() -> O>(body: &mut B) -> Region {
    // What the body captures is now known to others: its loads cannot move above the first read of the counter, and
    // its stores cannot move below the second.
    let body = black_box(body);
    let start = counter::start();
    let sum = body().take();
    let end = S::stop();
    Region { start, end, sum }
}

/// A loop of `iterations`, which are one at least; each costs one addition, one count and one branch on top of the
/// body.
#[inline(never)]
fn many<S: Stop, O: Outcome, B: FnMut() -> O>(body: &mut B, iterations: u64) -> Region {
    // As in `once`.
    let body = black_box(body);
    let (mut sum, mut left) = (0_u64, iterations);
    let start = counter::start();
    // The count is looked at behind the body: a look before it would stand in the region once more.
    loop {
        // Taking the value keeps the compiler from merging an iteration with its neighbour.
        sum = sum.wrapping_add(body().take());
        left = left.wrapping_sub(1);
        if left == 0 {
            break;
        }
    }
    let end = S::stop();
    Region { start, end, sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_runs_its_iterations_and_sums_their_results() {
        for kind in [CounterKind::detect(), CounterKind::FencedRdtsc] {
            for iterations in [1, 2, 1000] {
                let mut calls = 0;
                let batch = kind.time(
                    &mut || {
                        calls += 1;
                        calls
                    },
                    iterations,
                );
                assert_eq!(calls, iterations);
                assert_eq!(batch.sum, iterations * (iterations + 1) / 2);
            }
        }
    }

    #[test]
    fn sums_wrap_around() {
        let batch = CounterKind::detect().time(&mut || u64::MAX, 3);
        assert_eq!(batch.sum, u64::MAX.wrapping_mul(3));
    }
}
