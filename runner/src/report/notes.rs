//! What a reader must know besides the table: warnings, interference, what was skipped and why.

use std::collections::BTreeMap;

use perf_kernel::wire::{CheckOutcome, Interference, Level, Mode, Status};

use super::clean::clean;
use super::page::{PageOptions, SkippedDetail};
use super::quantity::{counted, time};
use super::style::{Palette, Style};
use crate::analysis::{MergedBench, Recommendation, Severity, count, nanoseconds, recommend, suite_of};
use crate::collect::{Boot, Damage};
use crate::store::Run;

/// Names that a grouped line shows.
const NAMES_MAX: usize = 4;

/// Lines that recommendations take unless all are shown.
const LINES_MAX: usize = 5;

/// Rules that repeat what the checks of benches have said.
const RULES_OF_CHECKS: [&str; 3] = ["unsettled", "short-samples", "scale-check"];

/// The lines below the table, each group with a blank line before it.
pub(super) fn notes(run: &Run, merged: &[MergedBench<'_>], options: &PageOptions) -> String {
    let palette = options.palette;
    let groups = [
        troubles(merged, palette),
        warnings(run, merged, options),
        interference(run, palette),
        skipped(merged, options),
        footnotes(run, merged, palette),
    ];
    groups.iter().filter(|group| !group.is_empty()).map(|group| format!("\n{group}")).collect()
}

/// Benches that failed or are invalid, each with its reason.
fn troubles(merged: &[MergedBench<'_>], palette: Palette) -> String {
    let mut text = String::new();
    for bench in merged.iter().filter(|bench| matches!(bench.status, Status::Failed | Status::Invalid)) {
        let Some(record) = bench.worst() else { continue };
        let reason = record.reason.as_deref().unwrap_or("no reason given");
        let word = palette.paint(Style::Bad, super::table::status_name(bench.status));
        text.push_str(&format!("  {word} {}: {}\n", clean(bench.id), clean(reason)));
        for error in &record.errors {
            text.push_str(&format!("    {} x {}\n", counted(error.count), clean(&error.kind)));
        }
    }
    titled("Not usable", &text, palette)
}

/// Checks that warned, what the line did, and what the kernel had to say.
fn warnings(run: &Run, merged: &[MergedBench<'_>], options: &PageOptions) -> String {
    let mut benches: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for bench in merged.iter().filter(|bench| bench.status != Status::Skipped) {
        let checks = bench.records.iter().flat_map(|record| &record.validity);
        for check in checks.filter(|check| check.outcome != CheckOutcome::Passed) {
            let detail = if check.detail.is_empty() { String::new() } else { format!(" ({})", check.detail) };
            let names = benches.entry(&check.name).or_default();
            let name = format!("{}{}", clean(bench.id), clean(&detail));
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut text = String::new();
    for (check, names) in benches {
        let shown = some_of(&names, options.skipped);
        text.push_str(&format!("  {}: {shown}\n", clean(check)));
    }
    for (line, boots) in boot_warnings(run) {
        let boots: Vec<_> = boots.iter().map(u32::to_string).collect();
        let label = if boots.len() > 1 { "boots" } else { "boot" };
        text.push_str(&format!("  {label} {}: {line}\n", boots.join(", ")));
    }
    text.push_str(&recommendations(run, options.skipped));
    titled("Warnings", &text, options.palette)
}

/// What to look at next: the worst in a line each, or all with what to try.
fn recommendations(run: &Run, detail: SkippedDetail) -> String {
    let all = recommend(run, None);
    if detail == SkippedDetail::Each {
        let shown = all.iter().map(whole);
        return shown.collect();
    }
    let is_new = |rule: &str| !RULES_OF_CHECKS.contains(&rule);
    let worth: Vec<_> = all.iter().filter(|it| it.severity > Severity::Note && is_new(&it.rule)).collect();
    // The line that says how many more there are is one of them.
    let fit = if worth.len() > LINES_MAX { LINES_MAX - 1 } else { worth.len() };
    let mut text: String =
        worth[..fit].iter().map(|it| format!("  {}: {}\n", clean(&it.rule), clean(&it.found))).collect();
    let more = worth.len() - fit;
    if more > 0 {
        text.push_str(&format!("  and {more} more, --all names each with what to try\n"));
    }
    text
}

/// A recommendation with its evidence and what to try.
fn whole(it: &Recommendation) -> String {
    let cited = it.evidence.iter().map(|evidence| {
        let cited = format!("{}: {} {}", evidence.place, evidence.figure, evidence.value);
        clean(&cited).into_owned()
    });
    let cited: Vec<String> = cited.collect();
    let (rule, found, advice) = (clean(&it.rule), clean(&it.found), clean(&it.advice));
    format!("  {rule}: {found}\n      {}\n      Try: {advice}\n", cited.join("; "))
}

/// Warnings about boots, each once with the boots that it holds for.
fn boot_warnings(run: &Run) -> Vec<(String, Vec<u32>)> {
    let mut found: Vec<(String, Vec<u32>)> = Vec::new();
    for stored in &run.boots {
        let lines = stored.boot.log.iter().filter(|line| line.level == Level::Warning);
        let lines = lines.map(|line| clean(&line.text).into_owned());
        for line in damage(&stored.boot.damage).into_iter().chain(lines) {
            match found.iter_mut().find(|(known, _)| *known == line) {
                Some((_, boots)) if boots.last() == Some(&stored.number) => {}
                Some((_, boots)) => boots.push(stored.number),
                None => found.push((line, vec![stored.number])),
            }
        }
    }
    found
}

/// What the line did to the transcript; `None` if nothing.
pub(super) fn damage(damage: &Damage) -> Option<String> {
    let missing = damage.frames_missing.len();
    let parts = [
        (damage.frames_damaged > 0).then(|| format!("{} damaged frames", counted(damage.frames_damaged))),
        (damage.frames_repeated > 0).then(|| format!("{} repeated frames", counted(damage.frames_repeated))),
        (missing > 0).then(|| format!("{missing} frames that never arrived")),
        (damage.is_manifest_kept == Some(false)).then(|| "less arrived than was sent".to_owned()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("on the way from the kernel: {}", parts.join(", ")))
}

/// What disturbed the boots as a whole.
fn interference(run: &Run, palette: Palette) -> String {
    let mut text = String::new();
    for stored in &run.boots {
        let Some(ledger) = &stored.boot.ledger else { continue };
        let parts = ledger_parts(ledger, &stored.boot);
        if !parts.is_empty() {
            text.push_str(&format!("  boot {}: {}\n", stored.number, parts.join(", ")));
        }
    }
    titled("Interference", &text, palette)
}

pub(super) fn ledger_parts(ledger: &Interference, boot: &Boot) -> Vec<String> {
    let clock = boot.clock.as_ref();
    let longest = ledger.gap_ticks_max.zip(clock).and_then(|(ticks, clock)| {
        let is_time = clock.mode != Mode::Icount;
        let text = if is_time {
            time(nanoseconds(count(ticks), clock.frequency)?)
        } else {
            format!("{} instructions", counted(ticks))
        };
        Some(format!(", the longest {text}"))
    });
    let parts = [
        ledger.smi_count.map(|number| format!("{} SMIs", counted(number))),
        ledger.nmi_count.map(|number| format!("{} NMIs", counted(number))),
        ledger.gap_count.map(|number| {
            format!(
                "{} gaps above 1 us{}",
                counted(number),
                longest.filter(|_| number > 0).unwrap_or_default()
            )
        }),
        ledger.is_throttled.map(|is| if is { "THROTTLED for heat" } else { "not throttled" }.to_owned()),
        ledger.frequency_share.map(|share| format!("at {:.1} % of nominal speed", count(share.0) / 10_000.0)),
        ledger.steal_ns.map(|stolen| format!("{} stolen by the hypervisor", time(count(stolen)))),
    ];
    parts.into_iter().flatten().collect()
}

/// Skipped benches by reason.
fn skipped(merged: &[MergedBench<'_>], options: &PageOptions) -> String {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for bench in merged.iter().filter(|bench| bench.status == Status::Skipped) {
        let reason = bench.worst().and_then(|record| record.reason.as_deref()).unwrap_or("no reason given");
        let name = clean(bench.id).into_owned();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let total: usize = reasons.iter().map(|(_, names)| names.len()).sum();
    let mut text = String::new();
    for (reason, names) in reasons {
        let what = if options.skipped == SkippedDetail::Each || names.len() <= NAMES_MAX {
            format!("\n        {}", names.join("\n        "))
        } else {
            format!(": {}", by_suite(&names))
        };
        text.push_str(&format!("  {:>4}  {}{what}\n", names.len(), clean(reason)));
    }
    let more = if options.skipped == SkippedDetail::Grouped { ", --all names each" } else { "" };
    titled(&format!("Skipped ({total} benches{more})"), &text, options.palette)
}

fn by_suite(names: &[String]) -> String {
    let mut suites: Vec<(&str, usize)> = Vec::new();
    for name in names {
        let suite = suite_of(name);
        match suites.iter_mut().find(|(known, _)| *known == suite) {
            Some((_, number)) => *number += 1,
            None => suites.push((suite, 1)),
        }
    }
    suites.iter().map(|(suite, number)| format!("{suite} {number}")).collect::<Vec<_>>().join(", ")
}

fn some_of(names: &[String], detail: SkippedDetail) -> String {
    if detail == SkippedDetail::Each || names.len() <= NAMES_MAX {
        return names.join(", ");
    }
    format!("{} and {} more", names[..NAMES_MAX].join(", "), names.len() - NAMES_MAX)
}

/// How to read the table.
fn footnotes(run: &Run, merged: &[MergedBench<'_>], palette: Palette) -> String {
    let Some(mode) = run.mode() else { return String::new() };
    if merged.iter().all(|bench| bench.figures.is_none()) {
        return String::new();
    }
    let mut text = String::new();
    let mut add =
        |note: &str| text.push_str(&format!("{}\n", palette.paint(Style::Dim, &format!("  {note}"))));
    add(if mode == Mode::Icount {
        "Figures are instructions of one iteration, /B those for each byte; \u{b1} MAD is the median absolute deviation."
    } else {
        "Figures are for one iteration; \u{b1} MAD is the median absolute deviation; rates are over all samples."
    });
    if merged.iter().any(|bench| bench.figures.as_ref().is_some_and(|figures| figures.p999.is_none())) {
        add("P99.9 is given from 10,000 samples up.");
    }
    if merged.iter().any(|bench| bench.cold.is_some()) {
        add("cold P50 is of single iterations, each right after the CPU's caches and TLB were emptied.");
    }
    if run.boots.len() > 1 {
        add(
            "Percentiles are medians over the boots; spread is the distance of the boots' P50 from each other.",
        );
    }
    if !mode.has_meaningful_time() {
        add(&format!("Limits are not judged ({}): they are times on a real machine.", mode.name()));
    }
    text
}

fn titled(title: &str, text: &str, palette: Palette) -> String {
    if text.is_empty() { String::new() } else { format!("{}\n{text}", palette.paint(Style::Heading, title)) }
}
