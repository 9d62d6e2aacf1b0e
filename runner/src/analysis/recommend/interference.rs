//! What took time from the benches.

use perf_kernel::wire::Interference;

use super::Severity;
use super::rule::{Context, Found, Rule, Scope, Sign, found, of, percent, share};
use crate::analysis::units::{count, nanoseconds};
use crate::collect::Boot;

/// System management interrupts a second of measuring from which on no tail can be trusted. Each stops all CPUs for
/// tens of microseconds or more (Delgado and Karavanic 2013).
const SMI_PER_SECOND_SERIOUS: f64 = 1.0;

/// Speed below the nominal one from which on it is not what the machine was bought for.
const FREQUENCY_LOW: f64 = 0.95;

/// Speed above the nominal one that only turbo gives, and takes away with heat.
const FREQUENCY_TURBO: f64 = 1.05;

/// Distance of the fastest bench's frequency from the slowest one's that shows in comparisons of one per cent.
const FREQUENCY_RANGE_MAX: f64 = 0.05;

/// Share of the time stolen from which on medians move, and from which on nothing holds.
const STEAL_MAX: f64 = 0.001;
const STEAL_SERIOUS: f64 = 0.01;

/// Share of a polling loop lost in gaps: what a timer tick of a quiet system takes is below; at ten times that, medians
/// of long samples move.
const GAP_SHARE_MAX: f64 = 0.001;
const GAP_SHARE_WARNING: f64 = 0.01;

/// Share of CPU time below which something else ran on the bench's CPU.
const CPU_SHARE_MIN: f64 = 0.95;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "smi",
        scope: Scope::Time,
        find: smi,
        advice: "Switch legacy USB emulation, TCO and firmware power monitoring off; if they stay, read medians and leave \
                 P99 and max alone.",
    },
    Rule {
        name: "thermal",
        scope: Scope::Time,
        find: thermal,
        advice: "Clean the cooler, set the fans to full, or lower the power limit below what the machine can cool; then \
                 measure again.",
    },
    Rule {
        name: "steal",
        scope: Scope::Time,
        find: steal,
        advice: "Pin the virtual CPU to a core of its own, or measure on bare metal.",
    },
    Rule {
        name: "frequency-low",
        scope: Scope::Time,
        find: slow,
        advice: "Set the performance profile in the firmware and look for power or current limits.",
    },
    Rule {
        name: "frequency-moves",
        scope: Scope::Time,
        find: moving,
        advice: "Switch turbo and deep idle states off in the firmware, so that all benches run at one frequency.",
    },
    Rule {
        name: "nmi",
        scope: Scope::Time,
        find: nmi,
        advice: "Switch the watchdog of firmware or hypervisor off; if they go on, look for memory errors that it reports.",
    },
    Rule {
        name: "gaps",
        scope: Scope::Time,
        find: gaps,
        advice: "On bare metal look at SMIs and the hypervisor; in a process isolate the CPU (isolcpus, nohz_full) and \
                 move interrupts away from it.",
    },
    Rule {
        name: "shared-cpu",
        scope: Scope::Time,
        find: shared_cpu,
        advice: "Stop what else runs, or keep it away from the last CPU, which the benches are pinned to.",
    },
    Rule {
        name: "turbo",
        scope: Scope::Time,
        find: turbo,
        advice: "For steady figures switch turbo off: it depends on heat and on what the other cores do.",
    },
];

/// A sign for each boot of whose ledger `sign` finds one.
fn ledgers(context: &Context<'_>, sign: impl Fn(&str, &Boot, &Interference) -> Option<Sign>) -> Vec<Sign> {
    context.each_boot(|place, boot| sign(place, boot, boot.ledger.as_ref()?))
}

/// Time in which samples of `boot` were taken; `None` if its clock does not tell.
fn measuring_ns(boot: &Boot) -> Option<f64> {
    let clock = boot.clock.as_ref()?;
    let ticks = boot.benches.iter().map(|bench| count(bench.system.elapsed_ticks)).sum();
    nanoseconds(ticks, clock.frequency).filter(|time| *time > 0.0)
}

fn smi(context: &Context<'_>) -> Option<Found> {
    let signs = ledgers(context, |place, boot, ledger| {
        let number = ledger.smi_count.filter(|number| *number > 0)?;
        let rate = measuring_ns(boot).map_or(0.0, |time| count(number) / time * 1e9);
        Some(Sign::new(rate, place, "SMIs", number.to_string()))
    });
    let severity =
        |rate: f64| if rate > SMI_PER_SECOND_SERIOUS { Severity::Serious } else { Severity::Warning };
    found(signs, severity, |boots| {
        format!("System management interrupts stole time in {}.", of(boots, "boot", "boots"))
    })
}

fn thermal(context: &Context<'_>) -> Option<Found> {
    let signs = ledgers(context, |place, _, ledger| {
        ledger.is_throttled.filter(|is_throttled| *is_throttled)?;
        Some(Sign::new(0.0, place, "throttled for heat", "yes"))
    });
    found(
        signs,
        |_| Severity::Serious,
        |boots| format!("The processor throttled for heat in {}.", of(boots, "boot", "boots")),
    )
}

fn steal(context: &Context<'_>) -> Option<Found> {
    let signs = ledgers(context, |place, boot, ledger| {
        let share = count(ledger.steal_ns?) / measuring_ns(boot)?;
        (share > STEAL_MAX).then(|| Sign::new(share, place, "time stolen by the hypervisor", percent(share)))
    });
    let severity = |share: f64| if share > STEAL_SERIOUS { Severity::Serious } else { Severity::Warning };
    found(signs, severity, |boots| {
        format!("The hypervisor gave time of {} to others.", of(boots, "boot", "boots"))
    })
}

/// APERF for each MPERF of a ledger.
fn frequency(ledger: &Interference) -> Option<f64> {
    ledger.frequency_share.map(|share| count(share.0) / 1e6)
}

fn slow(context: &Context<'_>) -> Option<Found> {
    let signs = ledgers(context, |place, _, ledger| {
        let share = frequency(ledger).filter(|share| *share < FREQUENCY_LOW)?;
        Some(Sign::new(1.0 - share, place, "speed against nominal", percent(share)))
    });
    found(
        signs,
        |_| Severity::Warning,
        |boots| format!("The processor ran below its nominal speed in {}.", of(boots, "boot", "boots")),
    )
}

fn turbo(context: &Context<'_>) -> Option<Found> {
    let signs = ledgers(context, |place, _, ledger| {
        let share = frequency(ledger).filter(|share| *share > FREQUENCY_TURBO)?;
        Some(Sign::new(share, place, "speed against nominal", percent(share)))
    });
    found(signs, |_| Severity::Note, |boots| format!("Turbo was on in {}.", of(boots, "boot", "boots")))
}

fn moving(context: &Context<'_>) -> Option<Found> {
    let signs = context.each_boot(|place, boot| {
        let shares = boot.benches.iter().filter_map(|bench| frequency(&bench.interference));
        let (low, high) =
            shares.fold((f64::INFINITY, 0.0_f64), |(low, high), share| (low.min(share), high.max(share)));
        let range = high - low;
        let value = || format!("{} to {}", percent(low), percent(high));
        (range > FREQUENCY_RANGE_MAX).then(|| Sign::new(range, place, "speed of its benches", value()))
    });
    found(
        signs,
        |_| Severity::Warning,
        |boots| format!("Benches of {} ran at different frequencies.", of(boots, "boot", "boots")),
    )
}

fn nmi(context: &Context<'_>) -> Option<Found> {
    let signs = ledgers(context, |place, _, ledger| {
        let number = ledger.nmi_count.filter(|number| *number > 0)?;
        Some(Sign::new(count(number), place, "NMIs", number.to_string()))
    });
    found(
        signs,
        |_| Severity::Warning,
        |boots| format!("Non-maskable interrupts came in {}.", of(boots, "boot", "boots")),
    )
}

fn gaps(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| {
        let value =
            |name: &str| record.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value);
        let lost = share(value("gaps_above_1us_ticks")?, value("polled_ticks")?)?;
        (lost > GAP_SHARE_MAX)
            .then(|| Sign::new(lost, &record.id, "time lost in gaps above 1 us", percent(lost)))
    });
    let severity = |lost: f64| if lost > GAP_SHARE_WARNING { Severity::Warning } else { Severity::Note };
    found(signs, severity, |_| {
        "Something interrupts a loop that does nothing but look at the counter.".to_owned()
    })
}

fn shared_cpu(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| {
        let share = count(record.system.cpu_time_share?.0) / 1e6;
        (share < CPU_SHARE_MIN)
            .then(|| Sign::new(1.0 - share, &record.id, "share of CPU time", percent(share)))
    });
    found(
        signs,
        |_| Severity::Warning,
        |benches| format!("{} had to share the CPU.", of(benches, "bench", "benches")),
    )
}
