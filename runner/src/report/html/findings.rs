//! What the run and its histories ask to be looked at: recommendations, missed targets, findings.

use maud::{Markup, html};

use super::parts;
use super::view::View;
use crate::analysis::{Recommendation, Severity};
use crate::assess::Course;
use crate::history::Certainty;
use crate::report::clean::clean;
use crate::report::words;
use crate::tracking::{FindingState, TrackedFinding};

pub(super) fn recommendations(view: &View<'_>) -> Markup {
    let missed: Vec<_> =
        view.assessment.targets.iter().filter(|target| target.is_met == Some(false)).collect();
    html! {
        @if !view.assessment.recommendations.is_empty() {
            section id="recommendations" {
                h2 { "Recommendations" }
                @for recommendation in &view.assessment.recommendations { (recommendation_card(view, recommendation)) }
            }
        }
        @if !missed.is_empty() {
            section id="missed" {
                h2 { "Missed targets" span.count { (missed.len()) } }
                ul.names.one {
                    @for target in missed {
                        li data-find=(format!("{} missed", clean(&target.bench)).to_lowercase()) {
                            (parts::link(view, &target.bench)) " " span.quiet { (words::typeset(&clean(&target.target))) }
                        }
                    }
                }
            }
        }
    }
}

fn recommendation_card(view: &View<'_>, it: &Recommendation) -> Markup {
    let (class, sign) = match it.severity {
        Severity::Serious => ("failed", "!!"),
        Severity::Warning => ("undecided", "!"),
        Severity::Note => ("equivalent", "i"),
    };
    html! {
        article class={ "card " (class) } {
            h3 { (parts::badge(class, sign, words::severity(it.severity))) " " (clean(&it.found)) }
            p { (clean(&it.advice)) }
            @if !it.evidence.is_empty() {
                dl.evidence {
                    @for evidence in &it.evidence {
                        div {
                            dt { (parts::link(view, &evidence.place)) }
                            dd { (clean(&evidence.figure)) ": " strong { (words::typeset(&clean(&evidence.value))) } }
                        }
                    }
                }
            }
            p.quiet { "rule " code { (clean(&it.rule)) } }
        }
    }
}

pub(super) fn findings(view: &View<'_>) -> Markup {
    let mut all: Vec<(&Course, &TrackedFinding)> = view
        .assessment
        .courses
        .iter()
        .flat_map(|course| course.findings.iter().map(move |tracked| (course, tracked)))
        .collect();
    // What stands and nobody has seen comes first, then the newest.
    let order = |tracked: &TrackedFinding| {
        let is_over = tracked.state != FindingState::Standing;
        (is_over, tracked.acknowledgement.is_some(), tracked.finding.certainty == Certainty::Suspected)
    };
    all.sort_by(|(a_course, a), (b_course, b)| {
        order(a).cmp(&order(b)).then(began(b_course, b).cmp(&began(a_course, a)))
    });
    let (standing, over): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, tracked)| tracked.state == FindingState::Standing);
    html! {
        @if !standing.is_empty() || !over.is_empty() || !view.assessment.growth_changes.is_empty() {
            section id="findings" {
                h2 { "Findings" }
                (growth_changes(view))
                p.lead { "What the histories of the benches show, on this machine, up to this run." }
                @if standing.is_empty() { p { "None stands." } } @else { (table(view, &standing)) }
                @if !over.is_empty() {
                    details {
                        summary { "Withdrawn or merged" span.count { (over.len()) } }
                        (table(view, &over))
                    }
                }
            }
        }
    }
}

/// Subjects whose cost grows by another law than in the reference.
fn growth_changes(view: &View<'_>) -> Markup {
    let changes = &view.assessment.growth_changes;
    html! {
        @if !changes.is_empty() {
            p.lead { "Against the reference, over the scales that both have:" }
            ul.names.one {
                @for change in changes {
                    li data-find=(clean(&change.subject).to_lowercase()) {
                        (parts::id(&change.subject)) " " (words::growth_change(change))
                        span.quiet { " (" (change.id(&view.assessment.machine)) ")" }
                    }
                }
            }
        }
    }
}

fn began(course: &Course, tracked: &TrackedFinding) -> u64 {
    course.series.points.get(tracked.finding.at).map_or(0, |point| point.started.0)
}

fn table(view: &View<'_>, findings: &[(&Course, &TrackedFinding)]) -> Markup {
    let table = html! {
        table data-sortable {
            caption.hidden { "Findings" }
            thead {
                tr {
                    th scope="col" { "bench" } th scope="col" { "what" } th.number scope="col" { "change" }
                    th scope="col" { "begins with" } th scope="col" { "certainty" } th scope="col" { "said about it" }
                }
            }
            tbody { @for (course, tracked) in findings { (row(view, course, tracked)) } }
        }
    };
    parts::wide("Findings", &table)
}

fn row(view: &View<'_>, course: &Course, tracked: &TrackedFinding) -> Markup {
    let finding = &tracked.finding;
    let relative = finding.size.relative();
    html! {
        tr.seen[tracked.acknowledgement.is_some()] data-find=(clean(&tracked.bench).to_lowercase()) {
            th scope="row" { (parts::link(view, &tracked.bench)) }
            td.nobreak { span aria-hidden="true" { (words::shift_mark(finding)) } " " (words::kind(finding.kind)) }
            td.number data-value=[relative.map(|share| format!("{share:.6e}"))] { @if let Some(share) = relative { (words::change(share)) } }
            td data-value=(began(course, tracked)) { (place(course, tracked)) }
            td { (words::certainty(finding.certainty)) }
            td { (said(tracked)) }
        }
    }
}

/// The run that a finding begins with, its day and its revision.
pub(super) fn place(course: &Course, tracked: &TrackedFinding) -> Markup {
    let point = course.series.points.get(tracked.finding.at);
    let run =
        tracked.place.as_ref().map(|place| place.run.as_str()).or(point.map(|point| point.run.as_str()));
    let revision = tracked.place.as_ref().and_then(|place| place.revision.as_deref());
    html! {
        @if let Some(run) = run { "run " code { (clean(run)) } }
        @if let Some(point) = point { ", " (words::day(point.started)) }
        @if let Some(revision) = revision { ", " code { (clean(revision).chars().take(10).collect::<String>()) } }
    }
}

/// What became of a finding or what somebody said about it.
fn said(tracked: &TrackedFinding) -> Markup {
    html! {
        @match tracked.state {
            FindingState::Withdrawn => "withdrawn",
            FindingState::Merged => "part of another finding",
            FindingState::Standing => @if let Some(seen) = &tracked.acknowledgement {
                "seen " (words::day(seen.at)) ": " (clean(&seen.reason))
            } @else { span.quiet { "nothing yet" } },
        }
    }
}
