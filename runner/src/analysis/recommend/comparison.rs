//! What a comparison with a reference leaves open, and what it says of the machine.

use super::Severity;
use super::rule::{Context, Found, Rule, Scope, Sign, found, of, percent};
use crate::analysis::{BenchVerdict, Comparison, Likeness, Verdict};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "not-alike",
        scope: Scope::Every,
        find: unlike,
        advice: "Compare with a run of the same machine, mode and plan, or pin a new baseline for this one.",
    },
    Rule {
        name: "same-image-differs",
        scope: Scope::Time,
        find: same_image,
        advice: "The code is the same, so that the machine or its load changed: do not conclude anything from this \
                 comparison, and see to the machine first.",
    },
    Rule {
        name: "probes-differ",
        scope: Scope::Time,
        find: probes,
        advice: "The probes do not depend on the code under test: look at frequency, firmware settings and load before \
                 believing any other change.",
    },
    Rule {
        name: "undecided",
        scope: Scope::Time,
        find: undecided,
        advice: "Run again with so many boots more (--boots), on both sides if the reference can be booted again.",
    },
];

fn unlike(context: &Context<'_>) -> Option<Found> {
    let differences = context.comparison?.differences();
    let sign = |difference: &crate::analysis::Difference| {
        let value = format!("{} before, {} after", difference.a, difference.b);
        Sign::new(0.0, &format!("run {}", context.run.head.id), difference.field.clone(), value)
    };
    found(
        differences.iter().map(sign).collect(),
        |_| Severity::Warning,
        |fields| format!("Nothing was compared: the sides differ in {}.", of(fields, "field", "fields")),
    )
}

/// The benches of `comparison` that changed beyond doubt and of which `is_meant` holds.
fn changed(comparison: &Comparison, is_meant: impl Fn(&BenchVerdict) -> bool) -> Vec<Sign> {
    let has_changed = |bench: &&BenchVerdict| matches!(bench.verdict, Verdict::Regressed | Verdict::Improved);
    let sign = |bench: &BenchVerdict| {
        let share = bench.change?.ratio - 1.0;
        let way = if share > 0.0 { "more" } else { "less" };
        Some(Sign::new(share.abs(), &bench.id, "cost", format!("{} {way}", percent(share.abs()))))
    };
    comparison.benches.iter().filter(has_changed).filter(|bench| is_meant(bench)).filter_map(sign).collect()
}

fn same_image(context: &Context<'_>) -> Option<Found> {
    let comparison = context.comparison.filter(|comparison| comparison.images == Likeness::Same)?;
    found(
        changed(comparison, |_| true),
        |_| Severity::Serious,
        |benches| {
            format!("{} changed though both sides ran the same image.", of(benches, "bench", "benches"))
        },
    )
}

fn probes(context: &Context<'_>) -> Option<Found> {
    let comparison = context.comparison.filter(|comparison| comparison.images != Likeness::Same)?;
    found(
        changed(comparison, |bench| bench.id.starts_with("env/")),
        |_| Severity::Serious,
        |benches| format!("The machine is not what it was: {} changed.", of(benches, "probe", "probes")),
    )
}

fn undecided(context: &Context<'_>) -> Option<Found> {
    let comparison = context.comparison?;
    let open = comparison.benches.iter().filter(|bench| bench.verdict == Verdict::Undecided);
    let needed: Vec<(&BenchVerdict, Option<u32>)> =
        open.map(|bench| (bench, bench.change.and_then(|change| change.boots_more))).collect();
    let sign = |(bench, more): &(&BenchVerdict, Option<u32>)| {
        let value = more.map_or_else(|| "more than can be booted".to_owned(), |more| more.to_string());
        // Those that few boots decide are worth it first.
        Sign::new(-more.map_or(f64::INFINITY, f64::from), &bench.id, "boots more on each side", value)
    };
    let most = needed.iter().filter_map(|(_, more)| *more).max();
    found(
        needed.iter().map(sign).collect(),
        |_| Severity::Warning,
        |benches| {
            let open = format!(
                "{} undecided",
                if benches == 1 { "1 bench is".into() } else { format!("{benches} benches are") }
            );
            match most {
                Some(more) => format!("{open}; {} more would decide what boots can.", of_boots(more)),
                None => format!("{open}, and more boots would hardly decide."),
            }
        },
    )
}

fn of_boots(boots: u32) -> String {
    format!("{boots} {}", if boots == 1 { "boot" } else { "boots" })
}
