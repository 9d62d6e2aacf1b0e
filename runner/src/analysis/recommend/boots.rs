//! How many boots there are and how far they are apart.

use super::Severity;
use super::rule::{Context, Found, Rule, Scope, Sign, found, percent};
use crate::analysis::student::DEVIATION_OF_MAD;

/// Boots below which the spread between boots is hardly known: of two,
/// half of the time both lie on one side of the truth.
const BOOTS_MIN: usize = 3;

/// Distance of boots from each other that hides changes of some per cent.
const SPREAD_MAX: f64 = 0.05;

/// Times the deviation within a boot from which on boots differ by more than their samples explain.
const SPREAD_PER_DEVIATION: f64 = 3.0;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "boot-spread",
        scope: Scope::Time,
        find: spread,
        advice: "Raise --boots rather than the number of samples: what differs is fixed at start, as the placement of \
                 memory. Look for a boot that stands apart.",
    },
    Rule {
        name: "few-boots",
        scope: Scope::Time,
        find: few,
        advice: "Run with --boots 5 or more before anything is concluded from a difference.",
    },
];

fn spread(context: &Context<'_>) -> Option<Found> {
    let signs = context.benches(|bench| {
        let (figures, spread) = bench.figures.as_ref().zip(bench.spread)?;
        let within = DEVIATION_OF_MAD * figures.mad / figures.p50;
        let is_apart = spread > SPREAD_MAX && spread > SPREAD_PER_DEVIATION * within;
        let value = || format!("{}, deviation within a boot {}", percent(spread), percent(within));
        is_apart.then(|| Sign::new(spread, bench.id, "distance between boots", value()))
    });
    found(
        signs,
        |_| Severity::Warning,
        |benches| format!("{} from boot to boot by more than within a boot.", differ(benches)),
    )
}

fn differ(benches: usize) -> String {
    if benches == 1 { "1 bench differs".to_owned() } else { format!("{benches} benches differ") }
}

fn few(context: &Context<'_>) -> Option<Found> {
    let told = context.run.boots.iter().filter(|stored| !stored.boot.benches.is_empty()).count();
    let is_few = told > 0 && told < BOOTS_MIN;
    let sign = || Sign::new(0.0, &format!("run {}", context.run.head.id), "boots", told.to_string());
    found(
        is_few.then(sign).into_iter().collect(),
        |_| Severity::Note,
        |_| {
            if told == 1 {
                "One boot says little about the next."
            } else {
                "Two boots say little about the next."
            }
            .to_owned()
        },
    )
}
