//! Every rule of the gate, and that the gravest cause decides.

use perf_kernel::wire::{BenchRecord, Mode, Status};

use super::{BootHealth, Decision, Evidence, Standing, decide};
use crate::analysis::{
    BenchVerdict, Change, Comparison, FigureUnit, Level, Settings, Side, Verdict, compare_with,
};
use crate::assess::samples::cold;
use crate::baseline::Complaint;
use crate::collect::BootEnd;
use crate::exit_code;
use crate::samples;
use crate::store::samples::{boot, run};

/// Six kinds of cause, the gravest first, as docs/exit-codes.md orders them.
const CODES: [u8; 6] = [
    exit_code::NOT_COMPARABLE,
    exit_code::INVALID,
    exit_code::NO_DATA,
    exit_code::REGRESSED,
    exit_code::SUSPECTED,
    exit_code::IMPROVED,
];

fn side(mode: Mode, benches: &[BenchRecord]) -> Side {
    run("3f2a91bc", vec![boot(mode, benches.to_vec())]).side(None).expect("it has a boot")
}

fn measured(ids: &[&str]) -> Vec<BenchRecord> {
    ids.iter().map(|id| samples::bench(id, 1_000, 10)).collect()
}

fn level() -> Level {
    Level { boots: 5, median: 50.0, low: 49.0, high: 51.0 }
}

fn verdict(id: &str, verdict: Verdict, ratio: f64, p: Option<f64>) -> BenchVerdict {
    BenchVerdict {
        id: id.to_owned(),
        verdict,
        reason: None,
        unit: Some(FigureUnit::Nanoseconds),
        before: Some(level()),
        after: Some(level()),
        change: Some(Change {
            ratio,
            interval: None,
            confidence: None,
            effect: None,
            p,
            q: None,
            detectable: None,
            boots_more: Some(7),
        }),
    }
}

/// A comparison of times with these verdicts.
fn comparison(a: &Side, b: &Side, benches: Vec<BenchVerdict>) -> Comparison {
    Comparison { benches, ..compare_with(a, b, &Settings::default()) }
}

fn of_verdicts(benches: Vec<BenchVerdict>) -> Decision {
    let ids: Vec<&str> = benches.iter().map(|bench| bench.id.as_str()).collect();
    let side = side(Mode::Hosted, &measured(&ids));
    let comparison = comparison(&side, &side, benches.clone());
    decide(&Evidence { baseline: &side, run: &side, boots: &[], comparison: &comparison })
}

fn of_exact(before: &[BenchRecord], after: &[BenchRecord]) -> Decision {
    let (mut a, b) = (side(Mode::Icount, before), side(Mode::Icount, after));
    a.image_hash = Some("before".into());
    let comparison = compare_with(&a, &b, &Settings::default());
    decide(&Evidence { baseline: &a, run: &b, boots: &[], comparison: &comparison })
}

#[test]
fn cold_figures_that_one_side_lacks_are_no_cause_and_those_of_both_are_judged() {
    let with_cold = |ticks| {
        let mut benches = measured(&["env/a"]);
        benches[0].cold = Some(cold(ticks));
        benches
    };
    for (before, after) in [(with_cold(400), measured(&["env/a"])), (measured(&["env/a"]), with_cold(400))] {
        let decision = of_exact(&before, &after);
        assert_eq!((decision.standing, decision.compared, decision.new), (Standing::Passed, 1, 0));
    }
    let decision = of_exact(&with_cold(400), &with_cold(500));
    assert_eq!((decision.standing, decision.compared), (Standing::Regressed, 2));
    let benches: Vec<_> = decision.causes.iter().map(|cause| cause.bench.as_deref()).collect();
    assert_eq!(benches, [Some("env/a:cold")]);
}

#[test]
fn the_gravest_of_any_causes_decides() {
    let ids = ["env/a", "env/b", "env/c", "env/d"];
    for causes in 0_u32..64 {
        let has = |place: usize| causes & (1 << place) != 0;
        let base = side(Mode::Hosted, &measured(&ids));
        let mut records = measured(&ids);
        if has(1) {
            records.push(BenchRecord { status: Status::Failed, ..samples::bench("env/e", 10, 1) });
        }
        if has(2) {
            records.remove(0);
        }
        let mut mine = side(Mode::Hosted, &records);
        if has(0) {
            mine.fingerprint.0.insert("memory".into(), "less".into());
        }
        let told = |place: usize, told: Verdict, ratio| {
            let told = if has(place) { told } else { Verdict::Equivalent };
            verdict(ids[place - 2], told, ratio, None)
        };
        let benches = vec![
            told(3, Verdict::Regressed, 1.1),
            told(4, Verdict::Undecided, 1.1),
            told(5, Verdict::Improved, 0.9),
        ];
        let comparison = comparison(&base, &mine, if has(0) { Vec::new() } else { benches });
        let found = decide(&Evidence { baseline: &base, run: &mine, boots: &[], comparison: &comparison });
        let expected = (0..6).find(|place| has(*place)).map_or(exit_code::OK, |place| CODES[place]);
        assert_eq!(found.standing.exit_code(), expected, "{causes:06b}: {found:?}");
        assert!(found.causes.is_sorted_by_key(|cause| std::cmp::Reverse(cause.standing)));
    }
}

#[test]
fn each_verdict_on_a_time_has_its_standing() {
    let settings = Settings::default();
    let (under, over) = (1.0 + settings.margin / 2.0, 1.0 + settings.margin * 2.0);
    let (likely, unlikely) = (Some(settings.alpha / 2.0), Some(settings.alpha * 2.0));
    let cases = [
        (Verdict::Regressed, over, likely, Standing::Regressed),
        (Verdict::Improved, 0.9, likely, Standing::Improved),
        (Verdict::Equivalent, under, unlikely, Standing::Passed),
        (Verdict::Undecided, over, unlikely, Standing::Suspected),
        (Verdict::Undecided, over, None, Standing::Suspected),
        (Verdict::Undecided, under, likely, Standing::Suspected),
        (Verdict::Undecided, under, unlikely, Standing::Passed),
        (Verdict::Undecided, under, None, Standing::Passed),
        (Verdict::Undecided, 0.9, likely, Standing::Passed),
        (Verdict::Undecided, f64::NAN, None, Standing::Passed),
        (Verdict::Invalid, 1.0, None, Standing::Invalid),
        (Verdict::NotComparable, 1.0, None, Standing::NoData),
    ];
    for (said, ratio, p, expected) in cases {
        let found = of_verdicts(vec![
            verdict("env/pause", said, ratio, p),
            verdict("env/l1-load", Verdict::Equivalent, 1.0, None),
        ]);
        assert_eq!(found.standing, expected, "{said} {ratio} {p:?}: {found:?}");
        assert_eq!(found.undecided, usize::from(said == Verdict::Undecided && expected == Standing::Passed));
    }
}

#[test]
fn no_data_never_passes() {
    let empty = of_verdicts(Vec::new());
    assert_eq!((empty.standing, empty.compared), (Standing::NoData, 0));
    let base = side(Mode::Hosted, &measured(&["env/pause", "env/l1-load"]));
    let lost = |records: Vec<BenchRecord>| {
        let mine = side(Mode::Hosted, &records);
        let equal = verdict("env/pause", Verdict::Equivalent, 1.0, None);
        let comparison = comparison(&base, &mine, vec![equal]);
        decide(&Evidence { baseline: &base, run: &mine, boots: &[], comparison: &comparison })
    };
    let skipped = vec![samples::bench("env/pause", 1_000, 10), samples::skipped("env/l1-load", "no")];
    let mut without_samples = measured(&["env/pause", "env/l1-load"]);
    without_samples[1].summary = None;
    for records in [measured(&["env/pause"]), skipped, without_samples, Vec::new()] {
        let found = lost(records);
        assert_eq!(found.standing, Standing::NoData);
        assert!(found.causes.iter().any(|cause| cause.bench.as_deref() == Some("env/l1-load")), "{found:?}");
    }
    assert_eq!(lost(measured(&["env/pause", "env/l1-load"])).standing, Standing::Passed);
}

#[test]
fn a_side_without_boots_is_no_data() {
    let mine = side(Mode::Hosted, &measured(&["env/pause"]));
    let none = Side { boots: Vec::new(), ..mine.clone() };
    for (a, b) in [(&none, &mine), (&mine, &none), (&none, &none)] {
        let comparison = compare_with(a, b, &Settings::default());
        let found = decide(&Evidence { baseline: a, run: b, boots: &[], comparison: &comparison });
        assert_eq!(found.standing, Standing::NoData, "{found:?}");
    }
}

#[test]
fn boots_that_did_not_end_well_do_not_pass() {
    let side = side(Mode::Hosted, &measured(&["env/pause"]));
    let comparison = comparison(&side, &side, vec![verdict("env/pause", Verdict::Equivalent, 1.0, None)]);
    let with = |complaint: Complaint| {
        let boots = [BootHealth { number: 2, complaints: vec![complaint] }];
        decide(&Evidence { baseline: &side, run: &side, boots: &boots, comparison: &comparison })
    };
    let ends = [BootEnd::Crashed, BootEnd::Hung, BootEnd::PowerLost, BootEnd::Refused, BootEnd::Interrupted];
    for end in ends {
        assert_eq!(with(Complaint::Ended(end)).standing, Standing::NoData, "{end:?}");
    }
    assert_eq!(with(Complaint::Ended(BootEnd::FailedBenches)).standing, Standing::Invalid);
    assert_eq!(with(Complaint::Clock).standing, Standing::Invalid);
    let missing = with(Complaint::Missing(Some(3)));
    assert_eq!(missing.standing, Standing::NoData);
    assert_eq!(missing.causes[0].why.as_deref(), Some("boot 2 lacks 3 frames that never arrived"));
}

#[test]
fn a_run_whose_boots_are_not_alike_is_not_comparable() {
    let base = side(Mode::Hosted, &measured(&["env/pause"]));
    let mut mine = base.clone();
    mine.mixed = vec![crate::analysis::Difference { field: "image".into(), a: "1".into(), b: "2".into() }];
    let comparison = comparison(&base, &mine, vec![verdict("env/pause", Verdict::Equivalent, 1.0, None)]);
    let found = decide(&Evidence { baseline: &base, run: &mine, boots: &[], comparison: &comparison });
    assert_eq!(found.standing, Standing::NotComparable);
}

#[test]
fn one_instruction_more_regresses_and_one_less_is_to_be_pinned() {
    let before = measured(&["env/pause", "env/l1-load"]);
    assert_eq!(of_exact(&before, &before).standing, Standing::Passed);
    let moved = |by: i64| {
        let mut after = before.clone();
        let summary = after[1].summary.as_mut().expect("measured");
        summary.p50 = summary.p50.saturating_add_signed(by);
        of_exact(&before, &after)
    };
    assert_eq!(moved(1).standing, Standing::Regressed);
    assert_eq!(moved(-1).standing, Standing::Improved);
    assert_eq!(moved(1).causes[0].bench.as_deref(), Some("env/l1-load"));
}

#[test]
fn more_samples_or_longer_batches_are_no_cost_and_still_to_be_pinned() {
    let before = measured(&["env/pause"]);
    let longer = vec![samples::bench("env/pause", 2_000, 20)];
    assert_eq!(of_exact(&before, &longer).standing, Standing::Improved);
    let mut more = before.clone();
    more[0].summary.as_mut().expect("measured").n += 1;
    assert_eq!(of_exact(&before, &more).standing, Standing::Improved);
}

#[test]
fn exact_benches_that_come_go_or_fail_are_told_apart() {
    let before = measured(&["env/pause", "env/l1-load"]);
    let with = |change: &dyn Fn(&mut Vec<BenchRecord>)| {
        let mut after = before.clone();
        change(&mut after);
        of_exact(&before, &after)
    };
    assert_eq!(with(&|after| after.truncate(1)).standing, Standing::NoData);
    assert_eq!(with(&|after| after[1] = samples::skipped("env/l1-load", "no")).standing, Standing::NoData);
    assert_eq!(with(&|after| after[1].status = Status::Failed).standing, Standing::Invalid);
    assert_eq!(with(&|after| after[1].status = Status::Invalid).standing, Standing::Invalid);
    let grown = with(&|after| after.extend(measured(&["env/timer-pair"])));
    assert_eq!((grown.standing, grown.new), (Standing::Improved, 1));
    let listed = with(&|after| after.push(samples::skipped("kernel/syscall-null", "not built yet")));
    assert_eq!(listed.standing, Standing::Passed, "a catalogue that grows changes nothing");
    let other_fields = with(&|after| after[1].checksum = None);
    assert_eq!(other_fields.standing, Standing::Passed, "another image may differ in other fields");
}

#[test]
fn two_boots_of_one_image_that_differ_in_any_field_are_invalid() {
    let before = measured(&["env/pause"]);
    let mut after = before.clone();
    after[0].checksum = None;
    let (a, b) = (side(Mode::Icount, &before), side(Mode::Icount, &after));
    let comparison = compare_with(&a, &b, &Settings::default());
    let found = decide(&Evidence { baseline: &a, run: &b, boots: &[], comparison: &comparison });
    assert_eq!(found.standing, Standing::Invalid);
}

#[test]
fn a_figure_of_the_baseline_that_failed_is_told_once() {
    let mut records = measured(&["env/pause", "env/l1-load"]);
    let good = side(Mode::Hosted, &records);
    records[0].status = Status::Invalid;
    let bad = side(Mode::Hosted, &records);
    let benches = || {
        vec![
            verdict("env/pause", Verdict::Invalid, 1.0, None),
            verdict("env/l1-load", Verdict::Equivalent, 1.0, None),
        ]
    };
    for (a, b) in [(&bad, &good), (&good, &bad), (&bad, &bad)] {
        let comparison = comparison(a, b, benches());
        let found = decide(&Evidence { baseline: a, run: b, boots: &[], comparison: &comparison });
        assert_eq!((found.standing, found.causes.len()), (Standing::Invalid, 1), "{found:?}");
    }
}

#[test]
fn benches_that_the_baseline_does_not_know_pass_with_a_count() {
    let base = side(Mode::Hosted, &measured(&["env/pause"]));
    let mine = side(Mode::Hosted, &measured(&["env/pause", "env/l1-load"]));
    let new = BenchVerdict { before: None, ..verdict("env/l1-load", Verdict::NotComparable, 1.0, None) };
    let comparison =
        comparison(&base, &mine, vec![verdict("env/pause", Verdict::Equivalent, 1.0, None), new]);
    let found = decide(&Evidence { baseline: &base, run: &mine, boots: &[], comparison: &comparison });
    assert_eq!((found.standing, found.new), (Standing::Passed, 1));
}
