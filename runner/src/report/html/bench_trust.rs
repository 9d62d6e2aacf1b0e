//! Why a bench's figures may be believed, and what else its records tell.

use maud::{Markup, html};
use perf_kernel::units::PartsPerMillion;
use perf_kernel::wire::{BenchRecord, CheckOutcome, Interference, Interruption, PmuCounts, SlowSample};

use super::parts;
use super::view::{BenchView, BootRecord};
use crate::analysis::{Conversion, count};
use crate::report::clean::clean;
use crate::report::quantity::{bytes, counted, instructions, share, time};
use crate::report::words::{self, figure};

/// Slow samples that are shown.
const SLOWEST_MAX: usize = 8;

pub(super) fn trust(bench: &BenchView<'_>) -> Markup {
    html! {
        section {
            h3 { "Can it be trusted?" }
            (checks(bench))
            (interference(bench))
            (errors(bench))
            div.columns { (slowest(bench)) (counters(bench)) }
            (more(bench))
        }
    }
}

/// Each check once, with the boots that it did not pass in.
fn checks(bench: &BenchView<'_>) -> Markup {
    let mut names: Vec<&str> = Vec::new();
    for check in bench.boots.iter().flat_map(|boot| &boot.record.validity) {
        if !names.contains(&check.name.as_str()) {
            names.push(&check.name);
        }
    }
    html! {
        @if names.is_empty() { p.quiet { "No check was sent with it." } }
        @else { ul.checks { @for name in names { (check(bench, name)) } } }
    }
}

fn check(bench: &BenchView<'_>, name: &str) -> Markup {
    let all =
        bench.boots.iter().flat_map(|boot| boot.record.validity.iter().map(|check| (boot.number, check)));
    let all: Vec<_> = all.filter(|(_, check)| check.name == name).collect();
    let worst = all.iter().map(|(_, check)| check.outcome).max_by_key(|outcome| gravity(*outcome));
    let (class, sign, word) = match worst {
        Some(CheckOutcome::Failed) => ("failed", "\u{d7}", "failed"),
        Some(CheckOutcome::Warned) => ("undecided", "!", "warned"),
        Some(CheckOutcome::Passed) | None => ("met", "\u{2713}", "passed"),
    };
    html! {
        li {
            (parts::badge(class, sign, word)) " " strong { (clean(name)) }
            @for (number, check) in all.iter().filter(|(_, check)| check.outcome != CheckOutcome::Passed) {
                " " span.quiet { "boot " (number) @if !check.detail.is_empty() { ": " (clean(&check.detail)) } "." }
            }
        }
    }
}

const fn gravity(outcome: CheckOutcome) -> u8 {
    match outcome {
        CheckOutcome::Passed => 0,
        CheckOutcome::Warned => 1,
        CheckOutcome::Failed => 2,
    }
}

fn interference(bench: &BenchView<'_>) -> Markup {
    let lines: Vec<(u32, Vec<String>)> = bench
        .boots
        .iter()
        .map(|boot| (boot.number, disturbances(&boot.record.interference)))
        .filter(|(_, parts)| !parts.is_empty())
        .collect();
    html! {
        p {
            strong { "Interference: " }
            @if lines.is_empty() { "none was seen while it ran." }
            @else { @for (number, parts) in &lines { "boot " (number) ": " (parts.join(", ")) ". " } }
        }
    }
}

/// What disturbed a bench, without what did not happen.
fn disturbances(ledger: &Interference) -> Vec<String> {
    let number = |number: Option<u64>, what: &str| {
        number.filter(|number| *number > 0).map(|number| format!("{} {what}", counted(number)))
    };
    let is_slow = |share: &PartsPerMillion| share.0 < 990_000;
    let parts = [
        number(ledger.smi_count, "SMIs"),
        number(ledger.nmi_count, "NMIs"),
        number(ledger.gap_count, "gaps above 1 \u{b5}s"),
        ledger.is_throttled.filter(|is| *is).map(|_| "throttled for heat".to_owned()),
        ledger
            .frequency_share
            .filter(is_slow)
            .map(|it| format!("at {:.1} % of nominal speed", count(it.0) / 1e4)),
        ledger
            .steal_ns
            .filter(|stolen| *stolen > 0)
            .map(|stolen| format!("{} stolen", words::typeset(&time(count(stolen))))),
    ];
    parts.into_iter().flatten().collect()
}

fn errors(bench: &BenchView<'_>) -> Markup {
    let all: Vec<_> = bench
        .boots
        .iter()
        .flat_map(|boot| boot.record.errors.iter().map(|error| (boot.number, error)))
        .collect();
    let attempts: u64 = bench.boots.iter().map(|boot| boot.record.attempts).fold(0, u64::saturating_add);
    let successes: u64 = bench.boots.iter().map(|boot| boot.record.successes).fold(0, u64::saturating_add);
    html! {
        @if !all.is_empty() || successes < attempts {
            p.notice { (counted(successes)) " of " (counted(attempts)) " iterations gave the right result." }
            ul.names.one {
                @for (number, error) in all { li { "boot " (number) ": " (counted(error.count)) " \u{d7} " (clean(&error.kind)) } }
            }
        }
    }
}

fn slowest(bench: &BenchView<'_>) -> Markup {
    let samples = |boot: &BootRecord<'_>| {
        let conversion = boot.clock.and_then(|clock| Conversion::of(boot.record, clock));
        let number = boot.number;
        let each = move |sample: &SlowSample| {
            conversion.map(|it| (it.figure(sample.value), it.unit, number, sample.clone()))
        };
        boot.record.slowest.iter().filter_map(each).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = bench.boots.iter().flat_map(samples).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)).then(a.3.index.cmp(&b.3.index)));
    html! {
        @if !all.is_empty() {
            div {
                h4 { "Slowest samples" }
                table.small {
                    caption.hidden { "Slowest samples" }
                    thead { tr { th.number scope="col" { "figure" } th.number scope="col" { "boot" } th.number scope="col" { "sample" } th scope="col" { "meanwhile" } } }
                    tbody {
                        @for (value, unit, number, sample) in all.iter().take(SLOWEST_MAX) {
                            tr {
                                td.number { (figure(*value, *unit)) } td.number { (number) } td.number { (counted(sample.index)) }
                                td { (cause(sample.cause)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn cause(cause: Option<Interruption>) -> &'static str {
    match cause {
        Some(Interruption::Smi) => "system management interrupt",
        Some(Interruption::Nmi) => "non-maskable interrupt",
        Some(Interruption::Interrupt) => "interrupt",
        Some(Interruption::ContextSwitch) => "context switch",
        Some(Interruption::Steal) => "time stolen by the hypervisor",
        Some(Interruption::Unknown) => "something that this version does not know",
        None => "nothing known",
    }
}

/// Performance counters of the first boot that has them: totals, and for one iteration.
fn counters(bench: &BenchView<'_>) -> Markup {
    let Some((boot, counts)) = bench.boots.iter().find_map(|boot| Some((boot, boot.record.pmu.as_deref()?)))
    else {
        return html! {};
    };
    let rows: Vec<(&str, u64)> = [
        ("cycles", counts.cycles),
        ("instructions", counts.instructions),
        ("last-level cache references", counts.llc_references),
        ("last-level cache misses", counts.llc_misses),
        ("branch misses", counts.branch_misses),
        ("data TLB misses", counts.dtlb_misses),
    ]
    .into_iter()
    .filter_map(|(name, number)| Some((name, number?)))
    .collect();
    let attempts = count(boot.record.attempts);
    html! {
        @if !rows.is_empty() {
            div {
                h4 { "Performance counters" span.quiet { " boot " (boot.number) } }
                table.small {
                    caption.hidden { "Performance counters" }
                    thead { tr { th scope="col" { "counter" } th.number scope="col" { "in all" } th.number scope="col" { "an iteration" } } }
                    tbody {
                        @for (name, number) in &rows {
                            tr {
                                th scope="row" { (name) } td.number { (counted(*number)) }
                                td.number { @if attempts > 0.0 { (instructions(count(*number) / attempts)) } }
                            }
                        }
                    }
                }
                @if let Some(text) = ratios(counts) { p.quiet { (text) } }
                @if let Some(text) = passes(boot.record) { p.quiet { (text) } }
                @if let Some(text) = empty_sample(boot.record) { p.quiet { (text) } }
            }
        }
    }
}

fn ratios(counts: &PmuCounts) -> Option<String> {
    let ratio = |part: Option<u64>, whole: Option<u64>| {
        part.zip(whole).filter(|(_, whole)| *whole > 0).map(|(part, whole)| count(part) / count(whole))
    };
    let each = ratio(counts.instructions, counts.cycles).map(|it| format!("{it:.2} instructions a cycle"));
    let misses = ratio(counts.llc_misses, counts.llc_references);
    let misses = misses.map(|it| format!("{:.1} % of last-level cache references miss", it * 100.0));
    let parts: Vec<String> = [each, misses].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Which figures were counted together, where that is not all of them.
fn passes(record: &BenchRecord) -> Option<String> {
    let passes: Vec<String> =
        record.pmu_passes.iter().map(|pass| clean(&pass.figures.join(", ")).into_owned()).collect();
    let text =
        || format!("counted in {} passes over as many iterations each: {}", passes.len(), passes.join(" | "));
    (passes.len() > 1).then(text)
}

/// What the harness adds to each sample.
fn empty_sample(record: &BenchRecord) -> Option<String> {
    let empty = record.pmu_empty_sample.as_ref()?;
    let part = |number: Option<u64>, name: &str| number.map(|number| format!("{} {name}", counted(number)));
    let parts = [part(empty.cycles, "cycles"), part(empty.instructions, "instructions")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("an empty sample: {}, subtracted nowhere", parts.join(", ")))
}

/// What else the first record tells, folded away.
fn more(bench: &BenchView<'_>) -> Markup {
    let Some(boot) = bench.boots.first() else { return html! {} };
    let facts = record_facts(boot.record);
    html! {
        details {
            summary { "More of boot " (boot.number) }
            (parts::facts(&facts.iter().map(|(name, value)| (name.as_ref(), html! { (value) })).collect::<Vec<_>>()))
        }
    }
}

fn record_facts(record: &BenchRecord) -> Vec<(std::borrow::Cow<'_, str>, String)> {
    let mut facts: Vec<(std::borrow::Cow<'_, str>, String)> = Vec::new();
    let mut add =
        |name: &'static str, value: Option<String>| facts.extend(value.map(|value| (name.into(), value)));
    add("iterations in a sample", Some(counted(record.iterations)));
    add("operations in an iteration", (record.operations > 1).then(|| counted(record.operations)));
    add("data in an iteration", record.bytes.map(|it| bytes(count(it.0))));
    add("iterations", Some(format!("{}, {} right", counted(record.attempts), counted(record.successes))));
    let settled = |is| if is { "the median settled" } else { "the median did NOT settle" };
    add(
        "warm-up",
        record
            .warm_up
            .as_ref()
            .map(|it| format!("{} batches, {}", counted(it.batches), settled(it.is_settled))),
    );
    add("empty timed region", Some(format!("{} ticks, subtracted nowhere", counted(record.overhead_ticks))));
    add("checksum of all results", record.checksum.as_deref().map(|it| clean(it).into_owned()));
    let memory = record.memory.as_ref();
    add(
        "heap",
        memory.map(|it| format!("{} live, {} at most", bytes(count(it.live.0)), bytes(count(it.peak.0)))),
    );
    let system = &record.system;
    add("CPU time", system.cpu_time_share.map(|it| share(count(it.0))));
    add("read and written", system.io_bytes.map(|it| bytes(count(it.0))));
    add("context switches", system.context_switches.map(counted));
    add("interrupts", system.interrupts.map(counted));
    add("energy of the package", system.package_energy_uj.map(|it| format!("{:.3} J", count(it) / 1e6)));
    let own = record.figures.iter().map(|it| (clean(&it.name), counted(it.value)));
    facts.extend(own);
    facts
}
