//! The cold figures of a bench beside its hot ones.

use maud::{Markup, html};
use perf_kernel::wire::ColdFigures;

use super::parts;
use super::view::BenchView;
use crate::analysis::Figures;
use crate::report::clean::clean;
use crate::report::quantity::counted;
use crate::report::words::{self, figure};

/// A boot with fewer samples has no P99 of its own.
const SAMPLES_FOR_P99: u64 = 100;

pub(super) fn cold(bench: &BenchView<'_>) -> Markup {
    let Some((cold, hot)) = bench.merged.cold.as_ref().zip(bench.merged.figures.as_ref()) else {
        return html! {};
    };
    html! {
        section {
            h3 { "Cold" }
            p.quiet { "Single iterations, each right after the CPU was made to forget: " (emptied(bench)) ". Branch predictors stay warm." }
            @if let Some(found) = bench.cold_verdict {
                p {
                    (parts::verdict(found.verdict)) " "
                    @if let Some(change) = &found.change { strong { (words::change(change.ratio - 1.0)) } }
                    @if let Some(reason) = &found.reason { " " (clean(reason)) }
                }
            }
            (parts::wide("Cold and hot figures", &table(bench, cold, hot)))
            @if let Some(overhead) = overhead(bench) { p.quiet { "An empty timed region takes " (overhead) " in the same state; it is subtracted nowhere." } }
        }
    }
}

fn table(bench: &BenchView<'_>, cold: &Figures, hot: &Figures) -> Markup {
    // What the slowest of a hundred samples is to the slowest of thousands says nothing.
    let ratio =
        |of: fn(&Figures) -> f64| (cold.unit == hot.unit && of(hot) > 0.0).then(|| of(cold) / of(hot));
    let row = |name: &str, of: fn(&Figures) -> f64, ratio: Option<f64>| {
        html! {
            tr {
                th scope="row" { (name) }
                td.number { (figure(of(cold), cold.unit)) }
                td.number { (figure(of(hot), hot.unit)) }
                td.number { @if let Some(ratio) = ratio { (words::times(ratio)) } }
            }
        }
    };
    html! {
        table.figures {
            caption.hidden { "Cold and hot figures" }
            thead { tr { th scope="col" { "figure" } th.number scope="col" { "cold" } th.number scope="col" { "hot" } th.number scope="col" { "cold / hot" } } }
            tbody {
                (row("min", |it| it.min, ratio(|it| it.min)))
                (row("P50", |it| it.p50, ratio(|it| it.p50)))
                (row("P90", |it| it.p90, ratio(|it| it.p90)))
                @if has_p99(bench) { (row("P99", |it| it.p99, ratio(|it| it.p99))) }
                (row("max", |it| it.max, None))
                (row("\u{b1} MAD", |it| it.mad, None))
                tr { th scope="row" { "samples" } td.number { (counted(cold.n)) } td.number { (counted(hot.n)) } td {} }
            }
        }
    }
}

fn records<'a>(bench: &'a BenchView<'_>) -> impl Iterator<Item = &'a ColdFigures> {
    bench.boots.iter().filter_map(|boot| boot.record.cold.as_deref())
}

fn has_p99(bench: &BenchView<'_>) -> bool {
    records(bench).all(|cold| cold.summary.n >= SAMPLES_FOR_P99)
}

fn emptied(bench: &BenchView<'_>) -> String {
    records(bench).next().map(|cold| clean(&cold.emptied).into_owned()).unwrap_or_default()
}

fn overhead(bench: &BenchView<'_>) -> Option<String> {
    records(bench).next().map(|cold| format!("{} ticks", counted(cold.overhead_ticks)))
}
