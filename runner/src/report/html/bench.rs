//! The page of each bench.

use maud::{Markup, html};
use perf_kernel::wire::{Mode, Status};

use super::overview::mode_note;
use super::view::{BenchView, View};
use super::{bench_change, bench_cold, bench_history, bench_samples, bench_trust, compared, parts, suites};
use crate::analysis::{FigureUnit, Figures};
use crate::report::clean::clean;
use crate::report::headline;
use crate::report::quantity::counted;
use crate::report::words::{self, figure};

/// The pages of all benches that were not skipped.
pub(super) fn benches(view: &View<'_>) -> Markup {
    let scale = compared::scale(headline::verdicts(view.assessment));
    let shown: Vec<&BenchView<'_>> = view.shown().collect();
    html! {
        @for (place, bench) in shown.iter().enumerate() {
            @let before = place.checked_sub(1).and_then(|place| shown.get(place));
            article.bench id=(bench.anchor) aria-labelledby={ (bench.anchor) ".h" } {
                (way(bench, before.copied(), shown.get(place + 1).copied()))
                (head(bench))
                (key_figures(view, bench))
                (bench_change::change(view, bench, scale))
                (bench_cold::cold(bench))
                (bench_samples::samples(bench))
                (bench_history::history(bench))
                (bench_change::growth(bench))
                (bench_trust::trust(bench))
            }
        }
    }
}

/// Links to where the reader came from and on to the neighbours.
fn way(bench: &BenchView<'_>, before: Option<&BenchView<'_>>, after: Option<&BenchView<'_>>) -> Markup {
    html! {
        div.way {
            a href="#overview" { "Overview" }
            span.neighbours {
                @if let Some(before) = before {
                    a rel="prev" href={ "#" (before.anchor) } { span aria-hidden="true" { "\u{2190} " } span.hidden { "previous: " } (clean(before.subject())) }
                }
                @if let Some(after) = after {
                    a rel="next" href={ "#" (after.anchor) } { span.hidden { "next: " } (clean(after.subject())) span aria-hidden="true" { " \u{2192}" } }
                }
            }
        }
        h2 id={ (bench.anchor) ".h" } tabindex="-1" { (parts::id(bench.merged.id)) }
    }
}

/// What the bench is and what is to be thought of it.
fn head(bench: &BenchView<'_>) -> Markup {
    let scale = bench.selected.and_then(|it| Some((it.scale?, it.bench.scale_is)));
    html! {
        p.does {
            @match bench.selected {
                Some(selected) => { "One iteration: " (selected.bench.iteration) "." },
                None => "Not in the catalogue of this version.",
            }
            @if let Some((scale, is)) = scale {
                " Scale " strong { (scale.name) } @if !is.is_empty() { ": " (is) } "."
            }
        }
        p.badges {
            (parts::status(bench.merged.status)) " "
            @if let Some(found) = bench.verdict { (parts::verdict(found.verdict)) " " }
            @for target in &bench.targets { (target_badge(target)) " " }
        }
        @if bench.merged.status != Status::Measured {
            p.notice { strong { "Its figures are not to be used: " } (suites::reason(bench)) "." }
        }
    }
}

fn target_badge(target: &crate::assess::TargetVerdict) -> Markup {
    let text = words::typeset(&clean(&target.target));
    html! {
        @match target.is_met {
            Some(true) => (parts::badge("met", "\u{2713}", &format!("meets {text}"))),
            Some(false) => (parts::badge("missed", "!", &format!("misses {text}"))),
            None => {
                (parts::badge("not-comparable", "\u{2013}", &format!("target {text}, not judged")))
                @if let Some(reason) = &target.reason { span.quiet { " (" (clean(reason)) ")" } }
            }
        }
    }
}

/// The figures that most readers come for.
fn key_figures(view: &View<'_>, bench: &BenchView<'_>) -> Markup {
    let Some(figures) = &bench.merged.figures else { return html! {} };
    let key = |name: &str, value: f64| html! { div { dt { (name) } dd { (figure(value, figures.unit)) } } };
    html! {
        dl.key {
            div.first { dt { (first_name(figures.unit)) } dd { (figure(figures.p50, figures.unit)) } }
            (key("P90", figures.p90)) (key("P95", figures.p95)) (key("P99", figures.p99))
            @if let Some(p999) = figures.p999 { (key("P99.9", p999)) }
            (key("max", figures.max))
            (key("\u{b1} MAD", figures.mad))
            @if let Some(spread) = bench.merged.spread {
                div { dt { "spread of boots" } dd { (format!("{:.2} %", spread * 100.0)) } }
            }
            @if let Some((_, rate)) = suites::rate(figures) { div { dt { "rate" } dd { (rate) } } }
            @if let Some((sustained, peak)) = windows(figures) {
                div { dt { "sustained" } dd { (sustained) } } div { dt { "peak" } dd { (peak) } }
            }
            @if let Some(cold) = &bench.merged.cold { (key("cold P50", cold.p50)) }
            @if let Some(ratio) = bench.merged.cold_ratio() { div { dt { "cold / hot" } dd { (words::times(ratio)) } } }
            div { dt { "samples" } dd { (counted(figures.n)) } }
        }
        @if let Some(mode) = view.mode { p.quiet { (meaning(figures.unit, mode)) } }
    }
}

/// The name of the first figure, with what is counted where the figure does not say it.
const fn first_name(unit: FigureUnit) -> &'static str {
    match unit {
        FigureUnit::Instructions => "P50, instructions",
        FigureUnit::Nanoseconds | FigureUnit::PartsPerMillion | FigureUnit::Bytes => "P50",
    }
}

/// The rates of the slowest and the fastest window.
fn windows(figures: &Figures) -> Option<(String, String)> {
    use crate::report::quantity::{byte_rate, rate};
    let rates = figures.rates?;
    if let Some((sustained, peak)) = rates.bytes_sustained().zip(rates.bytes_peak()) {
        return Some((byte_rate(sustained), byte_rate(peak)));
    }
    Some((rate(rates.operations_sustained?), rate(rates.operations_peak?)))
}

/// What a figure of `unit` is in `mode`.
fn meaning(unit: FigureUnit, mode: Mode) -> &'static str {
    match unit {
        FigureUnit::PartsPerMillion => "Figures are shares.",
        FigureUnit::Bytes => "Figures are amounts of memory.",
        FigureUnit::Nanoseconds | FigureUnit::Instructions => mode_note(mode),
    }
}

/// What figures of `unit` count, for an axis.
pub(super) const fn axis_name(unit: FigureUnit) -> &'static str {
    match unit {
        FigureUnit::Nanoseconds => "time of one iteration",
        FigureUnit::Instructions => "instructions of one iteration",
        FigureUnit::PartsPerMillion => "share",
        FigureUnit::Bytes => "memory",
    }
}
