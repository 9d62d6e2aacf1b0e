//! Warm-up, the size of a batch, and the samples themselves.

use alloc::vec::Vec;

use super::batch::Batch;
use super::bencher::Expected;
use super::bounds::Bounds;
use super::statistics;
use crate::platform::Disturbances;
use crate::units::Ticks;
use crate::wire::WarmUp;

/// Fewest samples of a bench, however long they take.
pub(crate) const SAMPLES_MIN: usize = 10;
/// So many medians of groups in a row have to agree...
const GROUPS_THAT_AGREE: usize = 3;
/// ...within one part in so many, two per cent...
const AGREEMENT: u64 = 50;
/// ...or within so many ticks, as counters have a granularity.
const AGREEMENT_TICKS: u64 = 2;
/// Parts of a sampling between which the platform's counts are read, to tell what stretched a sample.
const PARTS: usize = 128;

/// Takes samples of one bench. All memory is there before the first one.
#[derive(Debug)]
pub(crate) struct Sampler {
    bounds: Bounds,
    /// When the bench has taken too long.
    deadline: Ticks,
    samples: Vec<u64>,
    marks: Vec<Disturbances>,
    part: usize,
    /// Samples until the counts are read again.
    left_in_part: usize,
}

/// What warm-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Iterations in every sample.
    pub iterations: u64,
    /// How many samples fit into the plan.
    pub samples: usize,
    /// What it took.
    pub warm_up: WarmUp,
}

/// What sampling gave, besides the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// From the first sample's start to the last one's end.
    pub elapsed_ticks: u64,
    /// Wrapping sum of all results.
    pub checksum: u64,
}

/// Why there are no samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleError {
    /// A batch's results did not sum up to what they should.
    WrongResult {
        /// Iterations of the batch.
        iterations: u64,
        /// Iterations in the samples before it.
        before: u64,
        /// Their sum.
        sum: u64,
        /// What it should be.
        expected: u64,
    },
    /// The bench's time is over.
    TookTooLong,
}

impl Sampler {
    /// A sampler within `bounds` for a bench that began at `begin`.
    pub(crate) fn new(bounds: Bounds, begin: Ticks) -> Self {
        Self {
            bounds,
            deadline: Ticks(begin.0.saturating_add(bounds.bench)),
            samples: Vec::with_capacity(bounds.samples_max.max(SAMPLES_MIN)),
            marks: Vec::with_capacity(PARTS + 1),
            part: 1,
            left_in_part: 1,
        }
    }

    /// The samples in the order taken.
    pub(crate) fn samples(&self) -> &[u64] {
        &self.samples
    }

    /// Samples in each part, and the platform's counts at the borders of the parts.
    pub(crate) fn parts(&self) -> (usize, &[Disturbances]) {
        (self.part, &self.marks)
    }

    /// Runs batches until one is long enough and their median has settled, or the time for it is over.
    ///
    /// A batch has one iteration at first and is doubled while the median of nine is below the shortest sample. Then
    /// come groups of at least nine batches (three where ticks are exact) and a twentieth of the longest warm-up; it has settled when the medians
    /// of three groups in a row lie within two per cent.
    pub(crate) fn warm_up(
        &mut self,
        timed: &mut dyn FnMut(u64) -> Batch,
        expected: Expected,
    ) -> Result<Settled, SampleError> {
        let mut iterations = 1;
        let mut batches = 0;
        let mut medians = Medians::default();
        let mut begin = None;
        loop {
            let group = self.group(timed, expected, iterations, &mut begin)?;
            batches += group.batches;
            if group.median < self.bounds.sample_min
                && group.median.saturating_mul(2) <= self.bounds.sample_max
            {
                iterations *= 2;
                continue;
            }
            let is_settled = medians.agree_with(group.median);
            if is_settled || group.is_last {
                let warm_up = WarmUp { batches, is_settled };
                return Ok(Settled { iterations, samples: self.samples_of(group.median), warm_up });
            }
        }
    }

    /// Takes up to `settled.samples` samples. `disturbances` reads the platform's counts, between samples.
    pub(crate) fn take(
        &mut self,
        timed: &mut dyn FnMut(u64) -> Batch,
        expected: Expected,
        settled: &Settled,
        disturbances: &dyn Fn() -> Disturbances,
    ) -> Result<Taken, SampleError> {
        let iterations = settled.iterations;
        let (mut begin, mut end) = (None, Ticks(0));
        let mut checksum = 0_u64;
        self.begin_parts(settled.samples, disturbances);
        while self.samples.len() < settled.samples {
            let batch = timed(iterations);
            self.check(batch, expected, iterations, self.samples.len())?;
            self.samples.push(batch.ticks);
            checksum = checksum.wrapping_add(batch.sum);
            end = batch.end;
            let begin = *begin.get_or_insert(batch.end.0.saturating_sub(batch.ticks));
            if end.since(Ticks(begin)).0 >= self.bounds.sampling && self.samples.len() >= SAMPLES_MIN {
                break;
            }
            self.count_in_part(disturbances);
        }
        self.end_parts(disturbances);
        Ok(Taken { elapsed_ticks: end.since(Ticks(begin.unwrap_or(end.0))).0, checksum })
    }

    /// Runs `samples` batches again, once samples have been taken, and keeps nothing of them. Whether all of them ran before
    /// `until`.
    pub(crate) fn repeat(
        &self,
        timed: &mut dyn FnMut(u64) -> Batch,
        expected: Expected,
        (samples, iterations): (usize, u64),
        until: Ticks,
    ) -> Result<bool, SampleError> {
        for sample in 0..samples {
            let batch = timed(iterations);
            self.check(batch, expected, iterations, self.samples.len() + sample)?;
            if batch.end > until {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// When the bench has taken too long.
    pub(crate) const fn deadline(&self) -> Ticks {
        self.deadline
    }

    /// Takes samples that are not timed batches, until the plan's samples or time are used up. `now` reads the
    /// counter. The error of `sample` ends it.
    pub(crate) fn take_values<E: From<SampleError>>(
        &mut self,
        sample: &mut dyn FnMut() -> Result<u64, E>,
        now: &dyn Fn() -> Ticks,
        disturbances: &dyn Fn() -> Disturbances,
    ) -> Result<Taken, E> {
        let begin = now();
        self.begin_parts(self.bounds.samples_max, disturbances);
        let mut checksum = 0_u64;
        let mut end = begin;
        while self.samples.len() < self.bounds.samples_max.max(SAMPLES_MIN) {
            let value = sample()?;
            self.samples.push(value);
            checksum = checksum.wrapping_add(value);
            end = now();
            if end > self.deadline {
                return Err(SampleError::TookTooLong.into());
            }
            if end.since(begin).0 >= self.bounds.sampling && self.samples.len() >= SAMPLES_MIN {
                break;
            }
            self.count_in_part(disturbances);
        }
        self.end_parts(disturbances);
        Ok(Taken { elapsed_ticks: end.since(begin).0, checksum })
    }

    /// Batches until enough have run and the group has lasted, or warm-up is over. `begin` is when warm-up began.
    fn group(
        &mut self,
        timed: &mut dyn FnMut(u64) -> Batch,
        expected: Expected,
        iterations: u64,
        begin: &mut Option<Ticks>,
    ) -> Result<Group, SampleError> {
        self.samples.clear();
        let mut group_begin = None;
        loop {
            let batch = timed(iterations);
            self.check(batch, expected, iterations, 0)?;
            self.samples.push(batch.ticks);
            let batch_begin = Ticks(batch.end.0.saturating_sub(batch.ticks));
            let lasted = batch.end.since(*group_begin.get_or_insert(batch_begin)).0;
            let is_last = batch.end.since(*begin.get_or_insert(batch_begin)).0 >= self.bounds.warm_up;
            let batches = self.samples.len();
            // Too short a batch is doubled at once: its group need not last.
            let is_complete = batches >= self.bounds.group_batches
                && (lasted >= self.bounds.group
                    || lasted / widen(batches) < self.bounds.sample_min
                    || batches == self.samples.capacity());
            if is_complete || (is_last && batch.ticks >= self.bounds.sample_min) {
                let median = statistics::median(&mut self.samples).unwrap_or(batch.ticks);
                let batches = widen(batches);
                return Ok(Group { median, batches, is_last });
            }
        }
    }

    /// How many samples of `ticks` each fit into the plan.
    fn samples_of(&self, ticks: u64) -> usize {
        let fitting = self.bounds.sampling / ticks.max(1);
        usize::try_from(fitting).unwrap_or(usize::MAX).min(self.bounds.samples_max).max(SAMPLES_MIN)
    }

    fn begin_parts(&mut self, samples: usize, disturbances: &dyn Fn() -> Disturbances) {
        self.samples.clear();
        self.part = samples.div_ceil(PARTS).max(1);
        self.left_in_part = self.part;
        self.marks.clear();
        self.marks.push(disturbances());
    }

    /// Counts a sample, and reads the platform's counts where it ends a part.
    #[inline(always)]
    fn count_in_part(&mut self, disturbances: &dyn Fn() -> Disturbances) {
        self.left_in_part -= 1;
        if self.left_in_part == 0 {
            self.marks.push(disturbances());
            self.left_in_part = self.part;
        }
    }

    /// Closes a part that the last sample did not end.
    fn end_parts(&mut self, disturbances: &dyn Fn() -> Disturbances) {
        if self.left_in_part != self.part {
            self.marks.push(disturbances());
        }
    }

    /// Refuses a batch with a wrong sum or beyond the deadline; `samples` have been taken before it.
    pub(super) fn check(
        &self,
        batch: Batch,
        expected: Expected,
        iterations: u64,
        samples: usize,
    ) -> Result<(), SampleError> {
        if let Expected::Each(value) = expected {
            let expected = value.wrapping_mul(iterations);
            if batch.sum != expected {
                let before = widen(samples).saturating_mul(iterations);
                return Err(SampleError::WrongResult { iterations, before, sum: batch.sum, expected });
            }
        }
        if batch.end > self.deadline { Err(SampleError::TookTooLong) } else { Ok(()) }
    }
}

/// A group of batches.
struct Group {
    median: u64,
    batches: u64,
    is_last: bool,
}

/// The latest medians of groups.
#[derive(Default)]
struct Medians {
    latest: [u64; GROUPS_THAT_AGREE],
    seen: usize,
}

impl Medians {
    /// Whether `median` and the ones before it agree.
    fn agree_with(&mut self, median: u64) -> bool {
        self.latest.rotate_left(1);
        self.latest[GROUPS_THAT_AGREE - 1] = median;
        self.seen += 1;
        let (low, high) =
            self.latest.iter().fold((u64::MAX, 0), |(low, high), x| (low.min(*x), high.max(*x)));
        self.seen >= GROUPS_THAT_AGREE && high - low <= (low / AGREEMENT).max(AGREEMENT_TICKS)
    }
}

fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    const BOUNDS: Bounds = Bounds {
        warm_up: 1_000_000,
        group: 10_000,
        group_batches: 9,
        sampling: 2_000_000,
        samples_max: 1_000,
        sample_min: 3_000,
        sample_max: 60_000,
        bench: 1_000_000_000,
    };

    /// A body whose `call`th iteration takes `cost(call)` ticks and returns 7, on a clock of its own.
    fn body(cost: impl Fn(u64) -> u64) -> impl FnMut(u64) -> Batch {
        let (mut now, mut call) = (0, 0);
        move |iterations| {
            let ticks = (call..call + iterations).map(&cost).sum();
            call += iterations;
            now += ticks;
            Batch { ticks, sum: iterations * 7, end: Ticks(now) }
        }
    }

    fn measure(
        bounds: Bounds,
        timed: &mut dyn FnMut(u64) -> Batch,
    ) -> Result<(Settled, Taken, Vec<u64>), SampleError> {
        let mut sampler = Sampler::new(bounds, Ticks(0));
        let capacity = sampler.samples.capacity();
        let settled = sampler.warm_up(timed, Expected::Each(7))?;
        let taken = sampler.take(timed, Expected::Each(7), &settled, &Disturbances::default)?;
        assert_eq!(sampler.samples.capacity(), capacity, "sampling does not allocate");
        assert!(sampler.marks.len() <= PARTS + 1);
        Ok((settled, taken, sampler.samples))
    }

    #[test]
    fn batches_grow_until_they_are_long_enough() {
        let (settled, taken, samples) = measure(BOUNDS, &mut body(|_| 10)).expect("all is well");
        assert_eq!(settled.iterations, 512);
        assert!(settled.warm_up.is_settled);
        assert_eq!(samples, alloc::vec![5120; 390]);
        assert_eq!(taken, Taken { elapsed_ticks: 390 * 5120, checksum: 390 * 512 * 7 });
    }

    #[test]
    fn batches_never_grow_so_long_that_few_fit() {
        let bounds = Bounds { sample_min: 1_000_000, ..BOUNDS };
        let (settled, _, samples) = measure(bounds, &mut body(|_| 1_000)).expect("all is well");
        assert_eq!(settled.iterations, 32);
        assert_eq!(samples.len(), 62);
    }

    #[test]
    fn one_long_iteration_is_still_sampled_ten_times() {
        let (settled, _, samples) = measure(BOUNDS, &mut body(|_| 50_000_000)).expect("all is well");
        assert_eq!(
            settled,
            Settled { iterations: 1, samples: 10, warm_up: WarmUp { batches: 1, is_settled: false } }
        );
        assert_eq!(samples.len(), 10);
    }

    #[test]
    fn samples_are_bounded_by_the_plan() {
        let bounds = Bounds { sampling: 1_000_000_000, ..BOUNDS };
        assert_eq!(measure(bounds, &mut body(|_| 4_000)).expect("all is well").2.len(), 1_000);
    }

    #[test]
    fn a_cost_that_falls_is_waited_for() {
        // Each iteration is cheaper than the one before until the hundredth.
        let (settled, _, samples) =
            measure(BOUNDS, &mut body(|call| 4_000 + 40 * 100_u64.saturating_sub(call)))
                .expect("all is well");
        assert!(settled.warm_up.is_settled);
        assert!(settled.warm_up.batches >= 100);
        assert!(samples.iter().all(|ticks| *ticks == 4_000));
    }

    #[test]
    fn a_cost_that_never_settles_ends_with_the_time() {
        let (settled, _, _) = measure(BOUNDS, &mut body(|call| 4_000 + call * 40)).expect("all is well");
        assert!(!settled.warm_up.is_settled);
    }

    #[test]
    fn no_warm_up_still_sizes_the_batch() {
        let bounds = Bounds { warm_up: 0, ..BOUNDS };
        let (settled, _, _) = measure(bounds, &mut body(|_| 10)).expect("all is well");
        assert_eq!(settled.iterations, 512);
    }

    #[test]
    fn a_wrong_sum_ends_it_with_what_was_right_before() {
        let calls = Cell::new(0);
        let mut right = body(|_| 5_000);
        let mut timed = |iterations| {
            calls.set(calls.get() + 1);
            let batch = right(iterations);
            if calls.get() == 100 { Batch { sum: 8, ..batch } } else { batch }
        };
        let mut sampler = Sampler::new(BOUNDS, Ticks(0));
        let settled = sampler.warm_up(&mut timed, Expected::Each(7)).expect("warm-up is right");
        let error = sampler
            .take(&mut timed, Expected::Each(7), &settled, &Disturbances::default)
            .expect_err("a sum is wrong");
        let before = 99 - settled.warm_up.batches;
        assert_eq!(error, SampleError::WrongResult { iterations: 1, before, sum: 8, expected: 7 });
    }

    #[test]
    fn a_bench_that_takes_too_long_is_stopped() {
        let bounds = Bounds { bench: 100_000, ..BOUNDS };
        assert_eq!(measure(bounds, &mut body(|_| 5_000)).err(), Some(SampleError::TookTooLong));
    }

    #[test]
    fn counts_are_read_at_the_borders_of_parts() {
        let reads = Cell::new(0);
        let disturbances = || {
            reads.set(reads.get() + 1);
            Disturbances { nmi: Some(reads.get()), ..Disturbances::default() }
        };
        let mut sampler = Sampler::new(BOUNDS, Ticks(0));
        let settled =
            Settled { iterations: 1, samples: 300, warm_up: WarmUp { batches: 0, is_settled: true } };
        sampler.take(&mut body(|_| 4_000), Expected::Each(7), &settled, &disturbances).expect("all is well");
        let (part, marks) = sampler.parts();
        assert_eq!((part, marks.len()), (3, 101));
    }

    #[test]
    fn values_are_taken_until_time_or_samples_are_used_up() {
        for (step, samples) in [(1, 1_000), (4_000, 500), (10_000_000, 10)] {
            let now = Cell::new(0);
            let mut sample = || {
                now.set(now.get() + step);
                Ok::<_, SampleError>(3)
            };
            let mut sampler = Sampler::new(BOUNDS, Ticks(0));
            let taken = sampler.take_values(&mut sample, &|| Ticks(now.get()), &Disturbances::default);
            let elapsed_ticks = step * samples;
            assert_eq!(taken, Ok(Taken { elapsed_ticks, checksum: samples * 3 }));
            assert_eq!(widen(sampler.samples().len()), samples);
        }
    }
}
