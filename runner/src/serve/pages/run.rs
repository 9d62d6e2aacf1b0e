//! One stored run.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::layout::{View, answer, refusal};
use super::parts::{self, bench_link, run_link};
use super::verdicts;
use crate::analysis::{BenchVerdict, Comparison, MergedBench, compare, merge};
use crate::report::{Document, clean, csv, quantity, words};
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::reading::read;
use crate::serve::shared::Shared;
use crate::serve::{link, query};
use crate::store::{Run, Store, StoredBoot};

struct Shown {
    run: Run,
    machine: Option<String>,
    before: Option<Comparison>,
}

/// A run: how its boots ended, and its benches with their verdicts against the run before.
pub(in crate::serve) async fn run(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let view = read(&shared, move |store| {
        let run = load(store, &id)?;
        let machine = store.machine_of_run(&run.head.id)?;
        let before = match store.run_before(&run.head.id)? {
            Some(before) => store.load(&before)?.side(None).zip(run.side(None)).map(|(a, b)| compare(&a, &b)),
            None => None,
        };
        Ok(view(&Shown { run, machine, before }))
    })
    .await;
    answer(&viewer, view)
}

/// The run as JSON, as `show --json` writes it.
pub(in crate::serve) async fn run_json(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let text = read(&shared, move |store| {
        document(store, &id).map(|document| (document.run.clone(), document.to_text()))
    });
    download(&viewer, text.await, "json", "application/json")
}

/// The run as CSV, as `show --csv` writes it.
pub(in crate::serve) async fn run_csv(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let text = read(&shared, move |store| {
        document(store, &id).map(|document| (document.run.clone(), csv(&document)))
    });
    download(&viewer, text.await, "csv", "text/csv; charset=utf-8")
}

fn document(store: &Store, id: &str) -> Result<Document, PageError> {
    load(store, id).map(|run| Document::of(&run))
}

/// The run `id`.
///
/// # Errors
/// That is no run id, or there is no such run.
pub(in crate::serve) fn load(store: &Store, id: &str) -> Result<Run, PageError> {
    let id = query::run_id(id)?;
    store.load(id).map_err(|error| match error {
        crate::store::StoreError::NoSuchRun { .. } => PageError::no_run(id),
        other => other.into(),
    })
}

fn download(
    viewer: &Viewer,
    text: Result<(String, String), PageError>,
    ending: &str,
    kind: &str,
) -> Response {
    match text {
        Ok((id, text)) => {
            let disposition = format!("attachment; filename=\"run-{id}.{ending}\"");
            ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], text).into_response()
        }
        Err(error) => refusal(viewer, &error),
    }
}

fn view(shown: &Shown) -> View {
    let Shown { run, machine, before } = shown;
    let machine = machine.as_deref();
    let content = html! {
        (facts(run, machine))
        (boots(&run.boots))
        @if let Some(before) = before {
            section aria-labelledby="before" {
                h2 #before { "Against the run before" }
                p {
                    "Compared with " (run_link(&before.a)) ", the newest run before it on this machine. "
                    a href=(link::compare(&before.a, &run.head.id)) { "All figures of the comparison" }
                }
                (verdicts::counts(&before.benches))
            }
        }
        (benches(run, before.as_ref(), machine))
    };
    View { title: format!("Run {}", run.head.id), content }
}

fn facts(run: &Run, machine: Option<&str>) -> Markup {
    let head = &run.head;
    let fingerprint = run.fingerprint();
    html! {
        dl.facts {
            div { dt { "Started (UTC)" } dd { (parts::moment(head.started)) } }
            div { dt { "Made by" } dd { (clean(&head.command)) @if let Some(profile) = &head.profile { " " (clean(profile)) } } }
            @if let Some(machine) = machine {
                div { dt { "Machine" } dd { (parts::machine_link(&parts::machine_title(&fingerprint, machine), machine)) } }
            }
            @if let Some(mode) = run.mode() { div { dt { "Mode" } dd { (mode.name()) } } }
            @if let Some(revision) = &head.revision { div { dt { "Revision" } dd { (parts::short(revision)) } } }
            @if let Some(selection) = run.selection() { div { dt { "Asked for" } dd { (clean(&selection)) } } }
            @if let Some(hash) = run.image_hash() { div { dt { "Image" } dd { (parts::short(hash)) } } }
        }
        p.actions {
            a href={ (link::run(&head.id)) "/run.json" } download { "JSON" } " "
            a href={ (link::run(&head.id)) "/run.csv" } download { "CSV" } " "
            a href={ "/compare?b=" (head.id) } { "Compare with another run" }
        }
    }
}

fn boots(boots: &[StoredBoot]) -> Markup {
    html! {
        section aria-labelledby="boots" {
            h2 #boots { "Boots" }
            (parts::wide("Boots", &html! {
                table {
                    thead { tr { th scope="col" { "Boot" } th scope="col" { "End" } th.number scope="col" { "Benches" } th scope="col" { "More" } } }
                    tbody {
                        @for stored in boots {
                            tr {
                                th scope="row" { (stored.number) }
                                td { (parts::ends(&[stored.boot.end])) }
                                td.number { (stored.boot.benches.len()) }
                                td { (clean(&stored.boot.end_detail)) (damage(stored)) }
                            }
                        }
                    }
                }
            }))
            @for stored in boots {
                @if !stored.crash_frames.is_empty() {
                    h3 { "Backtrace of boot " (stored.number) }
                    ol.frames { @for frame in &stored.crash_frames { li { code { (clean(frame)) } } } }
                }
            }
        }
    }
}

fn damage(stored: &StoredBoot) -> String {
    let damage = &stored.boot.damage;
    let missing = u64::try_from(damage.frames_missing.len()).unwrap_or(u64::MAX);
    let count = |number: u64, what: &str| {
        (number > 0).then(|| format!(" {} {what}.", parts::counted(number, "frame")))
    };
    [count(damage.frames_damaged, "damaged"), count(missing, "missing")].into_iter().flatten().collect()
}

fn benches(run: &Run, before: Option<&Comparison>, machine: Option<&str>) -> Markup {
    let merged = merge(run.boots.iter().map(|stored| &stored.boot));
    let verdicts: HashMap<&str, &BenchVerdict> = before
        .into_iter()
        .flat_map(|comparison| &comparison.benches)
        .map(|bench| (bench.id.as_str(), bench))
        .collect();
    html! {
        section aria-labelledby="benches" {
            h2 #benches { "Benches" }
            @if merged.is_empty() { p.dim { "This run told of no bench." } }
            @else {
                (parts::wide("Benches", &html! {
                    table.benches {
                        caption.quiet { "Benches in the order in which they ran" }
                        thead {
                            tr {
                                th scope="col" { "Bench" } th.number scope="col" { "Median" } th.number scope="col" { "P90" }
                                th.number scope="col" { "P99" } th.number scope="col" { "Largest" } th.number scope="col" { "Samples" }
                                th scope="col" { "Against the run before" } th.number scope="col" { "Change" }
                            }
                        }
                        tbody { @for bench in &merged { (row(bench, verdicts.get(bench.id).copied(), machine)) } }
                    }
                }))
            }
        }
    }
}

fn row(bench: &MergedBench<'_>, verdict: Option<&BenchVerdict>, machine: Option<&str>) -> Markup {
    let figures = bench.figures.as_ref();
    let cell = |value: Option<f64>| {
        let text = value.zip(figures).map(|(value, figures)| words::figure(value, figures.unit));
        html! { td.number { (text.unwrap_or_default()) } }
    };
    html! {
        tr {
            th scope="row" { (bench_link(bench.id, machine)) " " (parts::status(bench.status)) }
            @if figures.is_some() {
                (cell(figures.map(|it| it.p50))) (cell(figures.map(|it| it.p90))) (cell(figures.map(|it| it.p99)))
                (cell(figures.map(|it| it.max)))
                td.number { (quantity::counted(figures.map_or(0, |it| it.n))) }
            } @else {
                td.dim colspan="5" { (bench.worst().and_then(|record| record.reason.as_deref()).map(clean).unwrap_or_default()) }
            }
            td { @if let Some(verdict) = verdict { (parts::verdict(verdict.verdict)) } }
            td.number { @if let Some(verdict) = verdict { (verdicts::shift(verdict)) } }
        }
    }
}
