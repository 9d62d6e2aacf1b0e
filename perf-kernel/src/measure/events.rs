//! Performance counters around the samples of a bench.
//!
//! Counters are read before the first sample and behind the last, so that nothing stands in the timed regions. What is
//! counted is therefore the samples and what the harness does between them; the same of an empty body is told beside it.
//! Figures that do not fit into the counters are counted while as many iterations run again.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::batch::{Batch, CounterKind};
use super::bencher::Expected;
use super::sampler::{SampleError, Sampler};
use crate::arch::counter;
use crate::platform::{EventCounters, Platform};
use crate::pmu::{Counts, Figure};
use crate::units::Ticks;
use crate::wire::{PmuCounts, PmuEmptySample, PmuPass};

/// Samples of an empty body: so many that programming the counters, which is counted once, does not show.
const EMPTY_SAMPLES: u32 = 256;
/// A pass may take so many times as long as the samples did, and is left out if the bench has less time left.
const PATIENCE: u64 = 2;

/// Begins to count the first pass, where the platform has counters.
#[inline(never)]
pub(super) fn start(platform: &dyn Platform) -> Option<&dyn EventCounters> {
    let counters = platform.event_counters().ok()?;
    counters.start(0);
    Some(counters)
}

/// Ends what [`start`] began.
#[inline(never)]
pub(super) fn stop(counters: Option<&dyn EventCounters>) -> Option<Counted<'_>> {
    counters.map(|counters| Counted { counters, first: counters.stop() })
}

/// What a record says of performance counters; nothing by default.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) counts: Option<Box<PmuCounts>>,
    pub(super) passes: Vec<PmuPass>,
    pub(super) empty_sample: Option<PmuEmptySample>,
}

/// What was counted while samples were taken.
pub(super) struct Counted<'a> {
    counters: &'a dyn EventCounters,
    first: Counts,
}

/// What it takes to run the iterations of all samples again.
pub(super) struct Repetition {
    /// Iterations in each sample.
    pub(super) iterations: u64,
    /// What each iteration should return.
    pub(super) expected: Expected,
    /// How long the samples took.
    pub(super) elapsed_ticks: u64,
}

impl Counted<'_> {
    /// The figures of the first pass, over `iterations`.
    #[cold]
    pub(super) fn alone(self, iterations: u64) -> Events {
        let mut events = Events::default();
        self.add(&mut events, 0, self.first, iterations);
        events
    }

    /// The figures of all passes. Those of later ones are counted now, as long as the bench has time.
    ///
    /// # Errors
    /// A wrong result in a later pass.
    #[cold]
    pub(super) fn complete(
        self,
        sampler: &Sampler,
        kind: CounterKind,
        timed: &mut dyn FnMut(u64) -> Batch,
        repetition: &Repetition,
    ) -> Result<Events, SampleError> {
        let Repetition { iterations, expected, elapsed_ticks } = *repetition;
        let samples = sampler.samples().len();
        let all = u64::try_from(samples).unwrap_or(u64::MAX).saturating_mul(iterations);
        let mut events = Events::default();
        self.add(&mut events, 0, self.first, all);
        for pass in 1..self.counters.passes() {
            let until = Ticks(counter::now().0.saturating_add(elapsed_ticks.saturating_mul(PATIENCE)));
            if until > sampler.deadline() {
                break;
            }
            self.counters.start(pass);
            let outcome = sampler.repeat(timed, expected, (samples, iterations), until);
            let counted = self.counters.stop();
            if outcome? {
                self.add(&mut events, pass, counted, all);
            }
        }
        events.empty_sample = self.empty_sample(sampler, kind);
        Ok(events)
    }

    /// Takes over the figures of `pass`.
    fn add(&self, events: &mut Events, pass: usize, counted: Counts, iterations: u64) {
        let figures: Vec<Figure> = self.counters.figures(pass);
        let counts = events.counts.get_or_insert_default();
        for figure in figures.iter().copied() {
            *field(counts, figure) = counted.get(figure);
        }
        let counted = figures.into_iter().filter(|figure| counted.get(*figure).is_some());
        let figures = counted.map(|figure| figure.name().to_string()).collect();
        events.passes.push(PmuPass { figures, iterations });
    }

    /// What the harness adds to each sample; `None` if nothing of it was counted.
    fn empty_sample(&self, sampler: &Sampler, kind: CounterKind) -> Option<PmuEmptySample> {
        let samples = usize::try_from(EMPTY_SAMPLES).ok()?;
        let mut timed = |_| kind.time_empty();
        self.counters.start(0);
        let outcome = sampler.repeat(&mut timed, Expected::Varies, (samples, 1), sampler.deadline());
        let counted = self.counters.stop();
        let each = |figure| Some(counted.get(figure)?.div_ceil(EMPTY_SAMPLES.into()));
        let empty = PmuEmptySample { cycles: each(Figure::Cycles), instructions: each(Figure::Instructions) };
        let is_known = empty.cycles.is_some() || empty.instructions.is_some();
        (matches!(outcome, Ok(true)) && is_known).then_some(empty)
    }
}

/// The field of `figure`.
const fn field(counts: &mut PmuCounts, figure: Figure) -> &mut Option<u64> {
    match figure {
        Figure::Cycles => &mut counts.cycles,
        Figure::Instructions => &mut counts.instructions,
        Figure::LlcReferences => &mut counts.llc_references,
        Figure::LlcMisses => &mut counts.llc_misses,
        Figure::BranchMisses => &mut counts.branch_misses,
        Figure::DtlbMisses => &mut counts.dtlb_misses,
    }
}
