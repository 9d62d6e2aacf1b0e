//! OpenMetrics 1.0 text, for Prometheus and what reads its format.

mod exposition;

use std::collections::BTreeMap;

use perf_kernel::suites::Unit;
use perf_kernel::wire::{Mode, Status};

use super::case::{self, Case};
use crate::analysis::{FigureUnit, Figures, MergedBench, Verdict};
use crate::assess::Assessment;
use crate::collect::BootEnd;
use crate::tracking::FindingState;
use exposition::{Exposition, Family, Labels, MetricKind};

/// Figures of one kind: the name of their families without the unit, the unit, and how many of the figure's unit one is.
struct Dimension {
    name: &'static str,
    unit: &'static str,
    each: f64,
    help: &'static str,
    holds: fn(FigureUnit, Unit) -> bool,
}

/// Base units, as OpenMetrics asks for.
const DIMENSIONS: [Dimension; 5] = [
    Dimension {
        name: "multios_perf_iteration",
        unit: "seconds",
        each: 1e9,
        help: "Time of one iteration; quantiles 0 and 1 are the extremes of all boots, others medians over the boots.",
        holds: |figure, unit| figure == FigureUnit::Nanoseconds && unit != Unit::GapTicks,
    },
    Dimension {
        name: "multios_perf_gap",
        unit: "seconds",
        each: 1e9,
        help: "Longest pause seen in a sample; quantiles as for iterations.",
        holds: |figure, unit| figure == FigureUnit::Nanoseconds && unit == Unit::GapTicks,
    },
    Dimension {
        name: "multios_perf_iteration",
        unit: "instructions",
        each: 1.0,
        help: "Instructions of one iteration in exact mode; quantiles as for times.",
        holds: |figure, _| figure == FigureUnit::Instructions,
    },
    Dimension {
        name: "multios_perf_share",
        unit: "ratio",
        each: 1e6,
        help: "A share, for benches that measure one; quantiles as for iterations.",
        holds: |figure, _| figure == FigureUnit::PartsPerMillion,
    },
    Dimension {
        name: "multios_perf_memory",
        unit: "bytes",
        each: 1.0,
        help: "An amount of memory, for benches that measure one; quantiles as for iterations.",
        holds: |figure, _| figure == FigureUnit::Bytes,
    },
];

const STATUSES: [(Status, &str); 4] = [
    (Status::Measured, "measured"),
    (Status::Skipped, "skipped"),
    (Status::Failed, "failed"),
    (Status::Invalid, "invalid"),
];

/// The run as OpenMetrics text. Every sample carries the machine, so that files of several machines may be put together;
/// none carries a time of its own, which scrapers and file collectors refuse.
#[must_use]
pub fn openmetrics(assessment: &Assessment) -> String {
    let mut out = Exposition::default();
    let machine = Labels::default().with("machine", &assessment.machine);
    add_run(&mut out, assessment, &machine);
    let cases: Vec<Case<'_>> = case::suites(assessment).into_iter().flat_map(|suite| suite.cases).collect();
    add_figures(&mut out, &cases, &machine);
    add_rates(&mut out, &cases, &machine);
    add_verdicts(&mut out, &cases, &machine);
    add_judgements(&mut out, assessment, &machine);
    out.finish()
}

fn add_run(out: &mut Exposition, assessment: &Assessment, machine: &Labels) {
    let run = &assessment.run;
    let known = [
        ("run", Some(run.head.id.as_str())),
        ("command", Some(&run.head.command)),
        ("mode", run.mode().map(Mode::name)),
        ("image", run.image_hash()),
        ("revision", run.head.revision.as_deref()),
        ("reference", assessment.comparison.as_ref().map(|comparison| comparison.a.as_str())),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let labels = known.fold(machine.clone(), |labels, (name, value)| labels.with(name, value));
    let family = Family {
        name: "multios_perf_run",
        kind: MetricKind::Info,
        unit: "",
        help: "The run that was assessed.",
    };
    out.add(&family, vec![("_info", labels, 1.0)]);
    let family = Family {
        name: "multios_perf_run_started_timestamp_seconds",
        kind: MetricKind::Gauge,
        unit: "seconds",
        help: "When the run was asked for, in seconds since 1970.",
    };
    out.add(&family, vec![("", machine.clone(), crate::analysis::count(run.head.started.0))]);
    let mut ends: BTreeMap<&str, f64> = BTreeMap::new();
    for stored in &run.boots {
        *ends.entry(end_name(stored.boot.end)).or_default() += 1.0;
    }
    let family = Family {
        name: "multios_perf_boots",
        kind: MetricKind::Gauge,
        unit: "",
        help: "Boots of the run by how they ended.",
    };
    out.add(&family, ends.into_iter().map(|(end, number)| ("", machine.with("end", end), number)).collect());
}

fn add_figures(out: &mut Exposition, cases: &[Case<'_>], machine: &Labels) {
    for dimension in &DIMENSIONS {
        let shown: Vec<(Labels, &Figures)> = benches(cases)
            .filter_map(|(case, bench)| {
                let figures = case.figures()?;
                let unit = bench.worst()?.unit;
                (dimension.holds)(figures.unit, unit).then(|| (machine.with("bench", &case.id), figures))
            })
            .collect();
        let name = format!("{}_{}", dimension.name, dimension.unit);
        let family =
            Family { name: &name, kind: MetricKind::Summary, unit: dimension.unit, help: dimension.help };
        let quantiles = |(labels, figures): &(Labels, &Figures)| {
            let quantiles = quantiles(figures)
                .into_iter()
                .map(|(quantile, value)| ("", labels.with("quantile", quantile), value / dimension.each));
            let number = ("_count", labels.clone(), crate::analysis::count(figures.n));
            quantiles.chain([number]).collect::<Vec<_>>()
        };
        out.add(&family, shown.iter().flat_map(quantiles).collect());
        let name = format!("{}_deviation_{}", dimension.name, dimension.unit);
        let family = Family {
            name: &name,
            kind: MetricKind::Gauge,
            unit: dimension.unit,
            help: "Median absolute deviation from the median, unscaled.",
        };
        let deviations =
            shown.iter().map(|(labels, figures)| ("", labels.clone(), figures.mad / dimension.each));
        out.add(&family, deviations.collect());
    }
}

fn quantiles(figures: &Figures) -> Vec<(&'static str, f64)> {
    let all = [
        ("0", Some(figures.min)),
        ("0.5", Some(figures.p50)),
        ("0.9", Some(figures.p90)),
        ("0.95", Some(figures.p95)),
        ("0.99", Some(figures.p99)),
        ("0.999", figures.p999),
        ("1", Some(figures.max)),
    ];
    all.into_iter().filter_map(|(quantile, value)| Some((quantile, value?))).collect()
}

fn add_rates(out: &mut Exposition, cases: &[Case<'_>], machine: &Labels) {
    let rates: Vec<_> = benches(cases)
        .filter_map(|(case, _)| Some((machine.with("bench", &case.id), case.figures()?.rates?)))
        .collect();
    let windows = |labels: &Labels, all: Option<f64>, slowest: Option<f64>, fastest: Option<f64>| {
        let windows = [("all", all), ("slowest", slowest), ("fastest", fastest)];
        let known = windows.into_iter().filter_map(|(window, value)| Some((window, value?)));
        known.map(|(window, value)| ("", labels.with("window", window), value)).collect::<Vec<_>>()
    };
    let operations = rates.iter().flat_map(|(labels, rates)| {
        windows(labels, Some(rates.operations), rates.operations_sustained, rates.operations_peak)
    });
    let family = Family {
        name: "multios_perf_operations_per_second",
        kind: MetricKind::Gauge,
        unit: "per_second",
        help: "Operations a second over all samples, and in the slowest and fastest tenth of them.",
    };
    out.add(&family, operations.collect());
    let bytes = rates.iter().flat_map(|(labels, rates)| {
        windows(labels, rates.bytes(), rates.bytes_sustained(), rates.bytes_peak())
    });
    let family = Family {
        name: "multios_perf_bytes_per_second",
        kind: MetricKind::Gauge,
        unit: "bytes_per_second",
        help: "Bytes a second, for benches about data, in the same windows.",
    };
    out.add(&family, bytes.collect());
}

fn add_verdicts(out: &mut Exposition, cases: &[Case<'_>], machine: &Labels) {
    let states = |name: &'static str, id: &str, all: &[&str], now: &str| {
        let labels = machine.with("bench", id);
        let state = |state: &&str| ("", labels.with(name, state), if *state == now { 1.0 } else { 0.0 });
        all.iter().map(state).collect::<Vec<_>>()
    };
    let statuses = benches(cases).flat_map(|(case, bench)| {
        let now = STATUSES.iter().find(|(status, _)| *status == bench.status).map_or("", |(_, name)| *name);
        states("multios_perf_status", &case.id, &STATUSES.map(|(_, name)| name), now)
    });
    let family = Family {
        name: "multios_perf_status",
        kind: MetricKind::StateSet,
        unit: "",
        help: "The worst status of the bench in any boot.",
    };
    out.add(&family, statuses.collect());
    let judged: Vec<_> = cases.iter().filter_map(|case| Some((case, case.verdict?))).collect();
    let verdicts = judged.iter().flat_map(|(case, verdict)| {
        states("multios_perf_verdict", &case.id, &Verdict::ALL.map(Verdict::name), verdict.verdict.name())
    });
    let family = Family {
        name: "multios_perf_verdict",
        kind: MetricKind::StateSet,
        unit: "",
        help: "What the comparison with the reference says of the bench.",
    };
    out.add(&family, verdicts.collect());
    let changes =
        judged.iter().filter_map(|(case, verdict)| Some((machine.with("bench", &case.id), verdict.change?)));
    let changes: Vec<_> = changes.collect();
    let ratio = |name, help| Family { name, kind: MetricKind::Gauge, unit: "ratio", help };
    let family = ratio("multios_perf_change_ratio", "Cost now for each unit of cost in the reference.");
    out.add(&family, changes.iter().map(|(labels, change)| ("", labels.clone(), change.ratio)).collect());
    let ends = changes.iter().filter_map(|(labels, change)| Some((labels, change.interval?)));
    let ends: Vec<_> = ends.collect();
    let family = ratio("multios_perf_change_low_ratio", "Lower end of the interval of the change.");
    out.add(&family, ends.iter().map(|(labels, interval)| ("", (*labels).clone(), interval.low)).collect());
    let family = ratio("multios_perf_change_high_ratio", "Upper end of the interval of the change.");
    out.add(&family, ends.iter().map(|(labels, interval)| ("", (*labels).clone(), interval.high)).collect());
}

fn add_judgements(out: &mut Exposition, assessment: &Assessment, machine: &Labels) {
    let judged = assessment.targets.iter().filter_map(|target| Some((target, target.is_met?)));
    let targets = judged.map(|(target, is_met)| {
        let labels = machine.with("bench", &target.bench).with("target", &target.target);
        ("", labels, if is_met { 1.0 } else { 0.0 })
    });
    let gauge = |name, help| Family { name, kind: MetricKind::Gauge, unit: "", help };
    let family = gauge("multios_perf_target_met", "Whether a target of the catalogue was met: 1 if it was.");
    out.add(&family, targets.collect());
    if let Some(score) = &assessment.score {
        let family =
            gauge("multios_perf_score", "Speed against the reference over all suites; 100 is equal.");
        out.add(&family, vec![("", machine.clone(), score.total.points)]);
        let suites = score.suites.iter().map(|part| ("", machine.with("suite", &part.name), part.points));
        let family =
            gauge("multios_perf_suite_score", "Speed of a suite against the reference; 100 is equal.");
        out.add(&family, suites.collect());
    }
    let findings = assessment.courses.iter().map(|course| {
        let open = course
            .findings
            .iter()
            .filter(|it| it.state == FindingState::Standing && it.acknowledgement.is_none());
        let number = open.fold(0.0, |number, _| number + 1.0);
        ("", machine.with("bench", &course.series.bench), number)
    });
    let family =
        gauge("multios_perf_open_findings", "Findings in the history that stand and nobody has explained.");
    out.add(&family, findings.collect());
}

/// The cases that are benches of this run.
fn benches<'a>(cases: &'a [Case<'a>]) -> impl Iterator<Item = (&'a Case<'a>, &'a MergedBench<'a>)> {
    cases.iter().filter_map(|case| Some((case, case.bench.as_ref()?)))
}

const fn end_name(end: BootEnd) -> &'static str {
    match end {
        BootEnd::Done => "done",
        BootEnd::FailedBenches => "failed_benches",
        BootEnd::Crashed => "crashed",
        BootEnd::Hung => "hung",
        BootEnd::PowerLost => "power_lost",
        BootEnd::Refused => "refused",
        BootEnd::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;
    use crate::samples;

    fn value(text: &str, sample: &str) -> Option<f64> {
        text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
    }

    #[test]
    fn times_are_in_seconds_and_verdicts_are_states() {
        let assessment = assessment();
        let text = openmetrics(&assessment);
        let labels = format!("machine=\"{}\",bench=\"memory/alloc-small/16\"", assessment.machine);
        let median = format!("multios_perf_iteration_seconds{{{labels},quantile=\"0.5\"}}");
        assert_eq!(value(&text, &median), Some(71e-9), "{text}");
        let state = |state| {
            value(&text, &format!("multios_perf_verdict{{{labels},multios_perf_verdict=\"{state}\"}}"))
        };
        assert_eq!((state("regressed"), state("improved")), (Some(1.0), Some(0.0)));
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn instructions_have_a_family_of_their_own() {
        let mut assessment = assessment();
        for stored in &mut assessment.run.boots {
            stored.boot.clock = Some(samples::clock(Mode::Icount));
        }
        let text = openmetrics(&assessment);
        assert!(text.contains("# UNIT multios_perf_iteration_instructions instructions\n"), "{text}");
        assert!(!text.contains("multios_perf_iteration_seconds"), "{text}");
    }

    #[test]
    fn a_family_stands_in_one_place() {
        let text = openmetrics(&assessment());
        let mut names: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
