//! Search over everything that has a name.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::layout::{View, answer};
use super::parts::{self, bench_link, machine_link, machine_title};
use super::{findings, machine};
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::query::Fields;
use crate::serve::reading::read;
use crate::serve::shared::Shared;
use crate::serve::triage::{self, Wanted};
use crate::store::{MachineLine, RunFilter, RunRow, Store};
use crate::tracking::TrackedFinding;

/// Things of a kind that are shown.
const SHOWN: u32 = 50;

/// What a text was found in.
pub(in crate::serve) struct Found {
    /// Ids of benches that contain it.
    pub(in crate::serve) benches: Vec<String>,
    /// Runs whose id begins so, or whose revision, profile or command it is.
    pub(in crate::serve) runs: Vec<RunRow>,
    /// Machines with a field that contains it.
    pub(in crate::serve) machines: Vec<MachineLine>,
    /// Findings of benches that contain it, or with that id.
    pub(in crate::serve) findings: Vec<TrackedFinding>,
    titles: Vec<(String, String)>,
}

/// What is found for a text.
pub(in crate::serve) async fn search(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    let view = read(&shared, move |store| match fields.search() {
        Some(text) => Ok(view(text, &search_in(store, text)?)),
        None => Ok(View {
            title: "Search".to_owned(),
            content: html! { p.lead { "Benches, runs, machines and findings are found by any part of their names." } },
        }),
    });
    answer(&viewer, view.await)
}

/// What `text` is found in, ignoring case.
///
/// # Errors
/// The results cannot be read.
pub(in crate::serve) fn search_in(store: &Store, text: &str) -> Result<Found, PageError> {
    let lower = text.to_lowercase();
    let mut machines = store.machines()?;
    let titles = machines
        .iter()
        .map(|line| (line.name.clone(), machine_title(&line.fingerprint, &line.name)))
        .collect();
    machines.retain(|line| {
        line.name.starts_with(&lower)
            || line.fingerprint.0.values().any(|value| value.to_lowercase().contains(&lower))
    });
    let mut found = triage::findings(store, Wanted::Standing, None, None)?;
    found.retain(|tracked| {
        tracked.bench.to_lowercase().contains(&lower) || tracked.finding.id.to_string().starts_with(&lower)
    });
    let most = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    machines.truncate(most);
    found.truncate(most);
    Ok(Found {
        benches: store.bench_ids(text, SHOWN)?,
        runs: store.run_rows(RunFilter::Text(text), SHOWN, 0)?,
        machines,
        findings: found,
        titles,
    })
}

fn view(text: &str, found: &Found) -> View {
    let title_of =
        |name: &str| found.titles.iter().find(|(known, _)| known == name).map(|(_, title)| title.clone());
    let is_nothing = found.benches.is_empty()
        && found.runs.is_empty()
        && found.machines.is_empty()
        && found.findings.is_empty();
    let content = html! {
        p.lead { "For " q { (crate::report::clean(text)) } "; at most " (SHOWN) " of each kind." }
        @if is_nothing { p { "Nothing is called so." } }
        @if !found.benches.is_empty() {
            section {
                h2 { "Benches" }
                @for (_, ids) in machine::by_suite(&found.benches) {
                    ul.columns { @for id in ids { li { (bench_link(id, None)) } } }
                }
            }
        }
        @if !found.runs.is_empty() {
            section { h2 { "Runs" } (parts::runs_table("Runs that were found", &found.runs, Some(&title_of))) }
        }
        @if !found.machines.is_empty() {
            section {
                h2 { "Machines" }
                ul.list {
                    @for line in &found.machines {
                        li { (machine_link(&machine_title(&line.fingerprint, &line.name), &line.name)) }
                    }
                }
            }
        }
        @if !found.findings.is_empty() {
            section {
                h2 { "Findings" }
                ul.findings {
                    @for tracked in &found.findings { li { (findings::line(tracked, title_of(&tracked.machine).as_deref())) } }
                }
            }
        }
    };
    View { title: "Search".to_owned(), content }
}
