//! How each boot went: its end, what disturbed it, what the line lost, how it crashed.

use maud::{Markup, html};
use perf_kernel::wire::{Level, Status};

use super::environment::clean_lines;
use super::parts;
use crate::analysis::count;
use crate::collect::BootEnd;
use crate::report::clean::clean;
use crate::report::style::Palette;
use crate::report::{header, notes, stop, words};
use crate::store::{Run, StoredBoot};

/// Lines of a log that are shown.
const LOG_LINES_MAX: usize = 200;

pub(super) fn boots(run: &Run) -> Markup {
    let crashes = stop::crashes(&run.boots, Palette::Plain);
    html! {
        h3 { "Boots" }
        (parts::wide("Boots of this run", &table(run)))
        @if !crashes.is_empty() {
            details open { summary { "Crashes" } pre { (clean_lines(crashes.trim_start())) } }
        }
        (probes(run))
        @for stored in &run.boots { (log(stored)) }
    }
}

fn table(run: &Run) -> Markup {
    html! {
        table {
            caption.hidden { "Boots of this run" }
            thead {
                tr {
                    th scope="col" { "boot" } th scope="col" { "end" } th.number scope="col" { "measured" }
                    th scope="col" { "interference" } th scope="col" { "on the way from the kernel" }
                    th scope="col" { "transcript" }
                }
            }
            tbody { @for stored in &run.boots { (row(stored)) } }
        }
    }
}

fn row(stored: &StoredBoot) -> Markup {
    let boot = &stored.boot;
    let measured = boot.benches.iter().filter(|bench| bench.status == Status::Measured).count();
    let ledger = boot.ledger.as_ref().map(|ledger| notes::ledger_parts(ledger, boot)).unwrap_or_default();
    let hash: String =
        stored.transcript_hash.as_deref().map(clean).unwrap_or_default().chars().take(12).collect();
    let running = boot.bench_running.as_ref().filter(|bench| !boot.end_detail.contains(*bench));
    html! {
        tr {
            th scope="row" { (stored.number) }
            td {
                @if boot.end == BootEnd::Done { (parts::badge("met", "\u{2713}", header::end_name(boot.end))) }
                @else { (parts::badge("failed", "\u{d7}", header::end_name(boot.end))) }
                @if let Some(bench) = running { " in " (parts::id(bench)) }
                @if !boot.end_detail.is_empty() { " " (clean(&boot.end_detail)) }
            }
            td.number { (measured) }
            td {
                @if boot.ledger.is_none() { span.quiet { "no ledger arrived" } }
                @else if ledger.is_empty() { span.quiet { "nothing that this machine can tell" } }
                @else { (words::typeset(&ledger.join(", "))) }
            }
            td { @match notes::damage(&boot.damage) { Some(text) => (parts::text(&text)), None => span.quiet { "everything arrived" } } }
            td { @if !hash.is_empty() { code { (hash) } } }
        }
    }
}

/// The probes at both ends of each boot.
fn probes(run: &Run) -> Markup {
    let all: Vec<_> = run
        .boots
        .iter()
        .flat_map(|stored| stored.boot.ledger.iter().map(move |ledger| (stored.number, ledger)))
        .flat_map(|(number, ledger)| ledger.probes.iter().map(move |probe| (number, probe)))
        .collect();
    html! {
        @if !all.is_empty() {
            details {
                summary { "Probes at both ends of each boot" span.count { (all.len()) } }
                table {
                    caption.hidden { "Probes" }
                    thead {
                        tr {
                            th scope="col" { "probe" } th.number scope="col" { "boot" }
                            th.number scope="col" { "ticks at its start" } th.number scope="col" { "at its end" }
                            th.number scope="col" { "drift" }
                        }
                    }
                    tbody {
                        @for (number, probe) in all {
                            tr {
                                th scope="row" { (parts::id(&probe.id)) }
                                td.number { (number) }
                                td.number { (format!("{:.3}", count(probe.start_milliticks) / 1000.0)) }
                                td.number { (format!("{:.3}", count(probe.end_milliticks) / 1000.0)) }
                                td.number { (probe.drift.0) " ppm" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn log(stored: &StoredBoot) -> Markup {
    let lines = &stored.boot.log;
    let warnings = lines.iter().filter(|line| line.level == Level::Warning).count();
    html! {
        @if !lines.is_empty() {
            details {
                summary {
                    "Log of boot " (stored.number) span.count { (lines.len()) }
                    @if warnings > 0 { " " span.quiet { (words::counted(warnings, "warning")) } }
                }
                ol.log {
                    @for line in lines.iter().take(LOG_LINES_MAX) {
                        li.warning[line.level == Level::Warning] {
                            @if line.level == Level::Warning { strong { "warning: " } } (clean(&line.text))
                        }
                    }
                }
                @if lines.len() > LOG_LINES_MAX { p.quiet { "and " (lines.len() - LOG_LINES_MAX) " lines more" } }
            }
        }
    }
}
