//! Tables of all benches, suite by suite, and what was skipped.

use maud::{Markup, html};
use perf_kernel::wire::Status;

use super::parts;
use super::view::{BenchView, SuiteView, View};
use crate::analysis::Figures;
use crate::report::chart;
use crate::report::clean::clean;
use crate::report::quantity;
use crate::report::words::{self, figure};

/// Which columns a table has: one without any value is left out.
struct Columns {
    has_p999: bool,
    has_spread: bool,
    has_rate: bool,
    has_cold: bool,
    has_targets: bool,
    has_verdicts: bool,
    has_history: bool,
}

impl Columns {
    fn of(suite: &SuiteView<'_>) -> Self {
        let shown = || suite.benches.iter().filter(|bench| bench.is_shown());
        let any = |is: fn(&BenchView<'_>) -> bool| shown().any(is);
        let figures = |is: fn(&Figures) -> bool| shown().any(|it| it.merged.figures.as_ref().is_some_and(is));
        Self {
            has_p999: figures(|it| it.p999.is_some()),
            has_spread: any(|it| it.merged.spread.is_some()),
            has_rate: figures(|it| it.rates.is_some()),
            has_cold: any(|it| it.merged.cold.is_some()),
            has_targets: any(|it| it.targets.iter().any(|target| target.is_met.is_some())),
            has_verdicts: any(|it| it.verdict.is_some()),
            has_history: any(|it| it.course.is_some_and(|course| course.series.points.len() > 1)),
        }
    }
}

pub(super) fn suites(view: &View<'_>) -> Markup {
    html! {
        section id="suites" {
            h2 { "Suites" }
            p.lead { "Every bench that was measured. Its name leads to its distribution, boots, history and checks." }
            @for suite in view.suites.iter().filter(|suite| suite.benches.iter().any(BenchView::is_shown)) {
                (suite_table(suite, &Columns::of(suite)))
            }
        }
    }
}

fn suite_table(suite: &SuiteView<'_>, columns: &Columns) -> Markup {
    let skipped = suite.benches.iter().filter(|bench| !bench.is_shown()).count();
    let about = suite.suite.map_or("Not in the catalogue of this version", |known| known.about);
    let caption = format!("Benches of the suite {}", clean(suite.name));
    let table = html! {
        table.benches data-sortable {
            caption.hidden { (caption) }
            thead { tr { (heads(columns)) } }
            tbody { @for bench in suite.benches.iter().filter(|bench| bench.is_shown()) { (row(bench, columns)) } }
        }
    };
    html! {
        section.suite id=(suite.anchor) {
            h3 { (clean(suite.name)) }
            p.about {
                (about) "."
                @if skipped > 0 { " " a href="#skipped" { (skipped) " skipped" } "." }
            }
            (parts::wide(&caption, &table))
        }
    }
}

fn heads(columns: &Columns) -> Markup {
    let head = |name: &str| html! { th.number scope="col" { (name) } };
    html! {
        th scope="col" { "bench" }
        @if columns.has_verdicts { (head("change")) }
        (head("P50")) (head("P90")) (head("P99"))
        @if columns.has_p999 { (head("P99.9")) }
        (head("max"))
        @if columns.has_spread { (head("spread")) }
        @if columns.has_rate { (head("rate")) }
        @if columns.has_cold { (head("cold P50")) (head("cold / hot")) }
        @if columns.has_targets { th scope="col" { "target" } }
        @if columns.has_history { th scope="col" data-unsortable { "history" } }
    }
}

fn row(bench: &BenchView<'_>, columns: &Columns) -> Markup {
    let optional =
        [columns.has_p999, columns.has_spread, columns.has_rate, columns.has_cold, columns.has_cold];
    let width = 4 + optional.iter().filter(|has| **has).count();
    html! {
        tr data-find=(parts::keywords(bench)) {
            th scope="row" {
                a.bench-link href={ "#" (bench.anchor) } { (parts::id(bench.subject())) }
                " " (parts::status(bench.merged.status))
            }
            @if columns.has_verdicts { (verdict_cell(bench)) }
            @match &bench.merged.figures {
                Some(figures) => (figure_cells(bench, figures, columns)),
                None => td.reason colspan=(width) { (reason(bench)) },
            }
            @if columns.has_targets { (target_cell(bench)) }
            @if columns.has_history { td { @if let Some(course) = bench.course { (chart_of(course)) } } }
        }
    }
}

fn chart_of(course: &crate::assess::Course) -> Markup {
    html! { @if let Some(spark) = chart::sparkline(course) { (spark) } }
}

/// A number with the value that it is sorted by.
fn number(value: f64, shown: &str) -> Markup {
    html! { td.number data-value=(format!("{value:.6e}")) { (shown) } }
}

fn missing() -> Markup {
    html! { td.number {} }
}

/// The change with the sign of its verdict; the word is there for those who do not see the sign.
fn verdict_cell(bench: &BenchView<'_>) -> Markup {
    let Some(found) = bench.verdict else { return missing() };
    let shown = found.change.map(|change| words::change(change.ratio - 1.0));
    let value = found.change.map(|change| format!("{:.6e}", change.ratio));
    html! {
        td.number data-value=[value] {
            span class={ "badge " (words::verdict_class(found.verdict)) } title=(found.verdict.name()) {
                span.sign aria-hidden="true" { (words::verdict_mark(found.verdict)) }
                @match shown {
                    Some(change) => { (change) span.hidden { " " (found.verdict.name()) } },
                    None => (found.verdict.name()),
                }
            }
        }
    }
}

fn figure_cells(bench: &BenchView<'_>, figures: &Figures, columns: &Columns) -> Markup {
    let shown = |value: f64| number(value, &figure(value, figures.unit));
    html! {
        @if bench.merged.status == Status::Measured {
            td.number.strong data-value=(format!("{:.6e}", figures.p50)) { (figure(figures.p50, figures.unit)) }
        } @else {
            (shown(figures.p50))
        }
        (shown(figures.p90)) (shown(figures.p99))
        @if columns.has_p999 { @match figures.p999 { Some(value) => (shown(value)), None => (missing()) } }
        (shown(figures.max))
        @if columns.has_spread {
            @match bench.merged.spread {
                Some(spread) => (number(spread, &format!("{:.1} %", spread * 100.0))),
                None => (missing()),
            }
        }
        @if columns.has_rate {
            @match rate(figures) { Some((value, text)) => (number(value, &text)), None => (missing()) }
        }
        @if columns.has_cold {
            @match &bench.merged.cold { Some(cold) => (number(cold.p50, &figure(cold.p50, cold.unit))), None => (missing()) }
            @match bench.merged.cold_ratio() { Some(ratio) => (number(ratio, &words::times(ratio))), None => (missing()) }
        }
    }
}

/// The rate that suits the bench: bytes where it has them, else operations.
pub(super) fn rate(figures: &Figures) -> Option<(f64, String)> {
    let rates = figures.rates?;
    Some(match rates.bytes() {
        Some(bytes) => (bytes, quantity::byte_rate(bytes)),
        None => (rates.operations, quantity::rate(rates.operations)),
    })
}

/// Why there are no figures.
pub(super) fn reason(bench: &BenchView<'_>) -> Markup {
    let reason = bench.merged.worst().and_then(|record| record.reason.as_deref());
    parts::text(reason.unwrap_or("no figures arrived"))
}

fn target_cell(bench: &BenchView<'_>) -> Markup {
    let judged = || bench.targets.iter().filter(|target| target.is_met.is_some());
    let missed = judged().find(|target| target.is_met == Some(false));
    html! {
        @match missed.or_else(|| judged().next()) {
            Some(target) => td data-value=(u8::from(target.is_met == Some(true))) {
                @let is_met = target.is_met == Some(true);
                @let (class, sign) = if is_met { ("met", "\u{2713}") } else { ("missed", "!") };
                span class={ "badge " (class) } title=(class) {
                    span.sign aria-hidden="true" { (sign) } span.hidden { (class) ": " }
                    (words::typeset(&clean(&target.target)))
                }
            },
            None => td {},
        }
    }
}

/// Benches that were skipped, by reason.
pub(super) fn skipped(view: &View<'_>) -> Markup {
    let mut reasons: Vec<(&str, Vec<&BenchView<'_>>)> = Vec::new();
    for bench in view.benches().filter(|bench| !bench.is_shown()) {
        let reason =
            bench.merged.worst().and_then(|record| record.reason.as_deref()).unwrap_or("no reason given");
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, benches)) => benches.push(bench),
            None => reasons.push((reason, vec![bench])),
        }
    }
    let total = view.number(Status::Skipped);
    html! {
        @if total > 0 {
            section id="skipped" {
                h2 { "Skipped" span.count { (total) } }
                p.lead { "What this machine or this image cannot run is left out with its reason; nothing stands in for it." }
                @for (reason, benches) in &reasons {
                    details {
                        summary { (parts::text(reason)) span.count { (benches.len()) } }
                        ul.names { @for bench in benches { li { (parts::id(bench.merged.id)) } } }
                    }
                }
            }
        }
    }
}
