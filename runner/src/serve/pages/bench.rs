//! The history of one bench.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::findings;
use super::layout::{View, answer};
use super::parts::{self, machine_link, machine_title, run_link};
use crate::assess::{Course, course};
use crate::report::{chart, clean, words};
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::link;
use crate::serve::query::{self, Fields};
use crate::serve::reading::read;
use crate::serve::shared::Shared;
use crate::serve::triage::{self, Wanted};
use crate::store::{MachineLine, SeriesPoint, Store};
use crate::tracking::TrackedFinding;

/// Machines whose histories are drawn on one page.
const CHARTS_MAX: usize = 6;

/// Newest points that stand in a table.
const POINTS_SHOWN: usize = 30;

/// The history of a bench, on one machine or on each that has it.
pub(in crate::serve) async fn bench(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    fields: Fields,
) -> Response {
    answer(&viewer, read(&shared, move |store| view(store, &id, &fields)).await)
}

/// The history of a bench on one machine, with what was found in it.
struct Shown {
    line: MachineLine,
    title: String,
    course: Course,
}

fn view(store: &Store, id: &str, fields: &Fields) -> Result<View, PageError> {
    let id = query::bench_id(id)?;
    let machine = fields.machine("machine")?;
    let names = store.machines_of_bench(id)?;
    if names.is_empty() {
        return Err(PageError::NotFound(format!("No run has a figure of a bench called \"{id}\".")));
    }
    let mut lines = store.machines()?;
    lines.retain(|line| names.contains(&line.name));
    let all: Vec<(String, String)> =
        lines.iter().map(|line| (line.name.clone(), machine_title(&line.fingerprint, &line.name))).collect();
    if let Some(machine) = &machine {
        lines.retain(|line| line.name == *machine);
    }
    let findings = triage::findings(store, Wanted::All, None, Some(id))?;
    let shown = lines.into_iter().take(CHARTS_MAX).map(|line| {
        let of_it = |tracked: &&TrackedFinding| tracked.machine == line.name;
        Ok(Shown {
            course: course(store.series(&line.name, id)?, findings.iter().filter(of_it).cloned().collect()),
            title: machine_title(&line.fingerprint, &line.name),
            line,
        })
    });
    let mut shown = shown.collect::<Result<Vec<_>, PageError>>()?;
    // What has a history to show comes first.
    shown.sort_by_key(|shown| shown.course.series.points.len() < 2);
    let content = html! {
        (choice(id, machine.as_deref(), &all))
        @if shown.is_empty() { p { "That machine has no figure of this bench." } }
        @for (place, shown) in shown.iter().enumerate() { (history(place, shown)) }
        @if machine.is_none() && all.len() > CHARTS_MAX {
            p.dim { "The " (CHARTS_MAX) " machines with the newest runs are shown; choose another above." }
        }
    };
    Ok(View { title: clean(id).into_owned(), content })
}

fn choice(id: &str, chosen: Option<&str>, all: &[(String, String)]) -> Markup {
    html! {
        @if all.len() > 1 {
            form.filter action=(link::bench(id, None)) {
                label { "Machine "
                    select name="machine" {
                        option value="" { "all" }
                        @for (name, title) in all { option value=(name) selected[chosen == Some(name.as_str())] { (title) } }
                    }
                }
                button.plain { "Show" }
            }
        }
    }
}

fn history(place: usize, shown: &Shown) -> Markup {
    let title_id = format!("machine-{place}");
    let points = &shown.course.series.points;
    let words = chart::Words { id: format!("chart-{place}"), title: format!("History on {}", shown.title) };
    html! {
        section aria-labelledby=(title_id) {
            h2 id=(title_id) { (machine_link(&shown.title, &shown.line.name)) }
            @match chart::history(&shown.course, &words) {
                Some(drawing) => div.scroll role="group" aria-label="Chart" tabindex="0" { (drawing) },
                None => p.dim { "A history needs a second run on this machine." },
            }
            @if !shown.course.findings.is_empty() {
                h3 { "Findings" }
                ul.findings { @for tracked in &shown.course.findings { li { (findings::line(tracked, None)) } } }
            }
            details open[points.len() < 2] {
                summary { "Figures of the newest runs" }
                (table(points))
            }
        }
    }
}

fn table(points: &[SeriesPoint]) -> Markup {
    parts::wide(
        "Figures of the newest runs",
        &html! {
            table {
                thead {
                    tr {
                        th scope="col" { "Run" } th scope="col" { "Started (UTC)" } th scope="col" { "Revision" }
                        th.number scope="col" { "Median" } th.number scope="col" { "Lowest boot" } th.number scope="col" { "Highest boot" }
                        th.number scope="col" { "Boots" }
                    }
                }
                tbody {
                    @for point in points.iter().rev().take(POINTS_SHOWN) {
                        tr {
                            th scope="row" { (run_link(&point.run)) }
                            td { (parts::moment(point.started)) }
                            td { @if let Some(revision) = &point.revision { (parts::short(revision)) } }
                            td.number { (words::figure_named(point.value, &point.unit)) }
                            td.number { (words::figure_named(point.low, &point.unit)) }
                            td.number { (words::figure_named(point.high, &point.unit)) }
                            td.number { (point.boots) }
                        }
                    }
                }
            }
        },
    )
}
