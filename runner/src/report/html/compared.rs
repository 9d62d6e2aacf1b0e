//! The comparison with the reference: what changed and by how much.

use maud::{Markup, html};

use super::parts;
use super::view::View;
use crate::analysis::{
    BenchVerdict, Comparison, Difference, ExactChange, ExactChangeKind, Level, Likeness, Outcome, Verdict,
};
use crate::report::chart::{IntervalScale, interval};
use crate::report::clean::clean;
use crate::report::comparison_exact::in_words;
use crate::report::headline;
use crate::report::words;

pub(super) fn compared(view: &View<'_>) -> Markup {
    let Some(comparison) = &view.assessment.comparison else { return html! {} };
    html! {
        section id="compared" {
            h2 { "Comparison" }
            p.lead {
                "Before: " code { (clean(&comparison.a)) } ". After: " code { (clean(&comparison.b)) } ". "
                (images(comparison.images))
            }
            @match &comparison.outcome {
                Outcome::NotComparable(differences) => (differing(differences)),
                Outcome::Exact(exact) => {
                    (changes(view, comparison))
                    (others(view, &exact.changes))
                }
                Outcome::Boots => (changes(view, comparison)),
            }
        }
    }
}

const fn images(images: Likeness) -> &'static str {
    match images {
        Likeness::Same => "Both ran the same image.",
        Likeness::Different => "They ran different images.",
        Likeness::Unknown => "Whether they ran the same image is not known.",
    }
}

/// The fields that keep two sides from being compared.
fn differing(differences: &[Difference]) -> Markup {
    let table = html! {
        table {
            caption.hidden { "Fields that differ" }
            thead { tr { th scope="col" { "field" } th scope="col" { "before" } th scope="col" { "after" } } }
            tbody {
                @for difference in differences {
                    tr {
                        th scope="row" { (clean(&difference.field)) }
                        td { (clean(&difference.a)) }
                        td { (clean(&difference.b)) }
                    }
                }
            }
        }
    };
    html! {
        p { "Only like is compared. What figures depend on differs in these fields:" }
        (parts::wide("Fields that differ", &table))
    }
}

/// The benches that did not simply stay as they were, the largest change first within each verdict.
fn changes(view: &View<'_>, comparison: &Comparison) -> Markup {
    let shown = |verdict| {
        let mut found: Vec<&BenchVerdict> =
            comparison.benches.iter().filter(|bench| bench.verdict == verdict).collect();
        found.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
        found
    };
    let verdicts = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Equivalent);
    let benches: Vec<&BenchVerdict> = verdicts.flat_map(shown).collect();
    let equivalent = headline::tally(&comparison.benches, Verdict::Equivalent);
    html! {
        @if benches.is_empty() {
            p { "Nothing else to tell: " (headline::benches(equivalent)) " stayed within the margin." }
        } @else {
            (table(view, &benches))
            @if equivalent > 0 {
                p.quiet { "Not in this table: " (headline::benches(equivalent)) " whose difference is smaller than matters." }
            }
        }
    }
}

fn distance(bench: &BenchVerdict) -> f64 {
    bench.change.map_or(0.0, |change| (change.ratio - 1.0).abs())
}

/// The scale of changes that all charts of the page share.
pub(super) fn scale(benches: &[BenchVerdict]) -> IntervalScale {
    let changed = benches.iter().filter_map(|bench| bench.change);
    IntervalScale::of(changed.flat_map(|change| {
        let ends = change.interval.map_or([change.ratio; 2], |interval| [interval.low, interval.high]);
        ends.map(|end| end - 1.0)
    }))
}

fn table(view: &View<'_>, benches: &[&BenchVerdict]) -> Markup {
    let all: Vec<BenchVerdict> = benches.iter().map(|bench| (*bench).clone()).collect();
    let scale = scale(&all);
    let table = html! {
        table.compared data-sortable {
            caption.hidden { "Benches that changed or could not be compared" }
            thead {
                tr {
                    th scope="col" { "bench" } th scope="col" { "verdict" }
                    th.number scope="col" { "before" } th.number scope="col" { "after" }
                    th.number scope="col" { "change" }
                    th.middle scope="col" data-unsortable { "less " span aria-hidden="true" { "\u{2190} cost \u{2192}" } " more" }
                    th scope="col" data-unsortable { "interval, or what is missing" }
                }
            }
            tbody { @for bench in benches { (row(view, bench, scale)) } }
        }
    };
    parts::wide("Benches that changed or could not be compared", &table)
}

fn row(view: &View<'_>, bench: &BenchVerdict, scale: IntervalScale) -> Markup {
    let level = |level: Option<Level>| level.zip(bench.unit).map(|(it, unit)| words::figure(it.median, unit));
    let find = format!("{} {}", clean(&bench.id), bench.verdict.name()).to_lowercase();
    html! {
        tr data-find=(find) {
            th scope="row" { (parts::link(view, &bench.id)) }
            td { (parts::verdict(bench.verdict)) }
            td.number data-value=[sorting(bench.before)] { @if let Some(text) = level(bench.before) { (text) } }
            td.number data-value=[sorting(bench.after)] { @if let Some(text) = level(bench.after) { (text) } }
            @match bench.change {
                Some(change) => {
                    td.number.strong data-value=(format!("{:.6e}", change.ratio)) { (words::change(change.ratio - 1.0)) }
                    td.middle { (forest(scale, bench)) }
                }
                None => { td.number {} td {} }
            }
            td.why { (why(bench)) }
        }
    }
}

fn sorting(level: Option<Level>) -> Option<String> {
    level.map(|level| format!("{:.6e}", level.median))
}

/// The change of `bench` drawn with its interval.
pub(super) fn forest(scale: IntervalScale, bench: &BenchVerdict) -> Markup {
    let Some(change) = bench.change else { return html! {} };
    let around =
        change.interval.map(|it| crate::history::Interval { low: it.low - 1.0, high: it.high - 1.0 });
    interval(scale, change.ratio - 1.0, around, words::verdict_class(bench.verdict))
}

/// The interval of a change, and what would decide it.
fn why(bench: &BenchVerdict) -> Markup {
    let interval = bench.change.and_then(|change| change.interval).map(words::change_interval);
    let remedy =
        bench.change.as_ref().and_then(words::remedy).filter(|_| bench.verdict == Verdict::Undecided);
    let parts: Vec<String> = [interval, bench.reason.as_deref().map(|text| clean(text).into_owned()), remedy]
        .into_iter()
        .flatten()
        .collect();
    html! { (parts.join("; ")) }
}

/// What else than figures differs between two exact sides.
fn others(view: &View<'_>, changes: &[ExactChange]) -> Markup {
    let others: Vec<&ExactChange> =
        changes.iter().filter(|change| !matches!(change.kind, ExactChangeKind::Figures { .. })).collect();
    html! {
        @if !others.is_empty() {
            details {
                summary { "What else differs" span.count { (others.len()) } }
                ul.names.one { @for change in others { li { (parts::link(view, &change.id)) " " (in_words(&change.kind)) } } }
            }
        }
    }
}
