//! How a bench's samples are distributed, and its figures boot by boot.

use maud::{Markup, html};

use super::bench::axis_name;
use super::parts;
use super::view::{BenchView, BootRecord};
use crate::analysis::Figures;
use crate::report::chart::{Distribution, Weights, Words, distribution, percentiles};
use crate::report::quantity::counted;
use crate::report::words::figure;

/// Boots that the table of figures shows.
const BOOTS_MAX: usize = 40;

pub(super) fn samples(bench: &BenchView<'_>) -> Markup {
    let Some(figures) = &bench.merged.figures else { return html! {} };
    html! {
        section {
            h3 { "Samples" }
            (charts(bench, figures))
            (table(bench, figures))
        }
    }
}

fn charts(bench: &BenchView<'_>, figures: &Figures) -> Markup {
    let alike =
        bench.boots.iter().filter(|boot| boot.figures.as_ref().is_some_and(|it| it.unit == figures.unit));
    let weights: Vec<Weights> = alike.filter_map(|boot| Weights::of(boot.record, boot.clock?)).collect();
    let all = Weights::together(&weights);
    let all = all.ends().is_some().then_some(&all);
    let boots: Vec<(u32, &Figures)> =
        bench.boots.iter().filter_map(|boot| Some((boot.number, boot.figures.as_ref()?))).collect();
    let words =
        |kind: &str, title: &str| Words { id: format!("{}.{kind}", bench.anchor), title: title.to_owned() };
    let input = Distribution {
        unit: figures.unit,
        axis_name: axis_name(figures.unit),
        figures,
        weights: all,
        boots: &boots,
    };
    let left = distribution(&input, &words("samples", "Distribution of samples"));
    let right = all.and_then(|all| {
        percentiles(
            all,
            &weights,
            figures.unit,
            axis_name(figures.unit),
            &words("ranks", "Figures by percentile"),
        )
    });
    html! {
        @if left.is_some() || right.is_some() {
            div.charts {
                @if let Some(chart) = left { figure { figcaption { "Distribution" @if boots.len() > 1 { ", with each boot below" } } (chart) } }
                @if let Some(chart) = right { figure { figcaption { "By percentile" @if weights.len() > 1 { ", all boots together" } } (chart) } }
            }
        } @else if figures.min >= figures.max {
            p { "Every sample of every boot is " strong { (figure(figures.p50, figures.unit)) } ": there is nothing to draw." }
        } @else {
            p.quiet { "No histogram arrived, so that there is no distribution to draw." }
        }
    }
}

fn table(bench: &BenchView<'_>, all: &Figures) -> Markup {
    let boots: Vec<(&BootRecord<'_>, &Figures)> =
        bench.boots.iter().filter_map(|boot| Some((boot, boot.figures.as_ref()?))).collect();
    let has_p999 = boots.iter().any(|(_, figures)| figures.p999.is_some());
    let head = |name: &str| html! { th scope="col" { (name) } };
    let table = html! {
        table.figures {
            caption.hidden { "Figures of one iteration by boot" }
            thead {
                tr {
                    th scope="col" { "boot" } (head("samples")) (head("batch")) (head("min")) (head("P50"))
                    (head("P90")) (head("P95")) (head("P99")) @if has_p999 { (head("P99.9")) } (head("max"))
                    (head("mean")) (head("deviation")) (head("MAD"))
                }
            }
            tbody {
                @for (boot, figures) in boots.iter().take(BOOTS_MAX) {
                    (row(&boot.number.to_string(), &counted(boot.record.iterations), figures, has_p999))
                }
            }
            @if boots.len() > 1 { tfoot { (row("all", "", all, has_p999)) } }
        }
    };
    html! {
        (parts::wide("Figures of one iteration by boot", &table))
        @if boots.len() > BOOTS_MAX { p.quiet { "The first " (BOOTS_MAX) " of " (boots.len()) " boots." } }
    }
}

fn row(name: &str, iterations: &str, figures: &Figures, has_p999: bool) -> Markup {
    let cell = |value: f64| html! { td { (figure(value, figures.unit)) } };
    html! {
        tr {
            th scope="row" { (name) }
            td { (counted(figures.n)) } td { (iterations) }
            (cell(figures.min)) (cell(figures.p50)) (cell(figures.p90)) (cell(figures.p95)) (cell(figures.p99))
            @if has_p999 { @match figures.p999 { Some(value) => (cell(value)), None => td {} } }
            (cell(figures.max)) (cell(figures.mean)) (cell(figures.deviation)) (cell(figures.mad))
        }
    }
}
