//! Runs as they happen.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{View, answer};
use super::parts;
use crate::live::{LiveState, News, RunTail};
use crate::report::clean;
use crate::serve::error::PageError;
use crate::serve::events::LiveBench;
use crate::serve::gate::Viewer;
use crate::serve::progress::Progress;
use crate::serve::reading::work;
use crate::serve::shared::Shared;
use crate::serve::{link, query};

/// Looks at most, so that a page is made of a file that grows faster than it is read.
const LOOKS_MAX: usize = 64;

/// The live runs as a section of a page, which the script keeps up to date.
pub(super) fn section(live: &[Progress]) -> Markup {
    html! {
        section #live data-live="/live/events" aria-labelledby="live-title" {
            h2 #live-title { "Live" }
            ul.live role="list" {
                @for progress in live {
                    li data-run=(progress.run) {
                        a href=(link::live(&progress.run)) { "Run " code { (progress.run) } }
                        span.boot { (progress.boot()) }
                        progress max=(progress.planned.unwrap_or(1)) value=(progress.done)
                            aria-label={ "Benches of run " (progress.run) } {}
                        span.count { (progress.done) @if let Some(planned) = progress.planned { " of " (planned) } }
                        span.doing { (progress.doing()) }
                    }
                }
            }
            p.none.dim hidden[!live.is_empty()] { "No run is going on." }
            p.quiet role="status" aria-live="polite" {}
        }
    }
}

/// The page of one run as it happens. Without a script it shows how far the run was when it was asked for.
pub(in crate::serve) async fn live(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let folder = shared.folder.clone();
    let view = work(&shared, move || {
        let id = query::run_id(&id)?;
        let mut tail = RunTail::new(&folder, id).ok_or_else(|| PageError::no_run(id))?;
        for _ in 0..LOOKS_MAX {
            let news = tail.look();
            let news = news.map_err(|error| PageError::Internal(format!("read the transcript: {error}")))?;
            if news == News::Nothing {
                break;
            }
        }
        Ok(view(&tail))
    })
    .await;
    answer(&viewer, view)
}

fn view(tail: &RunTail) -> View {
    let progress = Progress::of(tail);
    let run = tail.run();
    let follower = tail.tail().map(crate::live::Tail::follower);
    let benches: Vec<LiveBench> = follower
        .map(|follower| follower.benches().map(|bench| LiveBench::of(bench, follower)).collect())
        .unwrap_or_default();
    let is_over = run.state != LiveState::GoingOn;
    let content = html! {
        div #run data-events=[(!is_over).then(|| format!("{}/events", link::live(&progress.run)))] {
            (over(&progress, is_over))
            dl.facts {
                div { dt { "Made by" } dd { (clean(&run.head.command)) @if let Some(profile) = &run.head.profile { " " (clean(profile)) } } }
                div { dt { "Started (UTC)" } dd { (parts::moment(run.head.started)) } }
                div { dt { "Boot" } dd #boot { (progress.boot()) } }
                div { dt { "Mode" } dd #mode { (progress.mode.unwrap_or("not told yet")) } }
                div { dt { "Measured" } dd #measured { (progress.measured) } }
                div { dt { "Skipped" } dd #skipped { (progress.skipped) } }
                div { dt { "Failed or invalid" } dd #bad { (progress.bad) } }
                div { dt { "Frames lost" } dd #lost { (progress.frames_lost) } }
            }
            div.bar {
                progress #bar max=(progress.planned.unwrap_or(1)) value=(progress.done) aria-label="Benches of this boot" {}
                span #count { (progress.done) " of " (progress.planned.map_or_else(|| "?".to_owned(), |planned| planned.to_string())) }
            }
            p #doing.lead role="status" aria-live="polite" { (progress.doing()) }
        }
        section aria-labelledby="benches-title" {
            h2 #benches-title { "Benches of this boot" }
            p.dim { "The newest first." }
            (parts::wide("Benches of this boot", &html! {
                table {
                    thead { tr { th scope="col" { "Bench" } th scope="col" { "Status" } th.number scope="col" { "Median or reason" } } }
                    tbody #benches {
                        @for bench in benches.iter().rev() {
                            tr { th scope="row" { code { (bench.id) } } td { (bench.status) } td.number { (bench.figure) } }
                        }
                    }
                }
            }))
        }
        section aria-labelledby="log-title" {
            h2 #log-title { "Log" }
            @let lines = follower.map(|follower| follower.log().0).unwrap_or_default();
            pre #log.log tabindex="0" role="log" aria-label="Log" aria-live="off" { @for line in lines { (clean(&line.text)) "\n" } }
        }
    };
    View { title: format!("Live run {}", progress.run), content }
}

/// Leads to the stored run when it is over.
fn over(progress: &Progress, is_over: bool) -> Markup {
    html! {
        p #over.notice hidden[!is_over] {
            "This run is no longer being made. "
            a href=(link::run(&progress.run)) { "See its results" }
        }
    }
}
