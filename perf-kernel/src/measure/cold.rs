//! Cold samples: one iteration each, right after the CPU was chilled.
//!
//! They are taken behind the hot ones and everything that belongs to those, which are what they are without them. A sample
//! cannot be made longer by more iterations, as the second one would be warm: what an empty region costs on a CPU just
//! chilled stands beside the figures instead.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::bencher::Conditions;
use super::bounds::Bounds;
use super::sampler::SAMPLES_MIN;
use super::{BenchError, CounterKind, statistics, validity};
use crate::plan::{ColdChoice, Plan};
use crate::platform::{Chiller, Platform};
use crate::suites;
use crate::units::Ticks;
use crate::wire::{CheckOutcome, ColdFigures, Mode, ValidityCheck};

/// There are so many hot samples for a cold one, in the plan's count: to chill a CPU takes up to some milliseconds.
const HOT_PER_COLD: usize = 100;
/// Empty regions that the overhead is the median of.
const EMPTY_SAMPLES: usize = 9;
/// A median of fewer empty regions is a warning: the counter and the harness are then a good part of it.
const OVERHEADS_PER_SAMPLE: u64 = 10;

/// The means to take cold figures in this boot.
///
/// # Errors
/// Why there will be none, in a few words.
pub(crate) fn chiller<'a>(platform: &'a dyn Platform, plan: &Plan) -> Result<&'a dyn Chiller, &'static str> {
    if plan.cold == ColdChoice::Never {
        return Err("the plan refuses them");
    }
    let chiller = platform.chiller()?;
    match platform.mode() {
        _ if plan.cold == ColdChoice::Always => Ok(chiller),
        Mode::Tcg | Mode::Icount => Err("an emulator has no caches"),
        // KVM ignores WBINVD unless a device that is not coherent is passed through (Linux 6.1, arch/x86/kvm/x86.c,
        // kvm_emulate_wbinvd_noskip).
        Mode::Kvm => Err("a hypervisor may ignore the instruction that empties caches"),
        Mode::Hardware | Mode::Hosted => Ok(chiller),
    }
}

/// The cold samples of one bench. All memory is there before the bench's set-up.
pub(super) struct ColdPass<'a> {
    chiller: &'a dyn Chiller,
    counter: CounterKind,
    /// Whether the harness chills the CPU, rather than the bench.
    is_before: bool,
    samples: Vec<u64>,
    samples_max: usize,
    overhead_ticks: u64,
    is_taken: bool,
}

/// When a cold pass has to end.
#[derive(Clone, Copy)]
pub(super) struct Budget<'t> {
    /// Longest pass; ten samples are taken even so...
    pub(super) sampling: u64,
    /// ...unless the bench's time would be over.
    pub(super) deadline: Ticks,
    /// Reads the counter.
    pub(super) now: &'t dyn Fn() -> Ticks,
}

/// Gives one cold sample in ticks: has the CPU chilled once, and times one iteration after it.
type ColdSample<'s> = dyn FnMut(&dyn Chiller) -> Result<u64, BenchError> + 's;

impl<'a> ColdPass<'a> {
    /// The pass of a bench with this entry; `None` if none is to be taken.
    pub(super) fn planned(conditions: &Conditions<'a>, entry: suites::Cold, bounds: &Bounds) -> Option<Self> {
        let is_before = match entry {
            suites::Cold::No(_) => return None,
            suites::Cold::Before => true,
            suites::Cold::Within => false,
        };
        let chiller = chiller(conditions.platform, conditions.plan).ok()?;
        let samples_max = (bounds.samples_max / HOT_PER_COLD).max(SAMPLES_MIN);
        let (counter, samples) = (conditions.counter, Vec::with_capacity(samples_max));
        Some(Self { chiller, counter, is_before, samples, samples_max, overhead_ticks: 0, is_taken: false })
    }

    /// Whether the harness chills the CPU, rather than the bench.
    pub(super) const fn is_before(&self) -> bool {
        self.is_before
    }

    /// Whether the pass was made.
    pub(super) const fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// Takes the samples, until there are as many as the plan asks for or the time is over.
    ///
    /// # Errors
    /// The first error of `sample`; the CPU was not chilled exactly once for a sample; a second pass.
    pub(super) fn take(
        &mut self,
        budget: &Budget<'_>,
        sample: &mut ColdSample<'_>,
    ) -> Result<(), BenchError> {
        if self.is_taken {
            return Err(BenchError::Failed("the bench takes cold samples twice".to_string()));
        }
        self.is_taken = true;
        let begin = (budget.now)();
        self.overhead_ticks = self.empty_region();
        let mut longest = 0;
        let mut last = (budget.now)();
        while self.samples.len() < self.samples_max {
            let before = self.chiller.chills();
            let ticks = sample(self.chiller)?;
            match self.chiller.chills().wrapping_sub(before) {
                1 => self.samples.push(ticks),
                times => {
                    let reason = alloc::format!("the CPU was chilled {times} times for a cold sample");
                    return Err(BenchError::Failed(reason));
                }
            }
            let now = (budget.now)();
            longest = now.since(last).0.max(longest);
            last = now;
            let is_full = now.since(begin).0 >= budget.sampling && self.samples.len() >= SAMPLES_MIN;
            // What the bench has still to check takes time too.
            let is_late = now.0.saturating_add(longest.saturating_mul(2)) > budget.deadline.0;
            if is_full || is_late {
                break;
            }
        }
        Ok(())
    }

    /// The figures, and what is to be thought of them; nothing if no pass was made.
    pub(super) fn finish(self) -> (Option<ColdFigures>, Option<ValidityCheck>) {
        if !self.is_taken {
            return (None, None);
        }
        let check = |outcome, detail: String| Some(validity::check("cold", outcome, detail));
        let sorted = statistics::sorted(&self.samples);
        let summary = statistics::summarise(&sorted).filter(|_| sorted.len() >= SAMPLES_MIN);
        let Some(summary) = summary else {
            let detail = alloc::format!("{} cold samples fitted into the bench's time", sorted.len());
            return (None, check(CheckOutcome::Warned, detail));
        };
        if summary.min == 0 {
            let detail = "the counter stood still over a cold sample".to_string();
            return (None, check(CheckOutcome::Warned, detail));
        }
        let overhead_ticks = self.overhead_ticks;
        let check = if summary.p50 >= overhead_ticks.saturating_mul(OVERHEADS_PER_SAMPLE) {
            check(CheckOutcome::Passed, String::new())
        } else {
            let detail = alloc::format!("an empty region is {overhead_ticks} of {} ticks", summary.p50);
            check(CheckOutcome::Warned, detail)
        };
        (Some(ColdFigures { summary, overhead_ticks, emptied: self.chiller.how().to_string() }), check)
    }

    /// Median ticks of an empty region on a CPU just chilled.
    fn empty_region(&self) -> u64 {
        let mut regions = [0; EMPTY_SAMPLES];
        for ticks in &mut regions {
            self.chiller.chill();
            *ticks = self.counter.time_empty().ticks;
        }
        statistics::median(&mut regions).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Bencher, Expected};
    use crate::platform::scripted::{ScriptedChiller, ScriptedPlatform};
    use crate::suites::{Bench, BenchFunction, Body, Selected, Suite};
    use crate::units::{Hertz, PartsPerMillion};
    use crate::wire::{BenchRecord, Clock, Status};
    use alloc::boxed::Box;
    use core::cell::Cell;

    static SUITE: Suite = Suite { name: "test", about: "", limits: &[], needs: &[], benches: &[] };

    fn cold_machine() -> &'static ScriptedPlatform {
        let chiller = Some(ScriptedChiller::default());
        Box::leak(Box::new(ScriptedPlatform { chiller, is_process: false, ..ScriptedPlatform::default() }))
    }

    fn chills(platform: &ScriptedPlatform) -> u64 {
        platform.chiller.as_ref().map_or(0, |chiller| chiller.chills.get())
    }

    /// The record of `function` with the entry `cold`, under a plan that asks for twelve cold samples.
    fn run(platform: &ScriptedPlatform, cold: suites::Cold, function: BenchFunction) -> BenchRecord {
        let plan = Plan { warm_up_ms_max: 1, sampling_ms_max: 2, samples_max: 1_200, ..Plan::quick() };
        let clock = Clock {
            mode: Mode::Hardware,
            frequency: Hertz(2_000_000_000),
            is_invariant: true,
            sources: Vec::new(),
            disagreement: Some(PartsPerMillion(0)),
            is_valid: true,
            note: String::new(),
            overhead_ticks: 20,
        };
        let bench = Bench { cold, body: Body::Built(function), ..Bench::new("test/bench", "") };
        let selected = Selected { suite: &SUITE, bench: Box::leak(Box::new(bench)), scale: None };
        let conditions = Conditions { platform, plan: &plan, clock: &clock, counter: CounterKind::detect() };
        let mut bencher = Bencher::new(conditions, &selected);
        let result = function(&mut bencher);
        bencher.finish(result)
    }

    fn cold_figures(record: &BenchRecord) -> &ColdFigures {
        record.cold.as_ref().unwrap_or_else(|| panic!("no cold figures: {record:?}"))
    }

    fn outcome(record: &BenchRecord) -> Option<(CheckOutcome, &str)> {
        let check = record.validity.iter().find(|check| check.name == "cold")?;
        Some((check.outcome, check.detail.as_str()))
    }

    thread_local! {
        /// The platform of the test, for bench functions, which capture nothing.
        static PLATFORM: Cell<Option<&'static ScriptedPlatform>> = const { Cell::new(None) };
    }

    fn platform() -> &'static ScriptedPlatform {
        PLATFORM.get().expect("the test has set it")
    }

    #[test]
    fn the_cpu_is_chilled_once_before_each_cold_sample_and_never_for_a_hot_one() {
        PLATFORM.set(Some(cold_machine()));
        let record = run(platform(), suites::Cold::Before, |bencher| {
            // Iterations that found the CPU chilled since the one before, and how often it was chilled before any was.
            let (mut seen, mut cold, mut first, mut hot_after_cold) = (0, 0, 0, 0);
            bencher.measure(Expected::Each(3), || {
                let now = chills(platform());
                match now - seen {
                    0 if cold > 0 => hot_after_cold += 1,
                    0 => (),
                    1 => cold += 1,
                    more => (first, cold) = (more, 1),
                }
                seen = now;
                3
            })?;
            for (name, value) in [("cold", cold), ("first", first), ("hot_after_cold", hot_after_cold)] {
                bencher.add_figure(name, value);
            }
            Ok(())
        });
        assert_eq!(record.status, Status::Measured, "{:?}", record.reason);
        let figures = record.figures.iter().map(|figure| figure.value).collect::<Vec<_>>();
        // The first comes behind the empty regions.
        assert_eq!(figures, [12, EMPTY_SAMPLES as u64 + 1, 0]);
        assert_eq!(chills(platform()), EMPTY_SAMPLES as u64 + 12);
        let cold = cold_figures(&record);
        let summary = &cold.summary;
        assert_eq!((summary.n, cold.emptied.as_str()), (12, "nothing"));
        assert!(summary.min <= summary.p50 && summary.p50 <= summary.max && cold.overhead_ticks > 0);
        let hot = record.summary.as_ref().expect("there are samples");
        assert_eq!(record.attempts, hot.n * record.iterations, "cold iterations are no attempts");
        let sum = hot.n * record.iterations * 3;
        assert_eq!(record.checksum, Some(alloc::format!("{sum:016x}")), "of the hot samples alone");
    }

    #[test]
    fn the_chill_is_outside_of_the_timed_region() {
        const CHILL_TICKS: u64 = 3_000_000;
        let platform = cold_machine();
        platform.chiller.as_ref().expect("it has one").ticks.set(CHILL_TICKS);
        for function in [(|bencher| bencher.measure(Expected::Each(1), || 1)) as BenchFunction, |bencher| {
            let counter = bencher.counter();
            bencher.measure_timed(Expected::Each(1), |iterations| counter.time(&mut || 1, iterations))
        }] {
            let record = run(platform, suites::Cold::Before, function);
            let cold = cold_figures(&record);
            assert!(cold.summary.min < CHILL_TICKS && cold.overhead_ticks < CHILL_TICKS, "{cold:?}");
        }
    }

    #[test]
    fn a_bench_chills_itself_where_its_entry_says_so() {
        let platform = cold_machine();
        let record = run(platform, suites::Cold::Within, |bencher| {
            bencher.measure_values(|| Ok(7))?;
            bencher.measure_cold(|chiller| {
                chiller.chill();
                Ok(chiller.chills() + 100_000)
            })
        });
        let summary = &cold_figures(&record).summary;
        assert_eq!((summary.n, summary.max - summary.min), (12, 11));
        assert_eq!(outcome(&record), Some((CheckOutcome::Passed, "")));
    }

    #[test]
    fn a_sample_without_a_chill_or_with_two_fails_the_bench() {
        for (function, times) in [
            (
                (|bencher| {
                    bencher.measure_values(|| Ok(7))?;
                    bencher.measure_cold(|_| Ok(7))
                }) as BenchFunction,
                0,
            ),
            (
                |bencher| {
                    bencher.measure_values(|| Ok(7))?;
                    bencher.measure_cold(|chiller| {
                        chiller.chill();
                        chiller.chill();
                        Ok(7)
                    })
                },
                2,
            ),
        ] {
            let record = run(cold_machine(), suites::Cold::Within, function);
            let reason = alloc::format!("the CPU was chilled {times} times for a cold sample");
            assert_eq!((record.status, record.reason, record.cold), (Status::Failed, Some(reason), None));
        }
    }

    #[test]
    fn an_entry_that_promises_cold_samples_is_kept_to() {
        let record = run(cold_machine(), suites::Cold::Within, |bencher| bencher.measure_values(|| Ok(7)));
        assert_eq!(
            (record.status, record.reason.as_deref()),
            (Status::Failed, Some("the bench took no cold samples"))
        );
        let record = run(cold_machine(), suites::Cold::Before, |bencher| {
            bencher.measure(Expected::Each(1), || 1)?;
            bencher.measure_cold(|_| Ok(7))
        });
        assert_eq!(record.reason.as_deref(), Some("the bench takes cold samples twice"));
    }

    #[test]
    fn without_the_means_or_the_entry_a_bench_is_hot_alone() {
        let body: BenchFunction = |bencher| {
            bencher.measure(Expected::Each(0), || 0)?;
            bencher.measure_cold(|_| Err(BenchError::Failed("not to be called".to_string())))
        };
        for (platform, entry) in [
            (&ScriptedPlatform::default(), suites::Cold::Within),
            (cold_machine(), suites::Cold::No("it has no meaning")),
        ] {
            let record = run(platform, entry, body);
            assert_eq!((record.status, &record.cold, outcome(&record)), (Status::Measured, &None, None));
            assert_eq!(chills(platform), 0);
        }
    }

    #[test]
    fn a_wrong_result_of_a_cold_iteration_fails_the_bench() {
        PLATFORM.set(Some(cold_machine()));
        let record = run(platform(), suites::Cold::Before, |bencher| {
            bencher.measure(Expected::Each(1), || u64::from(chills(platform()) < 15))
        });
        let reason = record.reason.as_deref().unwrap_or_default();
        assert!(reason.starts_with("wrong result: 1 iterations"), "{reason}");
        assert_eq!((record.status, record.cold, record.summary), (Status::Failed, None, None));
        assert_eq!((record.attempts, record.errors[0].count), (record.successes + 1, 1));
    }

    #[test]
    fn the_pass_ends_with_the_time_of_the_plan_and_of_the_bench() {
        let chilled = |budget: u64, deadline: u64| {
            let platform = cold_machine();
            let chiller: &dyn Chiller = platform.chiller.as_ref().expect("it has one");
            let mut pass = ColdPass {
                chiller,
                counter: CounterKind::detect(),
                is_before: true,
                samples: Vec::with_capacity(100),
                samples_max: 100,
                overhead_ticks: 0,
                is_taken: false,
            };
            let time = Cell::new(0);
            let budget = Budget { sampling: budget, deadline: Ticks(deadline), now: &|| Ticks(time.get()) };
            let taken = pass.take(&budget, &mut |chiller| {
                chiller.chill();
                time.set(time.get() + 1_000);
                Ok(900_000)
            });
            assert_eq!(taken, Ok(()));
            assert_eq!(pass.samples.capacity(), 100, "sampling does not allocate");
            (pass.samples.len(), pass.finish())
        };
        assert_eq!(chilled(u64::MAX, u64::MAX).0, 100);
        assert_eq!(chilled(40_000, u64::MAX).0, 40);
        assert_eq!(chilled(1, u64::MAX).0, SAMPLES_MIN, "a few are taken in any case");
        let (samples, (figures, check)) = chilled(u64::MAX, 6_500);
        let check = check.map(|check| (check.outcome, check.detail));
        assert_eq!((samples, figures), (5, None), "time is left for the bench to end");
        let detail = "5 cold samples fitted into the bench's time".to_string();
        assert_eq!(check, Some((CheckOutcome::Warned, detail)));
    }

    #[test]
    fn samples_of_no_length_give_no_figures_and_short_ones_a_warning() {
        let record = run(cold_machine(), suites::Cold::Within, |bencher| {
            bencher.measure_values(|| Ok(7))?;
            bencher.measure_cold(|chiller| {
                chiller.chill();
                Ok(0)
            })
        });
        assert_eq!((record.status, &record.cold), (Status::Measured, &None));
        let detail = "the counter stood still over a cold sample";
        assert_eq!(outcome(&record), Some((CheckOutcome::Warned, detail)));
        let record = run(cold_machine(), suites::Cold::Within, |bencher| {
            bencher.measure_values(|| Ok(7))?;
            bencher.measure_cold(|chiller| {
                chiller.chill();
                Ok(1)
            })
        });
        assert_eq!(cold_figures(&record).summary.p50, 1);
        let (judged, detail) = outcome(&record).expect("it is judged");
        assert_eq!(judged, CheckOutcome::Warned);
        assert!(detail.ends_with("of 1 ticks"), "{detail}");
    }
}
