//! The list beside the report.

use maud::{Markup, html};

use super::parts;
use super::view::{BenchView, SuiteView, View};
use crate::analysis::Verdict;
use crate::report::clean::clean;
use crate::report::headline;
use crate::report::words;

pub(super) fn navigation(view: &View<'_>) -> Markup {
    let open = headline::open_findings(view.assessment).len();
    html! {
        nav.side aria-label="Report" {
            div.brand {
                a href="#overview" { "Run " (clean(&view.assessment.run.head.id)) }
                button.theme.scripted type="button" id="theme" aria-label="Colours: as the system has them" { "Auto" }
            }
            div.search.scripted role="search" {
                label.hidden for="filter" { "Filter benches" }
                input id="filter" type="search" placeholder="Filter benches   /" autocomplete="off" spellcheck="false"
                    aria-describedby="filter-result";
                p.hidden id="filter-result" role="status" {}
            }
            ul.places {
                li { a href="#overview" { "Overview" } }
                @if view.assessment.comparison.is_some() { li { a href="#compared" { "Comparison" } } }
                @if !view.assessment.recommendations.is_empty() {
                    li { a href="#recommendations" { "Recommendations" (number(view.assessment.recommendations.len())) } }
                }
                @if view.assessment.courses.iter().any(|course| !course.findings.is_empty()) {
                    li { a href="#findings" { "Findings" (number(open)) } }
                }
                li { a href="#suites" { "Suites" } }
                li.deep { a href="#environment" { "Environment" } }
                li.deep { a href="#benches" { "All benches on one page" } }
            }
            div.tree {
                @for suite in view.suites.iter().filter(|suite| suite.benches.iter().any(BenchView::is_shown)) {
                    (tree(suite))
                }
            }
        }
    }
}

fn number(number: usize) -> Markup {
    html! { @if number > 0 { " " span.count { (number) } } }
}

fn tree(suite: &SuiteView<'_>) -> Markup {
    let shown: Vec<_> = suite.benches.iter().filter(|bench| bench.is_shown()).collect();
    html! {
        details {
            summary { (clean(suite.name)) (number(shown.len())) @for verdict in alarms(&shown) { (verdict) } }
            ul {
                @for bench in shown {
                    li data-find=(parts::keywords(bench)) {
                        a href={ "#" (bench.anchor) } { (clean(bench.subject())) (sign(bench)) }
                    }
                }
            }
        }
    }
}

/// Signs of what changed in a suite, with their number.
fn alarms(benches: &[&BenchView<'_>]) -> Vec<Markup> {
    let number = |verdict| {
        benches.iter().filter(|bench| bench.verdict.is_some_and(|it| it.verdict == verdict)).count()
    };
    let both = [Verdict::Regressed, Verdict::Improved].map(|verdict| (verdict, number(verdict)));
    let shown = both.into_iter().filter(|(_, number)| *number > 0);
    let alarm = |(verdict, number): (Verdict, usize)| {
        html! {
            " " span class={ "alarm " (words::verdict_class(verdict)) } {
                span aria-hidden="true" { (words::verdict_mark(verdict)) } (number) span.hidden { " " (verdict.name()) }
            }
        }
    };
    shown.map(alarm).collect()
}

fn sign(bench: &BenchView<'_>) -> Markup {
    let shown = bench.verdict.map(|it| it.verdict).filter(|it| !matches!(it, Verdict::Equivalent));
    html! {
        @if let Some(verdict) = shown {
            " " span class={ "alarm " (words::verdict_class(verdict)) } {
                span aria-hidden="true" { (words::verdict_mark(verdict)) } span.hidden { (verdict.name()) }
            }
        }
    }
}
