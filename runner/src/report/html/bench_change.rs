//! A bench against its reference, and its cost over its scales.

use maud::{Markup, html};

use super::view::{BenchView, View};
use super::{compared, parts};
use crate::analysis::{BenchVerdict, Change, FigureUnit, Growth, Level};
use crate::report::chart::{self, IntervalScale, Words};
use crate::report::clean::clean;
use crate::report::words::{self, figure};

pub(super) fn change(view: &View<'_>, bench: &BenchView<'_>, scale: IntervalScale) -> Markup {
    let Some(found) = bench.verdict else { return html! {} };
    let reference = view.assessment.comparison.as_ref().map_or("", |comparison| &comparison.a);
    html! {
        section {
            h3 { "Against " span.plain { (clean(reference)) } }
            p {
                (parts::verdict(found.verdict)) " "
                @if let Some(change) = &found.change { strong { (words::change(change.ratio - 1.0)) } " " (compared::forest(scale, found)) }
                @if let Some(reason) = &found.reason { " " (clean(reason)) }
            }
            @if let (Some(change), Some(unit)) = (&found.change, found.unit) { (change_facts(found, change, unit)) }
        }
    }
}

fn change_facts(found: &BenchVerdict, change: &Change, unit: FigureUnit) -> Markup {
    let level = |level: Level| {
        html! {
            strong { (figure(level.median, unit)) }
            @if level.boots > 1 { span.quiet { " (" (figure(level.low, unit)) " to " (figure(level.high, unit)) " in " (level.boots) " boots)" } }
            @else { span.quiet { " (1 boot)" } }
        }
    };
    let mut facts: Vec<(&str, Markup)> = Vec::new();
    facts.extend(found.before.map(|it| ("before", level(it))));
    facts.extend(found.after.map(|it| ("after", level(it))));
    facts.extend(change.interval.map(|it| ("interval", html! { (words::change_interval(it)) })));
    facts.extend(
        change
            .detectable
            .map(|it| ("detectable", html! { "changes from " (format!("{:.2} %", it * 100.0)) " up" })),
    );
    facts.extend(change.effect.map(|it| ("Cliff's delta", html! { (format!("{it:+.2}")) })));
    facts.extend(change.p.map(|it| ("p", html! { (probability(it)) })));
    facts.extend(change.q.map(|it| ("p for the whole suite", html! { (probability(it)) })));
    facts.extend(words::remedy(change).map(|it| ("what would decide it", html! { (it) })));
    parts::facts(&facts)
}

fn probability(p: f64) -> String {
    if p < 0.000_1 { format!("{p:.1e}") } else { format!("{p:.4}") }
}

pub(super) fn growth(bench: &BenchView<'_>) -> Markup {
    let Some(growth) = bench.growth.filter(|growth| growth.costs.len() > 1) else { return html! {} };
    let scale_is = bench.selected.map(|it| it.bench.scale_is).filter(|is| !is.is_empty());
    let axis_name = scale_is.map_or_else(|| "scale".to_owned(), |is| format!("scale: {is}"));
    let words = Words { id: format!("{}.growth", bench.anchor), title: "Cost by scale".to_owned() };
    let drawn = chart::growth(growth, bench.scale(), &axis_name, &words);
    html! {
        section {
            h3 { "Scaling" }
            p { "Growth of the cost: " strong { (words::growth_class(growth.class)) } (exponent(growth)) "." }
            div.charts {
                @if let Some(chart) = drawn { figure { figcaption { "Median cost of an operation by scale" } (chart) } }
                (cost_table(growth, bench.scale()))
            }
        }
    }
}

fn exponent(growth: &Growth) -> Markup {
    html! {
        @if let Some(exponent) = growth.exponent {
            ", size to the power of " (format!("{exponent:.2}"))
            @if let Some(interval) = growth.interval { " (" (format!("{:.2} to {:.2}", interval.low, interval.high)) ")" }
        }
    }
}

fn cost_table(growth: &Growth, here: Option<&str>) -> Markup {
    let first = growth.costs.first().map_or(0.0, |cost| cost.cost);
    html! {
        table.small.figures {
            caption.hidden { "Median cost of an operation by scale" }
            thead { tr { th scope="col" { "scale" } th scope="col" { "cost" } th scope="col" { "of the first" } } }
            tbody {
                @for cost in &growth.costs {
                    tr.current[here == Some(cost.scale.as_str())] {
                        th scope="row" { (clean(&cost.scale)) }
                        td { (words::figure_named(cost.cost, &growth.unit)) }
                        td { @if first > 0.0 { (format!("{:.2}", cost.cost / first)) " \u{d7}" } }
                    }
                }
            }
        }
    }
}
