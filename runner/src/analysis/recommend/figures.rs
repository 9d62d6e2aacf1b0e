//! Figures that benches report by name, whichever suite they are of.

use perf_kernel::wire::BenchRecord;

use super::Severity;
use super::rule::{Context, Found, Rule, Scope, Sign, found, of, percent};
use crate::analysis::units::count;

/// Share of free memory that the largest request cannot use: the catalogue's target for `memory/fragmentation`.
const FRAGMENTATION_MAX: f64 = 0.05;

/// Share of the time spent on waiting for locks from which on a faster lock or less sharing pays.
const LOCK_WAIT_MAX: f64 = 0.1;

/// Share of accesses that hit: the catalogue's target for `memory/cache-sequential`.
const HIT_RATE_MIN: f64 = 0.9;

/// Ticks of the harness for each of a pair written by hand: the limit of `env/timer-pair`.
const HARNESS_RATIO_MAX: f64 = 1.25;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "fragmentation",
        scope: Scope::Every,
        find: fragmentation,
        advice: "Group blocks by lifetime, coalesce on free, or run compaction; see which request sizes fail.",
    },
    Rule {
        name: "hit-rate",
        scope: Scope::Every,
        find: hit_rate,
        advice: "Make the data smaller or its order the order of access; enlarge the cache if it is one of software.",
    },
    Rule {
        name: "lock-wait",
        scope: Scope::Time,
        find: lock_wait,
        advice: "Hold the lock for less, split what it guards, or take one made for contention (MCS, RCU for readers).",
    },
    Rule {
        name: "harness-cost",
        scope: Scope::Time,
        find: harness,
        advice: "Build the image with the pinned compiler and the profile `kernel`; short benches carry this cost.",
    },
    Rule {
        name: "no-hardware-aes",
        scope: Scope::Every,
        find: no_hardware_aes,
        advice: "Give the virtual machine a CPU model with `aes`; on bare metal the firmware may have switched it off.",
    },
    Rule {
        name: "no-processor-entropy",
        scope: Scope::Every,
        find: no_entropy,
        advice: "Give the virtual machine `rdrand` or `rdseed`; without them seeds come from jitter, which is slow.",
    },
];

/// The figures of `record` that are called `name`, or whose name ends in it after an underscore.
fn named<'r>(record: &'r BenchRecord, name: &str) -> impl Iterator<Item = (&'r str, u64)> {
    let is_it = move |known: &str| {
        known.strip_suffix(name).is_some_and(|head| head.is_empty() || head.ends_with('_'))
    };
    let figures = record.figures.iter().map(|figure| (figure.name.as_str(), figure.value));
    figures.filter(move |(known, _)| is_it(known)).collect::<Vec<_>>().into_iter()
}

/// The worst share in parts per million called `name` that `is_bad`, as a sign. `weight` is more the worse it is.
fn worst_ppm(
    record: &BenchRecord,
    name: &str,
    is_bad: fn(f64) -> bool,
    weight: fn(f64) -> f64,
) -> Option<Sign> {
    let shares = named(record, name).map(|(name, value)| (name, count(value) / 1e6));
    let signs = shares.filter(|(_, share)| is_bad(*share));
    let signs = signs.map(|(name, share)| Sign::new(weight(share), &record.id, name, percent(share)));
    signs.max_by(|a, b| a.weight.total_cmp(&b.weight))
}

fn fragmentation(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| {
        worst_ppm(record, "fragmentation_ppm", |share| share > FRAGMENTATION_MAX, |share| share)
    });
    found(
        signs,
        |_| Severity::Warning,
        |benches| {
            format!(
                "Free memory is fragmented beyond {} in {}.",
                percent(FRAGMENTATION_MAX),
                of(benches, "bench", "benches")
            )
        },
    )
}

fn hit_rate(context: &Context<'_>) -> Option<Found> {
    let signs = context
        .records(|record| worst_ppm(record, "hit_rate_ppm", |share| share < HIT_RATE_MIN, |share| -share));
    found(
        signs,
        |_| Severity::Warning,
        |benches| {
            format!(
                "Fewer than {} of the accesses hit in {}.",
                percent(HIT_RATE_MIN),
                of(benches, "bench", "benches")
            )
        },
    )
}

/// `lock_wait_ppm` is the share of the time, `lock_wait_ns` the wait within one iteration.
fn lock_wait(context: &Context<'_>) -> Option<Found> {
    let mut signs = context
        .records(|record| worst_ppm(record, "lock_wait_ppm", |share| share > LOCK_WAIT_MAX, |share| share));
    signs.extend(context.benches(|bench| {
        let p50 = bench.figures.as_ref().map(|figures| figures.p50).filter(|p50| *p50 > 0.0)?;
        let waits = bench.records.iter().flat_map(|record| named(record, "lock_wait_ns"));
        let (name, wait) = waits.max_by_key(|(_, wait)| *wait)?;
        let share = count(wait) / p50;
        let value = || format!("{wait} ns, {} of P50", percent(share));
        (share > LOCK_WAIT_MAX).then(|| Sign::new(share, bench.id, name, value()))
    }));
    found(
        signs,
        |_| Severity::Warning,
        |benches| {
            format!(
                "Waiting for locks takes a tenth of the time or more in {}.",
                of(benches, "bench", "benches")
            )
        },
    )
}

fn harness(context: &Context<'_>) -> Option<Found> {
    let signs = context.records(|record| {
        let is_pair = record.id == "env/timer-pair";
        let sign = || worst_ppm(record, "ratio_ppm", |ratio| ratio > HARNESS_RATIO_MAX, |ratio| ratio);
        is_pair.then(sign).flatten()
    });
    found(
        signs,
        |_| Severity::Warning,
        |_| "The timed region of the harness costs more than one written by hand should.".to_owned(),
    )
}

/// Benches that report 0 under `name`.
fn lacking(context: &Context<'_>, name: &str) -> Vec<Sign> {
    context.records(|record| {
        let figure = record.figures.iter().find(|figure| figure.name == name && figure.value == 0)?;
        Some(Sign::new(0.0, &record.id, figure.name.clone(), "0"))
    })
}

fn no_hardware_aes(context: &Context<'_>) -> Option<Found> {
    found(
        lacking(context, "hardware_aes"),
        |_| Severity::Note,
        |benches| format!("AES ran in software in {}.", of(benches, "bench", "benches")),
    )
}

fn no_entropy(context: &Context<'_>) -> Option<Found> {
    found(
        lacking(context, "processor_entropy"),
        |_| Severity::Note,
        |_| "The processor offers no random numbers.".to_owned(),
    )
}
