//! The same for scripts, as JSON. docs/dashboard.md names the addresses and fields.

use axum::Extension;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::error::PageError;
use super::events::LiveTails;
use super::gate::Viewer;
use super::pages;
use super::query::{self, Fields};
use super::reading::{read, work};
use super::shared::Shared;
use super::triage::{self, Wanted};
use crate::report::{Document, comparisons_json, to_json};
use crate::store::{MachineLine, RunFilter, RunRow, SeriesPoint};
use crate::tracking::TrackedFinding;

/// How deep lines of JSON are broken.
const OPEN_DEPTH: usize = 2;

/// Addresses below `/api`.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/machines", get(machines))
        .route("/runs", get(runs))
        .route("/runs/{id}", get(run))
        .route("/compare", get(compare))
        .route("/history", get(history))
        .route("/findings", get(findings))
        .route("/live", get(live))
        .route("/search", get(search))
}

fn reply(viewer: &Viewer, value: Result<Value, PageError>) -> Response {
    match value {
        Ok(value) => json_text(to_json(&value, OPEN_DEPTH)),
        Err(PageError::NoResults) => json_text("null\n".to_owned()),
        Err(error) => pages::refusal(viewer, &error),
    }
}

fn json_text(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

async fn machines(State(shared): State<Shared>, Extension(viewer): Extension<Viewer>) -> Response {
    let value = read(&shared, |store| Ok(store.machines()?.iter().map(machine_value).collect()));
    reply(&viewer, value.await)
}

async fn runs(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    let value = read(&shared, move |store| {
        let page = fields.page()?;
        let machine = fields.machine("machine")?;
        let filter = machine.as_deref().map_or(RunFilter::All, RunFilter::Machine);
        let offset = u64::from(page - 1) * u64::from(pages::RUNS_PAGE);
        let rows = store.run_rows(filter, pages::RUNS_PAGE, offset)?;
        let count = store.run_count(filter)?;
        let runs: Vec<Value> = rows.iter().map(run_value).collect();
        Ok(json!({ "page": page, "pages": pages::pages_of(count), "count": count, "runs": runs }))
    });
    reply(&viewer, value.await)
}

async fn run(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let text = read(&shared, move |store| Ok(Document::of(&pages::load(store, &id)?).to_text()));
    match text.await {
        Ok(text) => json_text(text),
        Err(error) => reply(&viewer, Err(error)),
    }
}

async fn compare(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    let text = read(&shared, move |store| match (fields.run("a")?, fields.run("b")?) {
        (Some(a), Some(b)) => Ok(comparisons_json(&[pages::comparison_of(store, &a, &b)?])),
        _ => Err(PageError::BadRequest("Name two runs: a, before, and b, after.".to_owned())),
    });
    match text.await {
        Ok(text) => json_text(text),
        Err(error) => reply(&viewer, Err(error)),
    }
}

async fn history(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    let value = read(&shared, move |store| {
        let (Some(bench), Some(machine)) = (fields.get("bench"), fields.machine("machine")?) else {
            return Err(PageError::BadRequest("Name a bench and a machine.".to_owned()));
        };
        let series = store.series(&machine, query::bench_id(bench)?)?;
        let points: Vec<Value> = series.points.iter().map(point_value).collect();
        Ok(json!({ "bench": series.bench, "machine": machine, "points": points }))
    });
    reply(&viewer, value.await)
}

async fn findings(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    let value = read(&shared, move |store| {
        let wanted = Wanted::named(fields.get("state").or(Some("all")))?;
        let found =
            triage::findings(store, wanted, fields.machine("machine")?.as_deref(), fields.get("bench"))?;
        Ok(found.iter().map(finding_value).collect())
    });
    reply(&viewer, value.await)
}

async fn live(State(shared): State<Shared>, Extension(viewer): Extension<Viewer>) -> Response {
    let folder = shared.folder.clone();
    let value = work(&shared, move || Ok(json!(LiveTails::new(&folder).look())));
    reply(&viewer, value.await)
}

async fn search(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    let value = read(&shared, move |store| {
        let text = fields.search().ok_or_else(|| PageError::BadRequest("Name a text as q.".to_owned()))?;
        let found = pages::search_in(store, text)?;
        Ok(json!({
            "benches": found.benches,
            "runs": found.runs.iter().map(run_value).collect::<Vec<_>>(),
            "machines": found.machines.iter().map(machine_value).collect::<Vec<_>>(),
            "findings": found.findings.iter().map(finding_value).collect::<Vec<_>>(),
        }))
    });
    reply(&viewer, value.await)
}

fn machine_value(line: &MachineLine) -> Value {
    let MachineLine { name, fingerprint, runs, boots, newest } = line;
    json!({ "name": name, "fingerprint": fingerprint, "runs": runs, "boots": boots, "newest": newest.to_string() })
}

fn run_value(row: &RunRow) -> Value {
    json!({
        "id": row.id, "started": row.started.to_string(), "command": row.command, "profile": row.profile,
        "revision": row.revision, "mode": row.mode, "machine": row.machine, "ends": row.ends, "results": row.results,
    })
}

fn point_value(point: &SeriesPoint) -> Value {
    json!({
        "run": point.run, "started": point.started.to_string(), "revision": point.revision, "unit": point.unit,
        "image_hash": point.image_hash, "value": point.value, "low": point.low, "high": point.high,
        "boots": point.boots,
    })
}

fn finding_value(tracked: &TrackedFinding) -> Value {
    json!({
        "id": tracked.finding.id.to_string(), "bench": tracked.bench, "machine": tracked.machine,
        "state": tracked.state, "kind": tracked.finding.kind, "certainty": tracked.finding.certainty,
        "size": tracked.finding.size, "place": tracked.place, "acknowledgement": tracked.acknowledgement,
        "events": tracked.events,
    })
}
