//! What a bench function is handed: its scale, its inputs, and the means to measure.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use multios_core::memory::{Heap, HeapUsage};

use super::batch::{Batch, CounterKind};
use super::bounds::Bounds;
use super::cold::{Budget, ColdPass};
use super::events::{self, Events, Repetition};
use super::random::Stream;
use super::sampler::{SampleError, Sampler, Settled, Taken};
use super::{BenchError, validity};
use crate::arch::counter;
use crate::plan::Plan;
use crate::platform::{Chiller, InterferenceCounters, Platform, SystemCounters};
use crate::suites::{Selected, Unit};
use crate::units::{Bytes, Ticks};
use crate::wire::{
    BenchRecord, CheckOutcome, Clock, ErrorCount, Figure, Interference, MemoryUse, SystemUse, ValidityCheck,
    WarmUp,
};

/// What all benches of a boot have in common.
#[derive(Clone, Copy)]
pub struct Conditions<'a> {
    /// What the boot runs on; its clock is calibrated.
    pub platform: &'a dyn Platform,
    /// What was asked for.
    pub plan: &'a Plan,
    /// How ticks become time.
    pub clock: &'a Clock,
    /// How the counter is read.
    pub counter: CounterKind,
}

/// What the iterations of a bench return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Each returns this value; one that does not makes the bench `failed`.
    Each(u64),
    /// The values differ; their sum is the work checksum and the bench checks its results itself.
    Varies,
}

/// Measures one bench at one scale.
pub struct Bencher<'a> {
    pub(super) conditions: Conditions<'a>,
    pub(super) id: String,
    pub(super) unit: Unit,
    pub(super) sampler: Sampler,
    pub(super) bounds: Bounds,
    pub(super) begin: Ticks,
    pub(super) operations: u64,
    pub(super) bytes: Option<Bytes>,
    pub(super) measured: Option<Measured>,
    pub(super) pmu: Events,
    /// The cold samples; `None` if none are to be taken.
    pub(super) cold: Option<ColdPass<'a>>,
    /// What went wrong in a batch: attempts, and those of them that were right.
    pub(super) wrong: Option<(u64, u64)>,
    pub(super) errors: Vec<ErrorCount>,
    pub(super) checks: Vec<ValidityCheck>,
    pub(super) figures: Vec<Figure>,
    pub(super) gaps: Option<(u64, u64)>,
    pub(super) interference_before: InterferenceCounters,
    scale: u64,
    random: Stream,
    heap_before: HeapUsage,
}

/// What is known once samples have been taken.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Iterations in each sample.
    pub iterations: u64,
    /// Whether samples are timed batches.
    pub is_batched: bool,
    /// What each iteration should return, where that is known.
    pub expected: Expected,
    pub warm_up: Option<WarmUp>,
    pub taken: Taken,
    pub system: SystemUse,
    pub memory: MemoryUse,
}

impl<'a> Bencher<'a> {
    /// A bencher for `selected`. The bench's time and its account of memory begin here.
    #[must_use]
    pub fn new(conditions: Conditions<'a>, selected: &Selected) -> Self {
        let begin = counter::now();
        let platform = conditions.platform;
        let clock = conditions.clock;
        let bounds = Bounds::new(conditions.plan, clock.mode, clock.frequency, clock.overhead_ticks);
        let id = selected.id();
        let random = Stream::new(conditions.plan.seed, &id);
        // The buffers of the harness come before the account of the heap, which may be the same heap.
        let sampler = Sampler::new(bounds, begin);
        let cold = ColdPass::planned(&conditions, selected.bench.cold, &bounds);
        platform.heap().reset_peak();
        Self {
            conditions,
            id,
            unit: selected.bench.unit,
            sampler,
            bounds,
            begin,
            operations: 1,
            bytes: None,
            measured: None,
            pmu: Events::default(),
            cold,
            wrong: None,
            errors: Vec::new(),
            checks: Vec::new(),
            figures: Vec::new(),
            gaps: None,
            interference_before: platform.interference_counters(),
            scale: selected.scale.map_or(0, |scale| scale.value),
            random,
            heap_before: platform.heap().usage(),
        }
    }

    /// What the bench runs on.
    #[must_use]
    pub fn platform(&self) -> &'a dyn Platform {
        self.conditions.platform
    }

    /// What was asked for.
    #[must_use]
    pub const fn plan(&self) -> &'a Plan {
        self.conditions.plan
    }

    /// How the counter is read, for benches that time by hand.
    #[must_use]
    pub const fn counter(&self) -> CounterKind {
        self.conditions.counter
    }

    /// The heap under test.
    #[must_use]
    pub fn heap(&self) -> &'a Heap {
        self.platform().heap()
    }

    /// The scale's number; 0 for a bench without scales.
    #[must_use]
    pub const fn scale(&self) -> u64 {
        self.scale
    }

    /// A number from the bench's own stream, which the plan's seed and the bench's id fix.
    pub fn random(&mut self) -> u64 {
        self.random.number()
    }

    /// Fills `bytes` from the same stream.
    pub fn fill_random(&mut self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }

    /// Says how many bytes one iteration processes.
    pub const fn set_bytes(&mut self, bytes: Bytes) {
        self.bytes = Some(bytes);
    }

    /// Says how many operations one iteration is, as the accesses of one walk.
    pub const fn set_operations(&mut self, operations: u64) {
        self.operations = operations;
    }

    /// Says how many pauses above a microsecond were seen, and the longest in ticks.
    pub const fn set_gaps(&mut self, count: u64, ticks_max: u64) {
        self.gaps = Some((count, ticks_max));
    }

    /// Warms up, adapts the batch, and takes samples of `body`. Call it once, after set-up; it may be followed by
    /// checks, which can still fail the bench.
    ///
    /// # Errors
    /// A sum of results that is not what `expected` says, or no sample within the bench's time.
    pub fn measure(&mut self, expected: Expected, mut body: impl FnMut() -> u64) -> Result<(), BenchError> {
        let counter = self.conditions.counter;
        self.measure_batches(expected, &mut |iterations| counter.time(&mut body, iterations))
    }

    /// The same for benches that time by hand: `timed` runs as many iterations as it is told, and says how long they
    /// took and the sum of what they returned.
    ///
    /// # Errors
    /// Those of [`Self::measure`].
    pub fn measure_timed(
        &mut self,
        expected: Expected,
        mut timed: impl FnMut(u64) -> Batch,
    ) -> Result<(), BenchError> {
        self.measure_batches(expected, &mut timed)
    }

    /// Takes samples that are not timed batches: each call of `sample` gives one, in the bench's unit. There is no
    /// warm-up.
    ///
    /// # Errors
    /// The first error that `sample` returns, or no end within the bench's time.
    pub fn measure_values(
        &mut self,
        mut sample: impl FnMut() -> Result<u64, BenchError>,
    ) -> Result<(), BenchError> {
        self.refuse_second()?;
        let platform = self.conditions.platform;
        let bench_ms_max = self.conditions.plan.bench_ms_max;
        let before = Snapshot::of(platform);
        let mut sample = || sample().map_err(ValueError::Bench);
        let counting = events::start(platform);
        let taken = self.sampler.take_values(&mut sample, &counter::now, &|| platform.disturbances());
        let counted = events::stop(counting);
        let after = Snapshot::of(platform);
        let taken = taken.map_err(|error| error.into_bench_error(bench_ms_max))?;
        self.keep(1, Expected::Varies, None, taken, (before, after));
        // A value is not taken again: its function may have come to its end. What other passes count is absent.
        if let Some(counted) = counted {
            self.pmu = counted.alone(widen(self.sampler.samples().len()));
        }
        Ok(())
    }

    /// Whether cold samples are to be taken.
    #[must_use]
    pub const fn takes_cold(&self) -> bool {
        self.cold.is_some()
    }

    /// Takes cold samples of a bench whose entry says that it has the CPU chilled itself, if they are asked for: each call
    /// of `sample` has the CPU chilled exactly once, and gives the ticks of one iteration right after. Comes behind the hot
    /// samples.
    ///
    /// # Errors
    /// The first error that `sample` returns, or a CPU that was not chilled exactly once.
    pub fn measure_cold(
        &mut self,
        mut sample: impl FnMut(&dyn Chiller) -> Result<u64, BenchError>,
    ) -> Result<(), BenchError> {
        let budget = self.cold_budget();
        self.cold.as_mut().map_or(Ok(()), |cold| cold.take(&budget, &mut sample))
    }

    /// Adds a figure that only this bench has; the unit stands at the end of `name`.
    pub fn add_figure(&mut self, name: &'static str, value: u64) {
        self.figures.push(Figure { name: name.to_string(), value });
    }

    /// Adds a check of the bench's own. One that failed makes the bench `invalid`.
    pub fn add_check(&mut self, name: &'static str, outcome: CheckOutcome, detail: String) {
        self.checks.push(validity::check(name, outcome, detail));
    }

    /// Counts iterations that went wrong in the way `kind` names, and makes the bench `failed`.
    pub fn add_errors(&mut self, kind: &'static str, count: u64) {
        match self.errors.iter_mut().find(|error| error.kind == kind) {
            Some(error) => error.count = error.count.saturating_add(count),
            None if count > 0 => self.errors.push(ErrorCount { kind: kind.to_string(), count }),
            None => (),
        }
    }

    /// What the bench learned about pauses, as the interference ledger has it.
    pub(super) fn interference(&self) -> Interference {
        let after = self.conditions.platform.interference_counters();
        Interference {
            gap_count: self.gaps.map(|(count, _)| count),
            gap_ticks_max: self.gaps.map(|(_, ticks_max)| ticks_max),
            ..after.since(&self.interference_before)
        }
    }

    /// Ends the bench, whose function returned `result`.
    #[must_use]
    pub fn finish(self, result: Result<(), BenchError>) -> BenchRecord {
        super::outcome::record(self, result)
    }

    /// The part of [`Self::measure`] that does not depend on the body.
    fn measure_batches(
        &mut self,
        expected: Expected,
        timed: &mut dyn FnMut(u64) -> Batch,
    ) -> Result<(), BenchError> {
        self.refuse_second()?;
        let platform = self.conditions.platform;
        let settled = self.sampler.warm_up(timed, expected).map_err(|error| self.explain(error))?;
        let before = Snapshot::of(platform);
        let counting = events::start(platform);
        let taken = self.sampler.take(timed, expected, &settled, &|| platform.disturbances());
        let counted = events::stop(counting);
        let after = Snapshot::of(platform);
        let taken = taken.map_err(|error| self.explain(error))?;
        let Settled { iterations, warm_up, .. } = settled;
        self.keep(iterations, expected, Some(warm_up), taken, (before, after));
        if let Some(counted) = counted {
            let repetition = Repetition { iterations, expected, elapsed_ticks: taken.elapsed_ticks };
            let events = counted.complete(&self.sampler, self.conditions.counter, timed, &repetition);
            self.pmu = events.map_err(|error| self.explain(error))?;
        }
        let is_before = self.cold.as_ref().is_some_and(ColdPass::is_before);
        if is_before { self.take_cold_batches(expected, timed) } else { Ok(()) }
    }

    #[cold]
    fn take_cold_batches(
        &mut self,
        expected: Expected,
        timed: &mut dyn FnMut(u64) -> Batch,
    ) -> Result<(), BenchError> {
        let budget = self.cold_budget();
        let Some(mut cold) = self.cold.take() else { return Ok(()) };
        let hot = self.measured.as_ref().map_or(0, |measured| measured.iterations);
        let hot = self.sampler.samples().len().saturating_mul(usize::try_from(hot).unwrap_or(usize::MAX));
        let result = cold.take(&budget, &mut |chiller| {
            chiller.chill();
            let batch = timed(1);
            self.sampler.check(batch, expected, 1, hot).map_err(|error| self.explain(error))?;
            Ok(batch.ticks)
        });
        self.cold = Some(cold);
        result
    }

    fn cold_budget(&self) -> Budget<'static> {
        let (sampling, deadline) = (self.bounds.sampling, self.sampler.deadline());
        Budget { sampling, deadline, now: &(counter::now as fn() -> Ticks) }
    }

    fn keep(
        &mut self,
        iterations: u64,
        expected: Expected,
        warm_up: Option<WarmUp>,
        taken: Taken,
        (before, after): (Snapshot, Snapshot),
    ) {
        let heap = self.heap().usage();
        let above = |bytes: u64| Bytes(bytes.saturating_sub(self.heap_before.live_bytes));
        let memory = MemoryUse { live: above(heap.live_bytes), peak: above(heap.peak_bytes) };
        let apart = after.at.since(before.at);
        let frequency = self.conditions.clock.frequency;
        let system = after.counters.since(&before.counters, apart, frequency, taken.elapsed_ticks);
        let is_batched = warm_up.is_some();
        self.measured = Some(Measured { iterations, is_batched, expected, warm_up, taken, system, memory });
    }

    fn refuse_second(&self) -> Result<(), BenchError> {
        let error = || BenchError::Failed("the bench measures twice".to_string());
        self.measured.is_none().then_some(()).ok_or_else(error)
    }

    /// The words for `error`; iterations that went wrong are counted.
    fn explain(&mut self, error: SampleError) -> BenchError {
        if let SampleError::WrongResult { iterations, before, .. } = error {
            self.wrong = Some((before.saturating_add(iterations), before));
            // Which iteration of the batch it was is not known: none of them counts as right.
            self.add_errors("wrong result", iterations);
        }
        error.into_bench_error(self.conditions.plan.bench_ms_max)
    }
}

/// What the platform has counted, and when that was known.
struct Snapshot {
    counters: SystemCounters,
    at: Ticks,
}

impl Snapshot {
    fn of(platform: &dyn Platform) -> Self {
        let counters = platform.system_counters();
        Self { counters, at: counter::now() }
    }
}

fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Why a value is not there.
enum ValueError {
    Bench(BenchError),
    Sample(SampleError),
}

impl From<SampleError> for ValueError {
    fn from(error: SampleError) -> Self {
        Self::Sample(error)
    }
}

impl ValueError {
    fn into_bench_error(self, bench_ms_max: u64) -> BenchError {
        match self {
            Self::Bench(error) => error,
            Self::Sample(error) => error.into_bench_error(bench_ms_max),
        }
    }
}

impl SampleError {
    fn into_bench_error(self, bench_ms_max: u64) -> BenchError {
        BenchError::Failed(match self {
            Self::WrongResult { iterations, sum, expected, .. } => {
                alloc::format!(
                    "wrong result: {iterations} iterations sum up to {sum:#x}, which should be {expected:#x}"
                )
            }
            Self::TookTooLong => took_too_long(bench_ms_max),
        })
    }
}

/// The reason of a bench that overran its time.
pub(super) fn took_too_long(bench_ms_max: u64) -> String {
    alloc::format!("took longer than {bench_ms_max} ms")
}
