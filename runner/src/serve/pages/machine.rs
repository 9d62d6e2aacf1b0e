//! Machines, and one of them.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::findings;
use super::layout::{View, answer};
use super::parts::{self, bench_link, machine_link, machine_title, moment};
use crate::analysis::suite_of;
use crate::report::clean;
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::query;
use crate::serve::reading::read;
use crate::serve::shared::Shared;
use crate::serve::triage::{self, Wanted};
use crate::store::{MachineLine, RunFilter, RunRow, Store};
use crate::tracking::TrackedFinding;

/// Newest runs that are shown.
const RUNS_SHOWN: u32 = 15;

/// All machines.
pub(in crate::serve) async fn machines(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
) -> Response {
    answer(&viewer, read(&shared, |store| Ok(list(&store.machines()?))).await)
}

fn list(machines: &[MachineLine]) -> View {
    let content = html! {
        p.lead { "A machine is a processor with its firmware, mode and plan, as far as figures depend on them." }
        (parts::wide("Machines", &html! {
            table {
                thead {
                    tr {
                        th scope="col" { "Machine" } th.number scope="col" { "Runs" } th.number scope="col" { "Boots" }
                        th scope="col" { "Newest run (UTC)" } th scope="col" { "Name" }
                    }
                }
                tbody {
                    @for line in machines {
                        tr {
                            th scope="row" { (machine_link(&machine_title(&line.fingerprint, &line.name), &line.name)) }
                            td.number { (line.runs) } td.number { (line.boots) }
                            td { (moment(line.newest)) } td { code { (line.name) } }
                        }
                    }
                }
            }
        }))
        @if machines.is_empty() { p.dim { "No machine has told what it is yet." } }
    };
    View { title: "Machines".to_owned(), content }
}

/// One machine: what it is, its runs, benches and open findings.
pub(in crate::serve) async fn machine(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
) -> Response {
    let view = read(&shared, move |store| {
        let name = query::machine_name(&name)?;
        one(store, name, &triage::findings(store, Wanted::Open, Some(name), None)?)
    })
    .await;
    answer(&viewer, view)
}

fn one(store: &Store, name: &str, open: &[TrackedFinding]) -> Result<View, PageError> {
    let line = store.machines()?.into_iter().find(|line| line.name == name);
    let line =
        line.ok_or_else(|| PageError::NotFound(format!("No run is of a machine called \"{name}\".")))?;
    let runs = store.run_rows(RunFilter::Machine(name), RUNS_SHOWN, 0)?;
    let benches = store.benches_of_machine(name)?;
    let title = machine_title(&line.fingerprint, name);
    let content = html! {
        p.lead {
            (parts::counted(line.runs.into(), "run")) " of " (parts::counted(line.boots.into(), "boot")) ", newest "
            (moment(line.newest)) " UTC"
        }
        section aria-labelledby="open" {
            h2 #open { "Open findings" }
            @if open.is_empty() { p.dim { "Nothing stands that nobody has looked at." } }
            ul.findings { @for tracked in open { li { (findings::line(tracked, None)) } } }
        }
        (newest_runs(&runs, &line))
        section aria-labelledby="benches" {
            h2 #benches { "Benches" }
            @for (suite, ids) in by_suite(&benches) {
                h3 { (clean(suite)) }
                ul.columns { @for id in ids { li { (bench_link(id, Some(name))) } } }
            }
        }
        section aria-labelledby="fingerprint" {
            h2 #fingerprint { "Fingerprint" }
            p.dim { "Only runs that agree in all of these are compared. Name: " code { (name) } }
            dl.facts.long {
                @for (field, value) in &line.fingerprint.0 { div { dt { (clean(field)) } dd { (clean(value)) } } }
            }
        }
    };
    Ok(View { title, content })
}

fn newest_runs(runs: &[RunRow], line: &MachineLine) -> Markup {
    html! {
        section aria-labelledby="runs" {
            h2 #runs { "Newest runs" }
            (parts::runs_table("Newest runs", runs, None))
            @if line.runs > RUNS_SHOWN {
                p { a href={ "/runs?machine=" (line.name) } { "All " (parts::counted(line.runs.into(), "run")) } }
            }
        }
    }
}

/// `ids`, which are in order, by the part before their first slash.
pub(super) fn by_suite(ids: &[String]) -> Vec<(&str, Vec<&str>)> {
    let mut suites: Vec<(&str, Vec<&str>)> = Vec::new();
    for id in ids {
        let suite = suite_of(id);
        match suites.last_mut().filter(|(name, _)| *name == suite) {
            Some((_, ids)) => ids.push(id),
            None => suites.push((suite, vec![id])),
        }
    }
    suites
}
