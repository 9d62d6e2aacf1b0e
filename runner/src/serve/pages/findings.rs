//! Findings, and what people say about them.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

use super::layout::{View, answer, refusal};
use super::parts::{self, bench_link, machine_link, machine_title, run_link};
use crate::report::{clean, words};
use crate::serve::change::Change;
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::link;
use crate::serve::query::{self, Fields};
use crate::serve::reading::{read, write};
use crate::serve::shared::Shared;
use crate::serve::triage::{self, Wanted};
use crate::store::Store;
use crate::tracking::{FindingState, TrackedFinding};

/// Findings that a page shows at most.
const SHOWN_MAX: usize = 300;

/// Findings with their filters and forms.
pub(in crate::serve) async fn findings(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    let asking = viewer.clone();
    let view = read(&shared, move |store| view(store, &asking, &fields)).await;
    answer(&viewer, view)
}

/// Notes why a finding may stay.
pub(in crate::serve) async fn acknowledge(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    change: Change,
) -> Response {
    let reason = change.fields.get("reason").unwrap_or_default().to_owned();
    let done =
        write(&shared, move |store| triage::acknowledge(store, query::finding_id(&id)?, &reason)).await;
    changed(&change, done)
}

/// Takes back why a finding may stay.
pub(in crate::serve) async fn reopen(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    change: Change,
) -> Response {
    let done = write(&shared, move |store| triage::reopen(store, query::finding_id(&id)?)).await;
    changed(&change, done)
}

fn changed(change: &Change, done: Result<(), PageError>) -> Response {
    match done {
        Ok(()) => {
            let next = change.fields.get("next").unwrap_or("/findings");
            Redirect::to(link::local(Some(next))).into_response()
        }
        Err(error) => refusal(&change.viewer, &error),
    }
}

fn view(store: &Store, viewer: &Viewer, fields: &Fields) -> Result<View, PageError> {
    let wanted = Wanted::named(fields.get("state"))?;
    let machine = fields.machine("machine")?;
    let text = fields.search().unwrap_or_default();
    let titles: Vec<(String, String)> = store
        .machines()?
        .iter()
        .map(|line| (line.name.clone(), machine_title(&line.fingerprint, &line.name)))
        .collect();
    let mut shown = triage::findings(store, wanted, machine.as_deref(), None)?;
    let lower = text.to_lowercase();
    shown.retain(|tracked| tracked.bench.to_lowercase().contains(&lower));
    let title_of =
        |name: &str| titles.iter().find(|(known, _)| known == name).map(|(_, title)| title.as_str());
    let content = html! {
        (filter(wanted, machine.as_deref(), text, &titles))
        p.dim { (parts::counted(u64::try_from(shown.len()).unwrap_or(0), "finding"))
            @if shown.len() > SHOWN_MAX { ", the first " (SHOWN_MAX) " of them here" } }
        @if viewer.form_token().is_none() && !shown.is_empty() {
            p { a href=(link::login(&viewer.place)) { "Sign in" } " to say why a finding may stay." }
        }
        ul.cards.single {
            @for tracked in shown.iter().take(SHOWN_MAX) {
                li.card id={ "finding-" (tracked.finding.id) } { (card(tracked, title_of(&tracked.machine), viewer)) }
            }
        }
        @if shown.is_empty() { p { "There is no such finding." } }
    };
    Ok(View { title: "Findings".to_owned(), content })
}

fn filter(chosen: Wanted, machine: Option<&str>, text: &str, titles: &[(String, String)]) -> Markup {
    html! {
        form.filter action="/findings" {
            label { "State "
                select name="state" {
                    @for (wanted, value, name) in Wanted::NAMES { option value=(value) selected[wanted == chosen] { (name) } }
                }
            }
            label { "Machine "
                select name="machine" {
                    option value="" { "all" }
                    @for (name, title) in titles { option value=(name) selected[machine == Some(name.as_str())] { (title) } }
                }
            }
            label { "Bench containing " input type="search" name="q" value=(text) maxlength="200" autocomplete="off"; }
            button.plain { "Show" }
        }
    }
}

/// A finding in one line; `title` names its machine where that is of interest.
pub(super) fn line(tracked: &TrackedFinding, title: Option<&str>) -> Markup {
    html! {
        (mark(tracked)) " " (bench_link(&tracked.bench, Some(&tracked.machine))) " "
        span { (size(tracked)) }
        span.dim {
            @if let Some(title) = title { " on " (title) }
            @if let Some(place) = &tracked.place { ", since run " (run_link(&place.run)) }
            @match tracked.state {
                FindingState::Standing => {},
                FindingState::Withdrawn => ", withdrawn",
                FindingState::Merged => ", merged into another",
            }
            @if let Some(said) = &tracked.acknowledgement { ", acknowledged: " (clean(&said.reason)) }
        }
    }
}

/// What kind of finding it is, in which direction.
fn mark(tracked: &TrackedFinding) -> Markup {
    let finding = &tracked.finding;
    let class = match finding.size.shift {
        shift if shift > 0.0 => "regressed",
        shift if shift < 0.0 => "improved",
        _ => "undecided",
    };
    let class = if tracked.state == FindingState::Standing { class } else { "not-comparable" };
    parts::badge(class, words::shift_mark(finding), words::kind(finding.kind))
}

fn size(tracked: &TrackedFinding) -> String {
    let finding = &tracked.finding;
    let relative = finding.size.relative().map(words::change);
    format!("{} {}", relative.unwrap_or_default(), words::certainty(finding.certainty))
}

fn card(tracked: &TrackedFinding, title: Option<&str>, viewer: &Viewer) -> Markup {
    html! {
        h2 { (mark(tracked)) " " (bench_link(&tracked.bench, Some(&tracked.machine))) " " span.plain { (size(tracked)) } }
        p.dim { "On " (machine_link(title.unwrap_or(&tracked.machine), &tracked.machine)) ". Id " code { (tracked.finding.id) } }
        @if let Some(place) = &tracked.place {
            p {
                "Begins with run " (run_link(&place.run))
                @if let Some(revision) = &place.revision { " at revision " (parts::short(revision)) }
                @if let Some(before) = &place.before {
                    " (" a href=(link::compare(before, &place.run)) { "compare with the run before" } ")"
                }
                @if place.candidates.len() > 1 { ", or with one of " (place.candidates.len()) " runs around it" }
                "."
            }
        }
        @if let Some(said) = &tracked.acknowledgement {
            p { "Acknowledged " (parts::moment(said.at)) " UTC: " q { (clean(&said.reason)) } }
        }
        @if !tracked.events.is_empty() {
            details {
                summary { "What became of it" }
                ol.events { @for event in &tracked.events { li { (run_link(&event.run)) ": " (clean(&event.what)) } } }
            }
        }
        @if let (Some(form_token), FindingState::Standing) = (viewer.form_token(), tracked.state) {
            (forms(tracked, form_token, &viewer.place))
        }
    }
}

fn forms(tracked: &TrackedFinding, form_token: &str, next: &str) -> Markup {
    let id = tracked.finding.id;
    let field = format!("reason-{id}");
    html! {
        @if tracked.acknowledgement.is_some() {
            form.inline method="post" action={ "/findings/" (id) "/reopen" } {
                (parts::form_fields(form_token, next))
                button.plain { "Reopen" }
            }
        } @else {
            form.inline method="post" action={ "/findings/" (id) "/acknowledge" } {
                (parts::form_fields(form_token, next))
                label for=(field) { "Why it may stay" }
                input id=(field) name="reason" required maxlength="2000" autocomplete="off";
                button { "Acknowledge" }
            }
        }
    }
}
