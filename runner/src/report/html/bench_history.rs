//! A bench over runs: what changed, where it is going.

use maud::{Markup, html};

use super::parts;
use super::view::BenchView;
use crate::analysis::Trend;
use crate::assess::Course;
use crate::report::chart::{self, Words};
use crate::report::clean::clean;
use crate::report::words::{self, figure_named};
use crate::tracking::{FindingState, TrackedFinding};

/// Newest runs that the table shows.
const RUNS_MAX: usize = 12;

pub(super) fn history(bench: &BenchView<'_>) -> Markup {
    let Some(course) = bench.course else { return html! {} };
    let words = Words { id: format!("{}.history", bench.anchor), title: "History".to_owned() };
    let runs = course.series.points.len();
    html! {
        section {
            h3 { "History" }
            @match chart::history(course, &words) {
                Some(chart) => {
                    figure.scroll { figcaption { (words::counted(runs, "run")) ", oldest at the left" } (chart) }
                }
                None => p.quiet { "This is the first stored run of it on this machine." },
            }
            @if let Some(trend) = &course.trend { p { (trend_sentence(trend, course)) } }
            @if !course.findings.is_empty() { ul.found { @for tracked in &course.findings { (found(course, tracked)) } } }
            @if runs > 1 { details { summary { "Newest runs as a table" } (table(course)) } }
        }
    }
}

fn trend_sentence(trend: &Trend, course: &Course) -> Markup {
    let unit = course.series.points.last().map_or("", |point| &point.unit);
    let share = |share: f64| words::change(share);
    html! {
        @if trend.is_moving {
            strong { "It is moving: " (share(trend.share_per_day)) " a day" }
            @if let Some(interval) = trend.interval { " (" (share(interval.low)) " to " (share(interval.high)) ")" }
        } @else { "No long-term trend" }
        ", by " (words::counted(trend.points, "run")) " since the last change of level."
        @for point in &trend.forecast {
            " Expected in " (format!("{:.0}", point.days)) " days: " (figure_named(point.value, unit))
            " (" (figure_named(point.interval.low, unit)) " to " (figure_named(point.interval.high, unit)) ")."
        }
    }
}

fn found(course: &Course, tracked: &TrackedFinding) -> Markup {
    let finding = &tracked.finding;
    let unit = course.series.points.last().map_or("", |point| &point.unit);
    let candidates = tracked.place.as_ref().map_or(0, |place| place.candidates.len());
    html! {
        li.seen[tracked.acknowledgement.is_some()].over[tracked.state != FindingState::Standing] {
            span aria-hidden="true" { (words::shift_mark(finding)) } " "
            strong { (words::kind(finding.kind)) } ", " (words::certainty(finding.certainty))
            @match tracked.state {
                FindingState::Standing => {}
                FindingState::Withdrawn => ", since withdrawn",
                FindingState::Merged => ", since part of another",
            }
            ": " (figure_named(finding.size.before, unit)) " to " (figure_named(finding.size.after, unit))
            @if let Some(share) = finding.size.relative() { " (" (words::change(share)) ")" }
            ", from " (super::findings::place(course, tracked))
            @if candidates > 1 { " or one of " (candidates) " runs around it" }
            ". " span.quiet { "finding " code { (finding.id) } }
            @if let Some(seen) = &tracked.acknowledgement {
                div { "Seen " (words::day(seen.at)) ": " (clean(&seen.reason)) }
            }
            @if !tracked.events.is_empty() {
                div.quiet { @for (place, event) in tracked.events.iter().enumerate() {
                    @if place > 0 { "; " } "run " code { (clean(&event.run)) } ": " (clean(&event.what))
                } }
            }
        }
    }
}

fn table(course: &Course) -> Markup {
    let points = &course.series.points;
    let shown = points.iter().rev().take(RUNS_MAX);
    let table = html! {
        table.figures {
            caption.hidden { "Newest runs" }
            thead {
                tr {
                    th scope="col" { "run" } th.word scope="col" { "began" } th.word scope="col" { "revision" }
                    th scope="col" { "median" } th scope="col" { "lowest" } th scope="col" { "highest" } th scope="col" { "boots" }
                }
            }
            tbody {
                @for point in shown {
                    tr {
                        th scope="row" { (clean(&point.run)) }
                        td.word { (words::moment(point.started)) }
                        td.word { @if let Some(revision) = &point.revision { (clean(revision).chars().take(10).collect::<String>()) } }
                        td { (figure_named(point.value, &point.unit)) }
                        td { (figure_named(point.low, &point.unit)) }
                        td { (figure_named(point.high, &point.unit)) }
                        td { (point.boots) }
                    }
                }
            }
        }
    };
    html! {
        (parts::wide("Newest runs", &table))
        @if points.len() > RUNS_MAX { p.quiet { "The newest " (RUNS_MAX) " of " (points.len()) " runs." } }
    }
}
