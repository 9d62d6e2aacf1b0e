//! An assessment for tests of reports and pages, with a name that tries to break out of markup.

use perf_kernel::wire::{ColdFigures, Mode, SampleSummary};

use super::{Assessment, Course, TargetVerdict};
use crate::analysis::{
    BenchVerdict, Change, Evidence, FigureUnit, ForecastPoint, Growth, GrowthChange, GrowthClass, Level,
    Recommendation, ScaleCost, Score, ScorePart, Severity, Trend, Verdict, compare,
};
use crate::history::{Certainty, Finding, FindingId, Interval, Kind, Size, Span};
use crate::samples;
use crate::store::samples::{boot, run};
use crate::store::{Series, SeriesPoint, UnixSeconds};
use crate::tracking::{Acknowledgement, FindingEvent, FindingState, Place, TrackedFinding};

/// Text that no report may pass on as it is.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'&|`]]>\u{1b}[31m";

/// Cold figures with a median of `p50_ticks`.
pub(crate) fn cold(p50_ticks: u64) -> Box<ColdFigures> {
    let summary = SampleSummary {
        n: 100,
        min: p50_ticks - p50_ticks / 4,
        mean_milli: p50_ticks * 1_020,
        deviation_milli: p50_ticks * 40,
        mad: p50_ticks / 25,
        p50: p50_ticks,
        p90: p50_ticks + p50_ticks / 5,
        p95: p50_ticks + p50_ticks / 4,
        p99: p50_ticks + p50_ticks / 2,
        p999: None,
        max: p50_ticks * 2,
    };
    Box::new(ColdFigures { summary, overhead_ticks: 160, emptied: "caches by WBINVD, TLB by CR4.PGE".into() })
}

/// Two boots of four benches against a reference, with one bench of each verdict and a history of thirty runs.
pub(crate) fn assessment() -> Assessment {
    let benches = || {
        let mut failed = samples::bench("memory/realloc/64", 400, 1);
        failed.status = perf_kernel::wire::Status::Failed;
        failed.reason = Some(HOSTILE.into());
        vec![
            samples::bench("env/reference-loop", 1_890, 1),
            samples::bench("memory/alloc-small/16", 142, 1),
            samples::bench("memory/alloc-small/64", 180, 1),
            failed,
            samples::skipped("kernel/syscall", "not built yet"),
        ]
    };
    let run = run("3f2a91bc", vec![boot(Mode::Hosted, benches()), boot(Mode::Hosted, benches())]);
    let side = run.side(None).expect("two boots");
    let mut comparison = compare(&side, &side);
    comparison.a = format!("baseline {HOSTILE}");
    comparison.benches = verdicts();
    Assessment {
        machine: run.fingerprint().name(),
        run,
        comparison: Some(comparison),
        courses: vec![course("memory/alloc-small/16")],
        growth: vec![growth()],
        growth_changes: vec![growth_change()],
        score: Some(score()),
        targets: vec![TargetVerdict {
            bench: "memory/alloc-small/16".into(),
            target: "p99 <= 1 us".into(),
            is_met: Some(true),
            reason: None,
        }],
        recommendations: vec![Recommendation {
            rule: "smi".into(),
            severity: Severity::Serious,
            found: "System management interrupts stole time in boot 1.".into(),
            evidence: vec![Evidence { place: "boot 1".into(), figure: "SMIs".into(), value: "12".into() }],
            advice: "Turn legacy USB emulation off in the firmware.".into(),
        }],
    }
}

fn verdicts() -> Vec<BenchVerdict> {
    let level = |median: f64| Level { boots: 8, median, low: median * 0.99, high: median * 1.02 };
    let bench = |id: &str, verdict: Verdict, ratio: f64| BenchVerdict {
        id: id.into(),
        verdict,
        reason: None,
        unit: Some(FigureUnit::Nanoseconds),
        before: Some(level(100.0)),
        after: Some(level(100.0 * ratio)),
        change: Some(Change {
            ratio,
            interval: Some(Interval { low: ratio - 0.004, high: ratio + 0.004 }),
            confidence: Some(0.95),
            effect: Some(if ratio > 1.0 { 1.0 } else { -1.0 }),
            p: Some(0.000_2),
            q: Some(0.001),
            detectable: Some(0.006),
            boots_more: (verdict == Verdict::Undecided).then_some(4),
        }),
    };
    vec![
        bench("env/reference-loop", Verdict::Equivalent, 1.001),
        bench("memory/alloc-small/16", Verdict::Regressed, 1.034),
        bench("memory/alloc-small/64", Verdict::Improved, 0.91),
        BenchVerdict {
            reason: Some(HOSTILE.into()),
            change: None,
            ..bench("memory/realloc/64", Verdict::Invalid, 1.0)
        },
    ]
}

fn course(bench: &str) -> Course {
    let point = |index: u32| {
        let value = f64::from(index % 5) + if index < 20 { 138.0 } else { 145.0 };
        SeriesPoint {
            run: format!("{index:08x}"),
            started: UnixSeconds(1_795_000_000 + u64::from(index) * 86_400),
            revision: Some(format!("{index:040x}")),
            image_hash: None,
            unit: "ns".into(),
            value,
            low: value - 1.0,
            high: value + 1.5,
            boots: 2,
        }
    };
    let points: Vec<_> = (0..30).map(point).collect();
    let finding = TrackedFinding {
        bench: bench.into(),
        machine: "00000000000000aa".into(),
        finding: Finding {
            id: FindingId(0x1234_5678_9abc_def0),
            kind: Kind::Step,
            certainty: Certainty::Confirmed,
            at: 20,
            location: vec![Span { first: 19, last: 21 }],
            size: Size {
                before: 140.0,
                after: 147.0,
                shift: 7.0,
                interval: Some(Interval { low: 6.0, high: 8.0 }),
            },
            ln_p: Some(-12.0),
        },
        state: FindingState::Standing,
        place: Some(Place {
            before: Some(points[19].run.clone()),
            run: points[20].run.clone(),
            revision: points[20].revision.clone(),
            candidates: points[19..=21].iter().map(|point| point.run.clone()).collect(),
        }),
        acknowledgement: Some(Acknowledgement {
            at: UnixSeconds(1_797_000_000),
            reason: format!("meant: {HOSTILE}"),
        }),
        events: vec![FindingEvent { run: points[23].run.clone(), what: "opened as step".into() }],
    };
    let trend = Trend {
        points: 10,
        first: 20,
        share_per_day: 0.000_4,
        interval: Some(Interval { low: 0.000_1, high: 0.000_7 }),
        is_moving: true,
        forecast: vec![ForecastPoint {
            days: 30.0,
            value: 149.0,
            interval: Interval { low: 144.0, high: 154.0 },
        }],
    };
    Course { series: Series { bench: bench.into(), points }, findings: vec![finding], trend: Some(trend) }
}

fn growth() -> Growth {
    let cost =
        |scale: &str, size: f64, cost: f64| ScaleCost { scale: scale.into(), size, cost, spread: Some(0.01) };
    Growth {
        subject: "memory/alloc-small".into(),
        unit: "ns".into(),
        costs: vec![cost("16", 16.0, 142.0), cost("64", 64.0, 180.0), cost("256", 256.0, 181.0)],
        exponent: Some(0.08),
        interval: Some(Interval { low: -0.05, high: 0.2 }),
        class: GrowthClass::Flat,
    }
}

fn growth_change() -> GrowthChange {
    GrowthChange {
        subject: "memory/alloc-small".into(),
        before: GrowthClass::Flat,
        after: GrowthClass::Linear,
        exponent_before: 0.02,
        exponent_after: 0.97,
        interval_before: Interval { low: -0.05, high: 0.09 },
        interval_after: Interval { low: 0.9, high: 1.04 },
    }
}

fn score() -> Score {
    let part = |name: &str, points: f64, benches| ScorePart {
        name: name.into(),
        points,
        interval: Some(Interval { low: points - 1.5, high: points + 1.5 }),
        benches,
    };
    Score {
        reference: "baseline".into(),
        total: part("total", 101.2, 3),
        suites: vec![part("memory", 101.2, 2)],
        machine_ratio: Some(1.001),
        left_out: 1,
    }
}
