//! Bench functions of every kind, taken to their records.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{BenchError, Bencher, Conditions, CounterKind, Expected};
use crate::plan::Plan;
use crate::platform::SystemCounters;
use crate::platform::scripted::{ScriptedCounters, ScriptedPlatform};
use crate::pmu::{Counts, Figure};
use crate::suites::{Bench, BenchFunction, Body, Scale, Selected, Suite};
use crate::units::{Bytes, Hertz, PartsPerMillion};
use crate::wire::{BenchRecord, CheckOutcome, Clock, Mode, Status};

static SUITE: Suite = Suite { name: "test", about: "", limits: &[], needs: &[], benches: &[] };

/// The record of `function` under a plan that is over soon.
fn run_on(platform: &ScriptedPlatform, function: BenchFunction) -> BenchRecord {
    let plan = Plan { warm_up_ms_max: 1, sampling_ms_max: 2, samples_max: 50, ..Plan::quick() };
    let clock = Clock {
        mode: Mode::Hosted,
        frequency: Hertz(2_000_000_000),
        is_invariant: true,
        sources: Vec::new(),
        disagreement: Some(PartsPerMillion(0)),
        is_valid: true,
        note: "".to_string(),
        overhead_ticks: 20,
    };
    let bench = Bench { body: Body::Built(function), ..Bench::new("test/bench", "") };
    let selected =
        Selected { suite: &SUITE, bench: Box::leak(Box::new(bench)), scale: Some(Scale::new("4ki")) };
    let conditions = Conditions { platform, plan: &plan, clock: &clock, counter: CounterKind::detect() };
    let mut bencher = Bencher::new(conditions, &selected);
    let result = function(&mut bencher);
    bencher.finish(result)
}

fn run(function: BenchFunction) -> BenchRecord {
    run_on(&ScriptedPlatform::default(), function)
}

#[test]
fn a_wrong_result_fails_the_bench_with_counts_and_no_timing() {
    let record = run(|bencher| {
        let mut calls = 0_u64;
        bencher.measure(Expected::Each(1), || {
            calls += 1;
            u64::from(calls < 50_000)
        })
    });
    assert_eq!((record.status, record.summary.is_none()), (Status::Failed, true));
    let reason = record.reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("wrong result: ") && reason.contains("should be"), "{reason}");
    let [error] = &record.errors[..] else { panic!("one kind of error: {:?}", record.errors) };
    assert_eq!(error.kind, "wrong result");
    assert_eq!(record.attempts, record.successes + error.count);
    assert_eq!(record.validity[0].outcome, CheckOutcome::Failed);
}

#[test]
fn errors_that_a_bench_counts_fail_it_by_kind() {
    let record = run(|bencher| {
        bencher.measure(Expected::Varies, || 7)?;
        bencher.add_errors("lost", 2);
        bencher.add_errors("late", 0);
        bencher.add_errors("lost", 1);
        Ok(())
    });
    assert_eq!((record.status, record.reason.as_deref()), (Status::Failed, Some("3 iterations: lost")));
    assert_eq!((record.errors.len(), record.attempts - record.successes), (1, 3));
}

#[test]
fn a_bench_may_say_that_it_cannot_run() {
    let record = run(|_| Err(BenchError::Skipped("too little memory".to_string())));
    assert_eq!((record.status, record.reason.as_deref()), (Status::Skipped, Some("too little memory")));
}

#[test]
fn a_bench_has_to_measure_exactly_once() {
    assert_eq!(run(|_| Ok(())).reason.as_deref(), Some("the bench took no samples"));
    let twice = run(|bencher| {
        bencher.measure(Expected::Each(0), || 0)?;
        bencher.measure_values(|| Ok(0))
    });
    assert_eq!(twice.reason.as_deref(), Some("the bench measures twice"));
    assert_eq!(twice.status, Status::Failed);
}

#[test]
fn a_check_that_failed_makes_the_bench_invalid() {
    let record = run(|bencher| {
        bencher.add_check("order", CheckOutcome::Failed, "upside down".to_string());
        bencher.measure(Expected::Each(0), || 0)
    });
    assert_eq!((record.status, record.reason.as_deref()), (Status::Invalid, Some("order: upside down")));
    assert!(record.summary.is_some(), "the figures are kept for whoever looks into it");
}

#[test]
fn values_are_samples_of_their_own() {
    let record = run(|bencher| {
        let mut value = 0;
        bencher.measure_values(|| {
            value += 1;
            Ok(value)
        })?;
        bencher.add_figure("rounds", 1);
        Ok(())
    });
    let summary = record.summary.expect("there are samples");
    assert_eq!((summary.n, summary.min, summary.p50, summary.max), (50, 1, 25, 50));
    assert_eq!((record.iterations, record.warm_up, record.windows), (1, None, None));
    assert_eq!(record.figures[0].name, "rounds");
}

#[test]
fn the_error_of_a_value_ends_the_bench() {
    let record = run(|bencher| bencher.measure_values(|| Err(BenchError::Failed("no".to_string()))));
    assert_eq!((record.status, record.reason.as_deref()), (Status::Failed, Some("no")));
}

#[test]
fn inputs_follow_from_seed_and_id() {
    let checksum = |function: BenchFunction| run(function).figures[0].value;
    let figure: BenchFunction = |bencher| {
        let number = bencher.random() & 0xffff;
        bencher.add_figure("number", number);
        bencher.measure(Expected::Each(0), || 0)
    };
    assert_eq!(checksum(figure), checksum(figure));
}

#[test]
fn a_record_says_what_an_iteration_is() {
    let platform = ScriptedPlatform::default();
    platform.system.set(SystemCounters { context_switches: Some(3), ..SystemCounters::default() });
    let record = run_on(&platform, |bencher| {
        bencher.set_bytes(Bytes(bencher.scale()));
        bencher.set_operations(64);
        bencher.measure(Expected::Each(0), || 0)
    });
    assert_eq!(
        (record.id.as_str(), record.bytes, record.operations),
        ("test/bench/4ki", Some(Bytes(4096)), 64)
    );
    assert_eq!((record.system.context_switches, record.system.interrupts), (Some(0), None));
}

/// A platform whose passes count `counts`, one after another.
fn counting(counts: &[Counts]) -> ScriptedPlatform {
    let counters = ScriptedCounters { counts: counts.to_vec().into(), ..ScriptedCounters::default() };
    ScriptedPlatform { counters: Some(counters), ..ScriptedPlatform::default() }
}

fn calls(platform: &ScriptedPlatform) -> Vec<Option<usize>> {
    platform.counters.as_ref().map(|counters| counters.calls.borrow().clone()).unwrap_or_default()
}

#[test]
fn figures_say_which_were_counted_together_over_how_many_iterations() {
    let first = Counts::default().with(Figure::Cycles, Some(900)).with(Figure::Instructions, Some(700));
    let second = Counts::default().with(Figure::BranchMisses, Some(5));
    let empty =
        Counts::default().with(Figure::Cycles, Some(256 * 60)).with(Figure::Instructions, Some(256 * 40 + 1));
    let platform = counting(&[first, second, empty]);
    let record = run_on(&platform, |bencher| bencher.measure(Expected::Each(0), || 0));
    let pmu = record.pmu.expect("it is counted");
    assert_eq!((pmu.cycles, pmu.instructions, pmu.branch_misses), (Some(900), Some(700), Some(5)));
    assert_eq!((pmu.llc_references, pmu.llc_misses, pmu.dtlb_misses), (None, None, None));
    let passes: Vec<(Vec<&str>, u64)> = record
        .pmu_passes
        .iter()
        .map(|pass| (pass.figures.iter().map(String::as_str).collect(), pass.iterations))
        .collect();
    let all = record.attempts;
    assert_eq!(passes, [(vec!["cycles", "instructions"], all), (vec!["branch_misses"], all)]);
    let empty = record.pmu_empty_sample.expect("it is counted");
    assert_eq!((empty.cycles, empty.instructions), (Some(60), Some(41)));
    assert_eq!(calls(&platform), [Some(0), None, Some(1), None, Some(0), None]);
}

#[test]
fn a_later_pass_runs_as_many_iterations_and_changes_no_sample() {
    let platform = counting(&[]);
    let record = run_on(&platform, |bencher| {
        let mut calls = 0_u64;
        bencher.measure(Expected::Varies, || {
            calls += 1;
            1
        })?;
        bencher.add_figure("calls", calls);
        Ok(())
    });
    let summary = record.summary.as_ref().expect("there are samples");
    assert_eq!(record.attempts, summary.n * record.iterations);
    assert!(record.figures[0].value >= 2 * record.attempts, "once for the samples, once more for the pass");
    assert_eq!(record.checksum, Some(alloc::format!("{:016x}", record.attempts)), "of the samples alone");
    let pmu = record.pmu.expect("passes are told");
    assert_eq!((pmu.cycles, record.pmu_empty_sample), (None, None), "what was not counted is absent");
}

#[test]
fn a_wrong_result_in_a_later_pass_fails_the_bench() {
    thread_local! {
        static PLATFORM: &'static ScriptedPlatform = Box::leak(Box::new(counting(&[])));
    }
    // Right until the second pass begins.
    let record = PLATFORM.with(|platform| {
        run_on(platform, |bencher| {
            bencher.measure(Expected::Each(1), || {
                u64::from(!PLATFORM.with(|platform| calls(platform)).contains(&Some(1)))
            })
        })
    });
    assert_eq!((record.status, record.summary, record.pmu), (Status::Failed, None, None));
    assert!(record.successes > 0, "the samples were right");
    assert_eq!(PLATFORM.with(|platform| calls(platform)), [Some(0), None, Some(1), None]);
}

#[test]
fn values_are_counted_while_they_are_taken_and_not_taken_again() {
    let first = Counts::default().with(Figure::Instructions, Some(7));
    let platform = counting(&[first]);
    let record = run_on(&platform, |bencher| bencher.measure_values(|| Ok(1)));
    let pmu = record.pmu.expect("it is counted");
    assert_eq!((pmu.instructions, pmu.branch_misses), (Some(7), None));
    assert_eq!(record.pmu_passes.len(), 1);
    assert_eq!(
        (&record.pmu_passes[0].figures[..], record.pmu_passes[0].iterations),
        (&["instructions".to_string()][..], 50)
    );
    assert_eq!(calls(&platform), [Some(0), None]);
}

#[test]
fn counting_ends_where_sampling_fails() {
    let platform = counting(&[]);
    let record =
        run_on(&platform, |bencher| bencher.measure_values(|| Err(BenchError::Failed("no".to_string()))));
    assert_eq!((record.status, record.pmu), (Status::Failed, None));
    assert_eq!(calls(&platform), [Some(0), None]);
}
