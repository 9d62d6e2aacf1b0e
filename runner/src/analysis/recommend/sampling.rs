//! How well single benches were measured.

use std::collections::BTreeMap;

use perf_kernel::wire::{BenchRecord, CheckOutcome, Interruption};

use super::Severity;
use super::modes::two_modes;
use super::rule::{Context, Found, Rule, Scope, Sign, found, of, percent};
use crate::analysis::FigureUnit;
use crate::analysis::student::DEVIATION_OF_MAD;

/// Deviation, as a share of the median, beyond which a change of some per cent does not show in one boot.
const DEVIATION_MAX: f64 = 0.05;

/// P99 for each P50 from which on a tail is long: noise of a tenth of the median stays below 1.3.
const TAIL_MAX: f64 = 3.0;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "scale-check",
        scope: Scope::Every,
        find: scale,
        advice: "See that the larger scale still does its work: it may be optimised away, served from a cache, or broken.",
    },
    Rule {
        name: "unsettled",
        scope: Scope::Time,
        find: unsettled,
        advice: "Raise warm_up_ms_max in the plan, or take the standard preset.",
    },
    Rule {
        name: "short-samples",
        scope: Scope::Time,
        find: short,
        advice: "Read these figures with the cost of an empty region in mind; raise sampling_ms_max, so that samples may \
                 hold more iterations.",
    },
    Rule {
        name: "two-modes",
        scope: Scope::Time,
        find: two_groups,
        advice: "Look what switches: a fast and a slow path, alignment, a neighbour on the core. The median may jump from \
                 one group to the other without any change of code.",
    },
    Rule {
        name: "noisy",
        scope: Scope::Time,
        find: noisy,
        advice: "Quiet the machine, take more boots, and do not compare these benches by less than their deviation.",
    },
    Rule {
        name: "long-tail",
        scope: Scope::Time,
        find: tail,
        advice: "Look at the slowest samples and their causes; those without a cause are the bench's own: locks, reclaim, \
                 cache misses.",
    },
];

/// The check `name` of `record`, if it warned.
fn warned(record: &BenchRecord, name: &str, weight: f64) -> Option<Sign> {
    let is_it = |check: &&perf_kernel::wire::ValidityCheck| {
        check.name == name && check.outcome == CheckOutcome::Warned
    };
    let check = record.validity.iter().find(is_it)?;
    Some(Sign::new(weight, &record.id, format!("check {name}"), check.detail.clone()))
}

fn scale(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| warned(record, "scale", 0.0));
    found(
        signs,
        |_| Severity::Warning,
        |benches| format!("{} implausibly cheap against the scale below.", are(benches)),
    )
}

fn are(benches: usize) -> String {
    format!("{} {}", of(benches, "bench", "benches"), if benches == 1 { "is" } else { "are" })
}

fn unsettled(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| {
        let warm_up = record.warm_up.as_ref().filter(|warm_up| !warm_up.is_settled)?;
        Some(Sign::new(0.0, &record.id, "batches of warm-up", warm_up.batches.to_string()))
    });
    found(
        signs,
        |_| Severity::Warning,
        |benches| format!("{} had not settled when sampling began.", of(benches, "bench", "benches")),
    )
}

fn short(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| warned(record, "overhead", 0.0));
    found(
        signs,
        |_| Severity::Warning,
        |benches| {
            format!("Samples of {} are short against an empty region.", of(benches, "bench", "benches"))
        },
    )
}

fn two_groups(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| {
        let modes = two_modes(record.histogram.as_ref()?)?;
        let value =
            format!("{} of them {:.2} times as slow as the rest", percent(modes.upper_share), modes.ratio);
        record.unit.is_ticks().then(|| Sign::new(modes.ratio, &record.id, "samples", value))
    });
    found(
        signs,
        |_| Severity::Warning,
        |benches| format!("Samples of {} fall into two groups.", of(benches, "bench", "benches")),
    )
}

fn noisy(context: &Context<'_>) -> Option<Found> {
    let signs = context.benches(|bench| {
        let figures = bench.figures.as_ref().filter(|figures| figures.p50 > 0.0)?;
        let share = DEVIATION_OF_MAD * figures.mad / figures.p50;
        let is_noisy = share > DEVIATION_MAX && figures.unit == FigureUnit::Nanoseconds;
        is_noisy.then(|| Sign::new(share, bench.id, "robust deviation", percent(share)))
    });
    found(
        signs,
        |_| Severity::Warning,
        |benches| format!("{} noisier than {}.", are(benches), percent(DEVIATION_MAX)),
    )
}

fn tail(context: &Context<'_>) -> Option<Found> {
    let signs = context.benches(|bench| {
        let figures = bench.figures.as_ref().filter(|figures| figures.p50 > 0.0)?;
        let ratio = figures.p99 / figures.p50;
        // Rates tell batches of work from values such as the longest gap, of which a tail is expected.
        let is_long = ratio > TAIL_MAX && figures.rates.is_some();
        let value = || format!("{ratio:.1} times P50{}", causes(&bench.records));
        is_long.then(|| Sign::new(ratio, bench.id, "P99", value()))
    });
    found(signs, |_| Severity::Note, |benches| format!("{} a long tail.", have(benches)))
}

fn have(benches: usize) -> String {
    format!("{} {}", of(benches, "bench", "benches"), if benches == 1 { "has" } else { "have" })
}

/// What is known to have stretched the slowest samples.
fn causes(records: &[&BenchRecord]) -> String {
    let mut known: BTreeMap<Interruption, usize> = BTreeMap::new();
    for cause in records.iter().flat_map(|record| &record.slowest).filter_map(|sample| sample.cause) {
        *known.entry(cause).or_default() += 1;
    }
    let named = known.iter().map(|(cause, number)| format!("{number} by {}", name(*cause)));
    let named: Vec<String> = named.collect();
    if named.is_empty() { String::new() } else { format!("; of the slowest {}", named.join(", ")) }
}

const fn name(cause: Interruption) -> &'static str {
    match cause {
        Interruption::Smi => "SMI",
        Interruption::Nmi => "NMI",
        Interruption::Interrupt => "interrupt",
        Interruption::ContextSwitch => "context switch",
        Interruption::Steal => "steal",
        Interruption::Unknown => "something unknown",
    }
}
