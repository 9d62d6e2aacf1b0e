use perf_kernel::measure::LogLinear;
use perf_kernel::units::{Hertz, PartsPerMillion};
use perf_kernel::wire::{
    BenchRecord, CheckOutcome, ClockSource, Figure, Interference, Interruption, Mode, PmuCounts, Probe,
    SlowSample, ValidityCheck, WarmUp,
};
use std::collections::BTreeSet;

use super::engine::rules;
use super::{Recommendation, Severity, recommend};
use crate::analysis::{BenchVerdict, Change, Comparison, Level, Likeness, Verdict, compare};
use crate::collect::Boot;
use crate::samples::bench;
use crate::store::Run;
use crate::store::samples::{boot, run};

fn clean(mode: Mode) -> Vec<Boot> {
    let benches = || vec![bench("env/reference-loop", 2_000, 1), bench("memory/alloc-small/16", 10_000, 1)];
    vec![boot(mode, benches()), boot(mode, benches()), boot(mode, benches())]
}

fn of(boots: Vec<Boot>) -> Run {
    run("3f2a91bc", boots)
}

fn names(found: &[Recommendation]) -> Vec<&str> {
    found.iter().map(|recommendation| recommendation.rule.as_str()).collect()
}

/// What is found if `change` is done to every boot.
fn after(mode: Mode, change: impl Fn(&mut Boot)) -> Vec<Recommendation> {
    let mut boots = clean(mode);
    boots.iter_mut().for_each(change);
    recommend(&of(boots), None)
}

/// What is found if `change` is done to the second bench of every boot.
fn after_bench(change: impl Fn(&mut BenchRecord)) -> Vec<Recommendation> {
    after(Mode::Hardware, |boot| change(&mut boot.benches[1]))
}

fn with_ledger(change: impl Fn(&mut Interference)) -> Vec<Recommendation> {
    after(Mode::Hardware, |boot| {
        let mut ledger = Interference::default();
        change(&mut ledger);
        boot.ledger = Some(ledger);
    })
}

fn figure(name: &str, value: u64) -> Figure {
    Figure { name: name.into(), value }
}

fn warn(record: &mut BenchRecord, name: &str) {
    let check = ValidityCheck { name: name.into(), outcome: CheckOutcome::Warned, detail: "why".into() };
    record.validity.push(check);
}

#[test]
fn nothing_is_said_of_a_clean_run_or_of_figures_that_are_not_there() {
    assert_eq!(recommend(&of(clean(Mode::Hardware)), None), []);
    assert_eq!(recommend(&of(Vec::new()), None), []);
    let mut silent = clean(Mode::Hardware);
    silent.iter_mut().for_each(|boot| (boot.clock, boot.benches) = (None, Vec::new()));
    assert_eq!(recommend(&of(silent), None), []);
    let good = with_ledger(|ledger| {
        ledger.smi_count = Some(0);
        ledger.nmi_count = Some(0);
        ledger.is_throttled = Some(false);
        ledger.steal_ns = Some(0);
        ledger.frequency_share = Some(PartsPerMillion(1_000_000));
    });
    assert_eq!(good, []);
}

#[test]
fn each_rule_of_the_clock_speaks() {
    let clock = |change: fn(&mut perf_kernel::wire::Clock)| {
        after(Mode::Hardware, |boot| boot.clock.iter_mut().for_each(change))
    };
    let invalid = clock(|clock| (clock.is_valid, clock.disagreement) = (false, Some(PartsPerMillion(2_000))));
    assert_eq!((names(&invalid), invalid[0].severity), (vec!["clock-invalid"], Severity::Serious));
    assert_eq!(invalid[0].evidence[0].value, "2000 ppm");
    assert_eq!(names(&clock(|clock| clock.is_invariant = false)), ["clock-varies"]);
    assert_eq!(names(&clock(|clock| clock.disagreement = Some(PartsPerMillion(700)))), ["clock-near-limit"]);
    let single = clock(|clock| {
        clock.disagreement = None;
        clock.sources = vec![ClockSource {
            name: "pit".into(),
            frequency: Hertz(2_000_000_000),
            uncertainty: PartsPerMillion(5),
        }];
    });
    assert_eq!((names(&single), single[0].evidence[0].value.as_str()), (vec!["one-clock"], "pit"));
    let drift = with_ledger(|ledger| {
        ledger.probes = vec![Probe {
            id: "env/l1-load".into(),
            start_milliticks: 100,
            end_milliticks: 110,
            drift: PartsPerMillion(100_000),
        }];
    });
    assert_eq!(names(&drift), ["probe-drift"]);
    assert_eq!(drift[0].evidence[2].value, "10.0 % slower at the end");
}

#[test]
fn each_rule_of_interference_speaks() {
    // Two benches of a thousand samples: some milliseconds of measuring.
    let smi = with_ledger(|ledger| ledger.smi_count = Some(12));
    assert_eq!((names(&smi), smi[0].severity), (vec!["smi"], Severity::Serious));
    assert_eq!(smi[0].evidence[1].place, "boot 2");
    assert_eq!(names(&with_ledger(|ledger| ledger.is_throttled = Some(true))), ["thermal"]);
    assert_eq!(names(&with_ledger(|ledger| ledger.steal_ns = Some(100_000))), ["steal"]);
    assert_eq!(names(&with_ledger(|ledger| ledger.nmi_count = Some(1))), ["nmi"]);
    let slow = with_ledger(|ledger| ledger.frequency_share = Some(PartsPerMillion(800_000)));
    assert_eq!((names(&slow), slow[0].evidence[0].value.as_str()), (vec!["frequency-low"], "80.0 %"));
    assert_eq!(
        names(&with_ledger(|ledger| ledger.frequency_share = Some(PartsPerMillion(1_300_000)))),
        ["turbo"]
    );
    let moving = after(Mode::Hardware, |boot| {
        for (bench, share) in boot.benches.iter_mut().zip([900_000, 1_200_000]) {
            bench.interference.frequency_share = Some(PartsPerMillion(share));
        }
    });
    assert_eq!(names(&moving), ["frequency-moves"]);
    let gaps = after_bench(|bench| {
        bench.figures = vec![figure("gaps_above_1us_ticks", 30), figure("polled_ticks", 1_000)];
    });
    assert_eq!((names(&gaps), gaps[0].severity), (vec!["gaps"], Severity::Warning));
    let shared = after_bench(|bench| bench.system.cpu_time_share = Some(PartsPerMillion(700_000)));
    assert_eq!((names(&shared), shared[0].evidence[0].value.as_str()), (vec!["shared-cpu"], "70.0 %"));
}

#[test]
fn each_rule_of_boots_speaks() {
    let mut boots = clean(Mode::Kvm);
    boots.truncate(2);
    let few = recommend(&of(boots), None);
    assert_eq!((names(&few), few[0].severity), (vec!["few-boots"], Severity::Note));
    let mut boots = clean(Mode::Kvm);
    boots[2].benches[1] = bench("memory/alloc-small/16", 12_000, 1);
    let spread = recommend(&of(boots), None);
    assert_eq!(names(&spread), ["boot-spread"]);
    assert_eq!(spread[0].found, "1 bench differs from boot to boot by more than within a boot.");
    assert_eq!(spread[0].evidence[0].value, "20.0 %, deviation within a boot 3.0 %");
}

#[test]
fn each_rule_of_sampling_speaks() {
    let unsettled = |bench: &mut BenchRecord| bench.warm_up = Some(WarmUp { batches: 70, is_settled: false });
    assert_eq!(names(&after_bench(unsettled)), ["unsettled"]);
    assert_eq!(names(&after_bench(|bench| warn(bench, "overhead"))), ["short-samples"]);
    assert_eq!(names(&after_bench(|bench| warn(bench, "scale"))), ["scale-check"]);
    let noisy = after_bench(|bench| bench.summary.iter_mut().for_each(|summary| summary.mad = 1_000));
    assert_eq!((names(&noisy), noisy[0].evidence[0].value.as_str()), (vec!["noisy"], "14.8 %"));
    let tail = after_bench(|bench| {
        bench.summary.iter_mut().for_each(|summary| summary.p99 = 50_000);
        bench.slowest = vec![SlowSample { index: 3, value: 60_000, cause: Some(Interruption::Smi) }];
    });
    assert_eq!(names(&tail), ["long-tail"]);
    assert_eq!(tail[0].evidence[0].value, "5.0 times P50; of the slowest 3 by SMI");
    let samples: Vec<u64> = [10_000, 13_000].into_iter().flat_map(|value| vec![value; 500]).collect();
    let modes = after_bench(|bench| bench.histogram = Some(LogLinear::of(&samples).to_wire()));
    assert_eq!(names(&modes), ["two-modes"]);
    assert_eq!(modes[0].evidence[0].value, "50.0 % of them 1.30 times as slow as the rest");
}

#[test]
fn figures_are_found_by_name_in_whichever_bench_reports_them() {
    let with = |name: &str, value: u64| after_bench(|bench| bench.figures = vec![figure(name, value)]);
    assert_eq!(names(&with("free_fragmentation_ppm", 300_000)), ["fragmentation"]);
    assert_eq!(names(&with("fragmentation_ppm", 20_000)), [""; 0]);
    assert_eq!(names(&with("defragmentation_ppm", 300_000)), [""; 0], "another word");
    assert_eq!(names(&with("hit_rate_ppm", 600_000)), ["hit-rate"]);
    assert_eq!(names(&with("lock_wait_ppm", 200_000)), ["lock-wait"]);
    let wait = with("lock_wait_ns", 1_000);
    assert_eq!(wait[0].evidence[0].value, "1000 ns, 20.0 % of P50");
    assert_eq!(names(&with("hardware_aes", 0)), ["no-hardware-aes"]);
    assert_eq!(names(&with("hardware_aes", 1)), [""; 0]);
    assert_eq!(names(&with("processor_entropy", 0)), ["no-processor-entropy"]);
    let pair = after_bench(|bench| {
        bench.id = "env/timer-pair".into();
        bench.figures = vec![figure("ratio_ppm", 1_400_000)];
    });
    assert_eq!(names(&pair), ["harness-cost"]);
}

#[test]
fn each_rule_of_the_counters_speaks_and_benches_about_misses_are_spared() {
    let counts = PmuCounts {
        cycles: Some(10_000_000),
        instructions: Some(1_000_000),
        llc_references: Some(20_000),
        llc_misses: Some(9_000),
        branch_misses: Some(7_000),
        dtlb_misses: Some(8_000),
    };
    let all = after_bench(|bench| bench.pmu = Some(Box::new(counts.clone())));
    assert_eq!(names(&all), ["cache-misses", "tlb-misses", "branch-misses", "low-ipc"]);
    assert_eq!(all[0].evidence[0].value, "45.0 % of the references, 9.0 for 1,000 instructions");
    assert_eq!(all[3].evidence[0].value, "0.10");
    let walk = after_bench(|bench| {
        bench.id = "memory/cache-random/64mi".into();
        bench.pmu = Some(Box::new(PmuCounts { branch_misses: None, ..counts.clone() }));
    });
    assert_eq!(walk, []);
    let none = after_bench(|bench| bench.pmu = Some(Box::default()));
    assert_eq!(none, [], "a counter that the machine lacks is no zero");
}

fn verdict(id: &str, verdict: Verdict, boots_more: Option<u32>) -> BenchVerdict {
    let level = Level { boots: 3, median: 100.0, low: 99.0, high: 101.0 };
    let change = Change {
        ratio: 1.04,
        interval: None,
        confidence: None,
        effect: None,
        p: None,
        q: None,
        detectable: None,
        boots_more,
    };
    BenchVerdict {
        id: id.into(),
        verdict,
        reason: None,
        unit: None,
        before: Some(level),
        after: Some(level),
        change: Some(change),
    }
}

fn compared(images: Likeness, benches: Vec<BenchVerdict>) -> Vec<Recommendation> {
    let run = of(clean(Mode::Hardware));
    let side = run.side(None).expect("three boots");
    let comparison = Comparison { images, benches, ..compare(&side, &side) };
    recommend(&run, Some(&comparison))
}

#[test]
fn each_rule_of_comparisons_speaks() {
    let open = |id: &str, more| verdict(id, Verdict::Undecided, more);
    let undecided =
        compared(Likeness::Different, vec![open("a/b", Some(9)), open("a/c", Some(2)), open("a/d", None)]);
    assert_eq!(names(&undecided), ["undecided"]);
    assert_eq!(undecided[0].found, "3 benches are undecided; 9 boots more would decide what boots can.");
    let places: Vec<&str> = undecided[0].evidence.iter().map(|evidence| evidence.place.as_str()).collect();
    assert_eq!(places, ["a/c", "a/b", "a/d"]);

    let regressed = |id: &str| vec![verdict(id, Verdict::Regressed, None)];
    assert_eq!(names(&compared(Likeness::Same, regressed("memory/alloc-small/16"))), ["same-image-differs"]);
    assert_eq!(names(&compared(Likeness::Different, regressed("env/l1-load"))), ["probes-differ"]);
    assert_eq!(names(&compared(Likeness::Different, regressed("memory/alloc-small/16"))), [""; 0]);

    let (a, b) = (of(clean(Mode::Hardware)), of(clean(Mode::Icount)));
    let unlike = compare(&a.side(None).expect("boots"), &b.side(None).expect("boots"));
    assert_eq!(names(&recommend(&a, Some(&unlike))), ["not-alike"]);
}

/// A run in which everything is wrong at once.
fn worst(mode: Mode) -> Run {
    let mut boots = clean(mode);
    boots.truncate(2);
    for boot in &mut boots {
        boot.clock.iter_mut().for_each(|clock| clock.is_valid = false);
        boot.ledger = Some(Interference {
            smi_count: Some(9),
            is_throttled: Some(true),
            frequency_share: Some(PartsPerMillion(500_000)),
            ..Interference::default()
        });
        warn(&mut boot.benches[1], "scale");
        boot.benches[1].figures =
            vec![figure("fragmentation_ppm", 900_000), figure("lock_wait_ppm", 900_000)];
    }
    of(boots)
}

#[test]
fn the_most_serious_comes_first_and_equals_keep_the_order_of_the_table() {
    let found = recommend(&worst(Mode::Hardware), None);
    assert!(found.is_sorted_by_key(|recommendation| std::cmp::Reverse(recommendation.severity)));
    let serious = ["clock-invalid", "smi", "thermal"];
    let warnings = ["frequency-low", "scale-check", "fragmentation", "lock-wait"];
    assert_eq!(names(&found), [&serious[..], &warnings[..], &["few-boots"]].concat());
    assert_eq!(found, recommend(&worst(Mode::Hardware), None));
}

#[test]
fn rules_about_time_are_silent_under_emulation() {
    for mode in [Mode::Tcg, Mode::Icount] {
        assert_eq!(names(&recommend(&worst(mode), None)), ["scale-check", "fragmentation"]);
    }
}

#[test]
fn few_figures_are_cited_however_many_there_are() {
    let found = after(Mode::Hardware, |boot| {
        boot.benches = (0..40).map(|number| bench(&format!("a/{number}"), 1_000 + number, 1)).collect();
        boot.benches
            .iter_mut()
            .for_each(|bench| bench.warm_up = Some(WarmUp { batches: 1, is_settled: false }));
    });
    assert_eq!(found[0].evidence.len(), 5);
    assert!(found[0].found.starts_with("40 benches"), "{}", found[0].found);
}

#[test]
fn rules_have_names_of_their_own_and_say_what_to_try() {
    let names: BTreeSet<&str> = rules().map(|rule| rule.name).collect();
    assert_eq!(names.len(), rules().count());
    assert!(rules().all(|rule| rule.advice.ends_with('.') && !rule.advice.contains("  ")));
}
