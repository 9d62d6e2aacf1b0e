//! Whole outputs held against files, which `UPDATE_GOLDEN=1` rewrites.

use std::path::Path;
use std::{env, fs};

use perf_kernel::suites::Unit;
use perf_kernel::units::{Bytes, PartsPerMillion};
use perf_kernel::wire::{
    BenchRecord, CheckOutcome, Crash, ErrorCount, Interference, Level, LogLine, Mode, Registers,
    SampleSummary, Status, ValidityCheck, Windows,
};
use proptest::prelude::*;

use super::{
    Document, PageOptions, Palette, SkippedDetail, comparison, comparisons_json, csv, listing, page,
    run_lines,
};
use crate::analysis::compare;
use crate::assess::samples::cold;
use crate::collect::{Boot, BootEnd, Damage};
use crate::samples::{bench, skipped};
use crate::store::samples::{boot, run};
use crate::store::{Run, RunLine};

pub(crate) fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).expect("the folder is there");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name} differs; UPDATE_GOLDEN=1 rewrites it");
}

const PLAIN: PageOptions =
    PageOptions { palette: Palette::Plain, width: None, skipped: SkippedDetail::Grouped };

/// Benches of every kind that a report must show.
fn benches() -> Vec<BenchRecord> {
    let mut seal = bench("security/seal-aes256gcm/16ki", 26_000, 2);
    seal.bytes = Some(Bytes(16 << 10));
    let mut read = bench("memory/bandwidth-read/8mi", 1_900_000, 1);
    read.unit = Unit::Throughput;
    read.bytes = Some(Bytes(8 << 20));
    read.summary.as_mut().expect("measured").p999 = Some(3_000_000);
    let mut gaps = bench("env/spin-noise", 2_400, 1);
    gaps.unit = Unit::GapTicks;
    let mut fragmentation = bench("memory/fragmentation", 61_000, 1);
    fragmentation.unit = Unit::PartsPerMillion;
    let mut unsettled = bench("memory/alloc-large/1mi", 150_000, 4);
    unsettled.validity = vec![
        ValidityCheck { name: "result".into(), outcome: CheckOutcome::Passed, detail: String::new() },
        ValidityCheck {
            name: "settled".into(),
            outcome: CheckOutcome::Warned,
            detail: "median still moved by 4 %".into(),
        },
    ];
    let mut invalid = bench("memory/realloc/64", 900, 8);
    invalid.status = Status::Invalid;
    invalid.reason = Some("the work checksum changed between halves".into());
    let failed = BenchRecord {
        status: Status::Failed,
        errors: vec![ErrorCount { kind: "wrong tag".into(), count: 3 }],
        ..skipped("security/verify-ed25519", "a forged signature passed")
    };
    let not_built =
        ["kernel/syscall-null", "kernel/page-fault", "admin/user-create/100", "admin/user-delete/100"];
    let mut all = vec![bench("env/timer-pair", 90, 1), gaps, seal, failed];
    all.extend([bench("memory/alloc-small/16", 4_000, 64), unsettled, invalid, read, fragmentation]);
    all.extend(not_built.map(|id| skipped(id, "not built yet")));
    all.extend([
        skipped("update/delta-apply/64ki", "not built yet"),
        skipped("kernel/ipi-roundtrip", "needs smp: one CPU runs"),
    ]);
    all
}

fn full_boot(mode: Mode) -> Boot {
    let ledger = Interference {
        smi_count: Some(0),
        gap_count: Some(3),
        gap_ticks_max: Some(24_600),
        frequency_share: Some(PartsPerMillion(1_012_000)),
        ..Interference::default()
    };
    let log = vec![
        LogLine { level: Level::Warning, text: "the HPET is not used: it ran backwards".into() },
        LogLine { level: Level::Info, text: "not for the report".into() },
    ];
    Boot { ledger: Some(ledger), log, end: BootEnd::FailedBenches, ..boot(mode, benches()) }
}

fn crashed_run() -> Run {
    let crash = Crash {
        cause: "#PF".into(),
        message: "write to 0xdead0000, not present\u{1b}[2J".into(),
        bench: Some("memory/alloc-small/16".into()),
        cpu: 0,
        registers: Some(Registers { rip: 0xffff_8000_0012_3456, cr2: 0xdead_0000, ..Registers::default() }),
        backtrace: vec![0xffff_8000_0012_4000],
        image_base: 0xffff_8000_0000_0000,
        ticks: None,
    };
    let damage = Damage {
        frames_damaged: 2,
        frames_missing: vec![7, 8, 9],
        is_manifest_kept: Some(false),
        ..Damage::default()
    };
    let boot = Boot {
        end: BootEnd::Crashed,
        bench_running: Some("memory/alloc-small/16".into()),
        crash: Some(crash),
        damage,
        ..boot(Mode::Tcg, vec![bench("env/timer-pair", 90, 1), bench("evil\u{1b}[31m/x\u{202e}", 90, 1)])
    };
    let mut run = run("0badc0de", vec![boot]);
    run.boots[0].crash_frames =
        vec!["0: multios_core::memory::heap::Heap::allocate at multios-core/src/memory/heap.rs:81".into()];
    run
}

#[test]
fn the_page_of_a_hosted_run() {
    check("page-hosted.txt", &page(&run("3f2a91bc", vec![full_boot(Mode::Hosted)]), &PLAIN));
}

#[test]
fn the_page_of_an_exact_run() {
    check("page-icount.txt", &page(&run("3f2a91bc", vec![full_boot(Mode::Icount)]), &PLAIN));
}

#[test]
fn the_page_of_three_boots_in_colour_with_every_skipped_bench() {
    let mut boots = [0, 1, 2].map(|_| full_boot(Mode::Tcg));
    boots[1].benches[0] = bench("env/timer-pair", 110, 1);
    let options = PageOptions { palette: Palette::Coloured, width: Some(100), skipped: SkippedDetail::Each };
    check("page-three-boots.ansi", &page(&run("3f2a91bc", boots.to_vec()), &options));
}

#[test]
fn the_page_of_a_run_over_scales_on_a_machine_that_is_not_well() {
    let alloc =
        ["16", "64", "256", "1024"].map(|scale| bench(&format!("memory/alloc-small/{scale}"), 4_000, 64));
    let seals = [("64", 600), ("1ki", 3_000), ("16ki", 42_000), ("1mi", 2_700_000)];
    let seals = seals.map(|(scale, ticks)| bench(&format!("security/seal-aes256gcm/{scale}"), ticks, 1));
    let ledger = Interference { smi_count: Some(3), is_throttled: Some(true), ..Interference::default() };
    let mut boot = boot(Mode::Hardware, seals.into_iter().chain(alloc).collect());
    boot.ledger = Some(ledger);
    let clock = boot.clock.as_mut().expect("told");
    (clock.is_invariant, clock.disagreement) = (false, None);
    let run = run("3f2a91bc", vec![boot.clone(), boot]);
    check("page-scales.txt", &page(&run, &PLAIN));
    let everything = page(&run, &PageOptions { skipped: SkippedDetail::Each, ..PLAIN });
    assert!(everything.contains("few-boots: Two boots") && everything.contains("fans"), "{everything}");
}

/// A run of a machine that was chilled; one of its benches could not be.
fn chilled_run() -> Run {
    let mut call = bench("kernel/syscall-null", 8_000, 64);
    call.cold = Some(cold(2_400));
    let mut empty = bench("kernel/ipc-call-reply/0", 40_000, 32);
    (empty.bytes, empty.cold) = (Some(Bytes(0)), Some(cold(9_000)));
    let benches = vec![call, empty, bench("kernel/timer-wakeup", 1_900, 1)];
    run("3f2a91bc", vec![boot(Mode::Hardware, benches)])
}

#[test]
fn the_page_of_a_run_with_cold_figures_and_a_bench_of_no_bytes() {
    check("page-cold.txt", &page(&chilled_run(), &PLAIN));
}

#[test]
fn cold_figures_are_kept_for_scripts_and_compared_from_their_file() {
    let run = chilled_run();
    let document = Document::of(&run);
    let table = csv(&document);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].ends_with("cold_n,cold_min,cold_p50,cold_p90,cold_max"), "{table}");
    assert!(lines[1].ends_with(",100,900.0,1200.0,1440.0,2400.0"), "{table}");
    assert!(lines[3].ends_with(",,,,,"), "{table}");
    let baseline =
        Document::parse(document.to_text().as_bytes()).expect("just written").side("baseline.json");
    let known = side(&run);
    let cold = |side: &crate::analysis::Side| -> Vec<_> {
        let benches = side.boots[0].iter().filter(|bench| bench.id.ends_with(":cold"));
        benches.map(|bench| (bench.id.clone(), bench.unit, bench.p50, bench.summary.clone())).collect()
    };
    assert_eq!((cold(&baseline), cold(&known).len()), (cold(&known), 2));
}

#[test]
fn the_page_of_a_crash_on_a_bad_line() {
    let text = page(&crashed_run(), &PLAIN);
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "escapes of the transcript reached the page"
    );
    check("page-crash.txt", &text);
}

#[test]
fn the_page_of_a_boot_that_said_nothing() {
    let silent =
        Boot { hello: None, machine: None, clock: None, end: BootEnd::Hung, ..boot(Mode::Tcg, Vec::new()) };
    check("page-silent.txt", &page(&run("3f2a91bc", vec![silent]), &PLAIN));
}

#[test]
fn the_json_document() {
    let document = Document::of(&run("3f2a91bc", vec![full_boot(Mode::Hosted)]));
    let text = document.to_text();
    assert_eq!(Document::parse(text.as_bytes()).expect("just written"), document);
    check("run.json", &text);
    check("run-crash.json", &Document::of(&crashed_run()).to_text());
}

#[test]
fn the_csv_table() {
    check("run.csv", &csv(&Document::of(&run("3f2a91bc", vec![full_boot(Mode::Hosted)]))));
}

#[test]
fn comparisons() {
    let before = run("3f2a91bc", vec![full_boot(Mode::Icount)]);
    let mut after = before.clone();
    after.head.id = "77aa0011".into();
    let same = comparison(&compare(&side(&before), &side(&after)), Palette::Plain);
    check("compare-equal.txt", &same);

    let benches = &mut after.boots[0].boot.benches;
    benches[2].summary.as_mut().expect("measured").p50 += 400;
    benches[4].summary.as_mut().expect("measured").max -= 64;
    benches[5].checksum = None;
    benches[3].status = Status::Measured;
    benches.remove(8);
    check("compare-different.txt", &comparison(&compare(&side(&before), &side(&after)), Palette::Plain));

    let mut other = before.clone();
    other.boots[0].boot.machine.as_mut().expect("told").cpu.microcode = None;
    check("compare-unlike.txt", &comparison(&compare(&side(&before), &side(&other)), Palette::Plain));

    let one = run("3f2a91bc", vec![full_boot(Mode::Hosted)]);
    check("compare-one-boot.txt", &comparison(&compare(&side(&one), &side(&one)), Palette::Plain));
}

/// Eight boots whose benches take `factor` thousandths of what they otherwise do, with some spread.
fn eight_boots(id: &str, factors: [u64; 8]) -> Run {
    let boots = (0..8u64).map(|number| {
        let mut boot = full_boot(Mode::Hosted);
        for (record, factor) in boot.benches.iter_mut().zip(factors) {
            let Some(summary) = record.summary.as_mut() else { continue };
            // Neighbouring boots differ by parts in a thousand, the last bench's by more.
            let spread = if factor == 1_001 { 60 } else { 1 };
            summary.p50 = summary.p50 * 1_000 * (factor + spread * (number * 5 % 8)) / 1_000_000;
        }
        boot
    });
    run(id, boots.collect())
}

#[test]
fn comparisons_of_boots() {
    let before = eight_boots("3f2a91bc", [1_000; 8]);
    let mut after = eight_boots("77aa0011", [1_000, 1_000, 1_034, 1_000, 970, 1_001, 1_000, 1_000]);
    after.boots[3].boot.benches.retain(|bench| bench.id != "env/spin-noise");
    let found = compare(&side(&before), &side(&after));
    check("compare-boots.txt", &comparison(&found, Palette::Plain));
    check("compare-boots.ansi", &comparison(&found, Palette::Coloured));
    check("compare-boots.json", &comparisons_json(&[found]));
}

fn side(run: &Run) -> crate::analysis::Side {
    run.side(None).expect("it has boots")
}

#[test]
fn a_document_compares_as_the_run_that_it_was_written_from() {
    let run = run("3f2a91bc", vec![full_boot(Mode::Icount)]);
    let text = Document::of(&run).to_text();
    let baseline = Document::parse(text.as_bytes()).expect("just written").side("baseline.json");
    let comparison = compare(&baseline, &side(&run));
    assert!(!comparison.is_different(), "{comparison:?}");
    let crate::analysis::Outcome::Exact(exact) = comparison.outcome else { panic!("both are exact") };
    assert_eq!((exact.compared, exact.changes.len()), (7, 0));
}

#[test]
fn the_lists() {
    let text = listing(Palette::Plain);
    assert!(text.contains("memory/alloc-small") && text.contains("p99 <= 1 us"), "{text}");
    let run = crashed_run();
    let line = RunLine {
        head: run.head,
        mode: Some("tcg".into()),
        ends: vec![BootEnd::Done, BootEnd::Crashed],
        measured: 43,
    };
    check("runs.txt", &run_lines(&[line], Palette::Plain));
}

proptest! {
    /// A kernel gone mad may send any numbers.
    #[test]
    fn any_numbers_make_a_report(
        numbers in proptest::array::uniform12(prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)]),
        frequency in prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)],
        mode in prop_oneof![Just(Mode::Hardware), Just(Mode::Icount), Just(Mode::Tcg)],
        unit in prop_oneof![Just(Unit::Ticks), Just(Unit::GapTicks), Just(Unit::PartsPerMillion), Just(Unit::Bytes)],
    ) {
        let [n, low, middle, high, iterations, operations, bytes, samples, total, best, worst, more] = numbers;
        let mut record = bench("memory/alloc-small/16", 100, 1);
        record.summary = Some(SampleSummary {
            n, min: low, mean_milli: middle, deviation_milli: more, mad: more, p50: middle, p90: high, p95: high,
            p99: high, p999: Some(high), max: high,
        });
        record.windows = Some(Windows { samples, ticks_total: total, ticks_best: best, ticks_worst: worst });
        (record.iterations, record.operations, record.bytes, record.unit) =
            (iterations, operations, Some(Bytes(bytes)), unit);
        let mut boot = boot(mode, vec![record]);
        boot.clock.as_mut().expect("told").frequency.0 = frequency;
        boot.ledger = Some(Interference { gap_count: Some(n), gap_ticks_max: Some(high), steal_ns: Some(low), ..Interference::default() });
        let run = run("3f2a91bc", vec![boot.clone(), boot]);
        prop_assert!(page(&run, &PLAIN).contains("1 measured"));
        let document = Document::of(&run);
        prop_assert!(Document::parse(document.to_text().as_bytes()).is_ok());
        prop_assert_eq!(csv(&document).lines().count(), 3);
        let side = side(&run);
        let compared = compare(&side, &side);
        prop_assert!(!comparison(&compared, Palette::Plain).is_empty());
        prop_assert!(!comparisons_json(&[compared]).is_empty());
    }
}
