//! The first page.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{View, answer};
use super::parts::{self, machine_link, machine_title, moment};
use super::{findings, live};
use crate::serve::error::PageError;
use crate::serve::events::LiveTails;
use crate::serve::gate::Viewer;
use crate::serve::progress::Progress;
use crate::serve::reading::{read, work};
use crate::serve::shared::Shared;
use crate::serve::triage::{self, Wanted};
use crate::store::{MachineLine, RunFilter, RunRow, Store};
use crate::tracking::TrackedFinding;

/// Newest runs that are shown.
const RUNS_SHOWN: u32 = 12;

/// Machines that are shown.
const MACHINES_SHOWN: usize = 8;

/// Open findings that are shown.
const FINDINGS_SHOWN: usize = 8;

struct Overview {
    machines: Vec<(MachineLine, Option<RunRow>)>,
    machine_count: usize,
    runs: Vec<RunRow>,
    run_count: u64,
    open: Vec<TrackedFinding>,
    titles: Vec<(String, String)>,
}

/// What is going on, what was found, and what was measured last.
pub(in crate::serve) async fn overview(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
) -> Response {
    let folder = shared.folder.clone();
    let live = work(&shared, move || Ok(LiveTails::new(&folder).look())).await;
    let stored = read(&shared, Overview::read).await;
    let view = match (live, stored) {
        (Ok(live), Ok(stored)) => Ok(view(&live, Some(&stored))),
        // Whoever waits for the first run of all sees it begin.
        (Ok(live), Err(PageError::NoResults)) => Ok(view(&live, None)),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    answer(&viewer, view)
}

impl Overview {
    fn read(store: &Store) -> Result<Self, PageError> {
        let mut machines = store.machines()?;
        let machine_count = machines.len();
        let titles = machines
            .iter()
            .map(|line| (line.name.clone(), machine_title(&line.fingerprint, &line.name)))
            .collect();
        machines.truncate(MACHINES_SHOWN);
        let with_run = machines.into_iter().map(|line| {
            let newest = store.run_rows(RunFilter::Machine(&line.name), 1, 0)?.pop();
            Ok((line, newest))
        });
        Ok(Self {
            machines: with_run.collect::<Result<_, PageError>>()?,
            machine_count,
            runs: store.run_rows(RunFilter::All, RUNS_SHOWN, 0)?,
            run_count: store.run_count(RunFilter::All)?,
            open: triage::findings(store, Wanted::Open, None, None)?,
            titles,
        })
    }

    fn title_of(&self, name: &str) -> Option<String> {
        self.titles.iter().find(|(known, _)| known == name).map(|(_, title)| title.clone())
    }
}

fn view(live: &[Progress], stored: Option<&Overview>) -> View {
    let content = html! {
        (live::section(live))
        @if stored.is_none() { p.lead { (PageError::NoResults.to_string()) } }
        @if let Some(stored) = stored {
            (open_findings(stored))
            (machine_cards(stored))
            section aria-labelledby="newest" {
                h2 #newest { "Newest runs" }
                @if stored.runs.is_empty() { p.dim { "No run is stored yet." } }
                @else {
                    (parts::runs_table("Newest runs", &stored.runs, Some(&|name| stored.title_of(name))))
                    @if stored.run_count > u64::from(RUNS_SHOWN) {
                        p { a href="/runs" { "All " (parts::counted(stored.run_count, "run")) } }
                    }
                }
            }
        }
    };
    View { title: "Overview".to_owned(), content }
}

fn open_findings(stored: &Overview) -> Markup {
    html! {
        section aria-labelledby="open" {
            h2 #open { "Open findings" }
            @if stored.open.is_empty() {
                p.dim { "Nothing stands that nobody has looked at." }
            } @else {
                ul.findings {
                    @for tracked in stored.open.iter().take(FINDINGS_SHOWN) {
                        li { (findings::line(tracked, stored.title_of(&tracked.machine).as_deref())) }
                    }
                }
                @if stored.open.len() > FINDINGS_SHOWN {
                    p { a href="/findings" { "All " (stored.open.len()) " open findings" } }
                }
            }
        }
    }
}

fn machine_cards(stored: &Overview) -> Markup {
    html! {
        section aria-labelledby="machines" {
            h2 #machines { "Machines" }
            ul.cards {
                @for (line, newest) in &stored.machines {
                    @let title = machine_title(&line.fingerprint, &line.name);
                    @let open = stored.open.iter().filter(|tracked| tracked.machine == line.name).count();
                    li.card {
                        h3 { (machine_link(&title, &line.name)) }
                        p.dim { (parts::counted(line.runs.into(), "run")) ", " (parts::counted(line.boots.into(), "boot")) }
                        @if let Some(run) = newest {
                            p { "Newest " (parts::run_link(&run.id)) " " (moment(run.started)) " " (parts::ends(&run.ends)) }
                        }
                        @if open > 0 {
                            p { a href={ "/findings?machine=" (line.name) } { (parts::counted(open as u64, "open finding")) } }
                        }
                    }
                }
            }
            @if stored.machine_count > MACHINES_SHOWN {
                p { a href="/machines" { "All " (stored.machine_count) " machines" } }
            }
        }
    }
}
