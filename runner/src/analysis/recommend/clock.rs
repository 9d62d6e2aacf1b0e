//! Whether ticks are what they are taken for, and whether the machine stayed the same.

use super::Severity;
use super::rule::{Context, Found, Rule, Scope, Sign, found, of, percent};
use crate::analysis::units::count;

/// A probe that drifts by more: the machine was not the same at the end. The kernel warns from there on too.
const DRIFT_MAX: f64 = 0.05;

/// Half of the disagreement at which the kernel calls a clock invalid (docs/METHODOLOGY.md): the next boot may be.
const DISAGREEMENT_NEAR_PPM: u64 = 500;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "clock-invalid",
        scope: Scope::Time,
        find: invalid,
        advice: "Compare the sources in the clock record: one of them is off. Switch spread spectrum and power saving \
                 of the firmware off, or leave this machine out.",
    },
    Rule {
        name: "clock-varies",
        scope: Scope::Time,
        find: varying,
        advice: "Fix the core's frequency in the firmware; give a virtual machine the CPU flag `invtsc`.",
    },
    Rule {
        name: "clock-near-limit",
        scope: Scope::Time,
        find: near_limit,
        advice: "Boot again and watch the disagreement; a source that wanders will make boots invalid.",
    },
    Rule {
        name: "one-clock",
        scope: Scope::Time,
        find: single,
        advice: "Enable HPET in the firmware or in the machine's profile, so that the counter has a second witness.",
    },
    Rule {
        name: "probe-drift",
        scope: Scope::Time,
        find: drift,
        advice: "Let the machine warm up before the first boot, switch turbo off, and see that nothing else runs on it.",
    },
];

fn invalid(context: &Context<'_>) -> Option<Found> {
    let signs = context.each_boot(|place, boot| {
        let clock = boot.clock.as_ref().filter(|clock| !clock.is_valid)?;
        let apart = clock.disagreement.map_or(0, |apart| apart.0);
        Some(Sign::new(count(apart), place, "disagreement of the clocks", format!("{apart} ppm")))
    });
    found(
        signs,
        |_| Severity::Serious,
        |boots| {
            format!("The clocks of {} disagree: no time of them can be trusted.", of(boots, "boot", "boots"))
        },
    )
}

fn varying(context: &Context<'_>) -> Option<Found> {
    let signs = context.each_boot(|place, boot| {
        boot.clock.as_ref().filter(|clock| !clock.is_invariant)?;
        Some(Sign::new(0.0, place, "invariant time stamp counter", "not promised"))
    });
    found(
        signs,
        |_| Severity::Warning,
        |boots| {
            format!(
                "The processor promises no constant rate of its counter in {}.",
                of(boots, "boot", "boots")
            )
        },
    )
}

fn near_limit(context: &Context<'_>) -> Option<Found> {
    let signs = context.each_boot(|place, boot| {
        let clock = boot.clock.as_ref().filter(|clock| clock.is_valid)?;
        let apart = clock.disagreement.filter(|apart| apart.0 > DISAGREEMENT_NEAR_PPM)?;
        Some(Sign::new(count(apart.0), place, "disagreement of the clocks", format!("{} ppm", apart.0)))
    });
    found(
        signs,
        |_| Severity::Note,
        |boots| format!("The clocks of {} are not far from disagreeing.", of(boots, "boot", "boots")),
    )
}

fn single(context: &Context<'_>) -> Option<Found> {
    let signs = context.each_boot(|place, boot| {
        let clock = boot.clock.as_ref().filter(|clock| clock.disagreement.is_none() && clock.is_valid)?;
        let names: Vec<&str> = clock.sources.iter().map(|source| source.name.as_str()).collect();
        Some(Sign::new(0.0, place, "clock sources", names.join(", ")))
    });
    found(
        signs,
        |_| Severity::Warning,
        |boots| format!("The counter of {} was held against one clock only.", of(boots, "boot", "boots")),
    )
}

fn drift(context: &Context<'_>) -> Option<Found> {
    let mut signs = Vec::new();
    for (place, boot) in context.boots() {
        for probe in boot.ledger.iter().flat_map(|ledger| &ledger.probes) {
            let drift = count(probe.drift.0) / 1e6;
            if drift > DRIFT_MAX {
                let way = if probe.end_milliticks > probe.start_milliticks { "slower" } else { "faster" };
                let figure = format!("drift of {}", probe.id);
                signs.push(Sign::new(drift, &place, figure, format!("{} {way} at the end", percent(drift))));
            }
        }
    }
    found(
        signs,
        |_| Severity::Serious,
        |_| "The machine changed its speed between the ends of a boot.".to_owned(),
    )
}
