//! Live events: what pages are told while runs go on ("Server-sent events", HTML Living Standard, section 9.2).

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use perf_kernel::wire::BenchRecord;
use serde::Serialize;
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;

use super::error::PageError;
use super::gate::Viewer;
use super::pages::{self, parts};
use super::progress::Progress;
use super::query;
use super::shared::Shared;
use crate::live::{self, Follower, LiveState, News, RunTail};
use crate::report::{clean, words};
use crate::store::Folder;

/// How often a run is looked at.
const RUN_PERIOD: Duration = Duration::from_millis(250);

/// How often the list of live runs is looked at.
const LIST_PERIOD: Duration = Duration::from_secs(1);

/// A silent connection is told that often that it is not dead.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Events that wait for a slow reader.
const WAITING_MAX: usize = 64;

/// Looks at a run before its first events, so that they tell the whole of what is there.
const FIRST_LOOKS_MAX: usize = 64;

/// Live runs that a list shows.
pub(super) const LIVE_RUNS_MAX: usize = 20;

/// A bench that has ended, as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LiveBench {
    /// Its id, harmless to show.
    pub(super) id: String,
    /// `measured`, `skipped`, `failed` or `invalid`.
    pub(super) status: &'static str,
    /// Median with its unit, or why there is none.
    pub(super) figure: String,
}

impl LiveBench {
    /// The bench of `record` in the boot of `follower`.
    pub(super) fn of(record: &BenchRecord, follower: &Follower) -> Self {
        let figure = follower.figures(record).map(|figures| words::figure(figures.p50, figures.unit));
        let reason = || record.reason.as_deref().map(|reason| clean(reason).into_owned());
        Self {
            id: clean(&record.id).into_owned(),
            status: parts::status_name(record.status),
            figure: figure.or_else(reason).unwrap_or_default(),
        }
    }
}

/// Events of one run, until it is over.
pub(super) async fn of_run(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let tail = query::run_id(&id)
        .and_then(|id| RunTail::new(&shared.folder, id).ok_or_else(|| PageError::no_run(id)));
    match tail {
        Ok(tail) => {
            stream(&shared, &viewer, RUN_PERIOD, Told { tail, last: None, benches: HashSet::new(), lines: 0 })
        }
        Err(error) => pages::refusal(&viewer, &error),
    }
}

/// Events of all live runs: their list whenever it changes.
pub(super) async fn of_all(State(shared): State<Shared>, Extension(viewer): Extension<Viewer>) -> Response {
    let told = Listed { tails: LiveTails::new(&shared.folder), last: None };
    stream(&shared, &viewer, LIST_PERIOD, told)
}

/// What a connection was told, and what is to be told next.
trait Teller: Send + 'static {
    /// The next events, and whether these were the last. May wait for the disk.
    fn next(&mut self) -> (Vec<Event>, bool);
}

fn stream(shared: &Shared, viewer: &Viewer, period: Duration, mut teller: impl Teller) -> Response {
    let Ok(place) = shared.followers.clone().try_acquire_owned() else {
        return pages::refusal(viewer, &PageError::Busy);
    };
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let mut ending = shared.ending.clone();
    tokio::spawn(async move {
        let _place = place;
        loop {
            let told = tokio::task::spawn_blocking(move || {
                let events = teller.next();
                (teller, events)
            });
            let Ok((same, (events, is_last))) = told.await else { return };
            teller = same;
            if send_all(&sender, events).await.is_err() || is_last || sender.is_closed() {
                return;
            }
            if tokio::time::timeout(period, ending.wait_for(|is_ending| *is_ending)).await.is_ok() {
                return;
            }
        }
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

async fn send_all(sender: &Sender<Result<Event, Infallible>>, events: Vec<Event>) -> Result<(), ()> {
    for event in events {
        sender.send(Ok(event)).await.map_err(drop)?;
    }
    Ok(())
}

fn event(name: &str, content: &impl Serialize) -> Option<Event> {
    Some(Event::default().event(name).data(serde_json::to_string(content).ok()?))
}

/// What a page about one run was told.
struct Told {
    tail: RunTail,
    last: Option<Progress>,
    benches: HashSet<String>,
    lines: usize,
}

/// A line of the log.
#[derive(Serialize)]
struct Line<'a> {
    is_warning: bool,
    text: &'a str,
}

impl Teller for Told {
    fn next(&mut self) -> (Vec<Event>, bool) {
        let mut events = Vec::new();
        for _ in 0..FIRST_LOOKS_MAX {
            // What cannot be read now may be readable at the next look.
            let news = self.tail.look().unwrap_or(News::Nothing);
            if news == News::Restarted || self.last.is_none() {
                self.benches.clear();
                self.lines = 0;
                events.clear();
                events.extend(event("boot", &self.tail.run().turn));
            }
            self.tell(&mut events);
            if news == News::Nothing {
                break;
            }
        }
        let is_last = self.tail.run().state != LiveState::GoingOn;
        if is_last {
            events.extend(event("over", &Progress::of(&self.tail)));
        }
        (events, is_last)
    }
}

impl Told {
    fn tell(&mut self, events: &mut Vec<Event>) {
        if let Some(tail) = self.tail.tail() {
            let follower = tail.follower();
            for record in follower.benches() {
                if self.benches.insert(record.id.clone()) {
                    events.extend(event("bench", &LiveBench::of(record, follower)));
                }
            }
            let (lines, before) = follower.log();
            for line in lines.iter().skip(self.lines.saturating_sub(before)) {
                let is_warning = line.level == perf_kernel::wire::Level::Warning;
                events.extend(event("log", &Line { is_warning, text: &clean(&line.text) }));
            }
            self.lines = before.saturating_add(lines.len());
        }
        let progress = Progress::of(&self.tail);
        if self.last.as_ref() != Some(&progress) {
            events.extend(event(
                "progress",
                &Shown { doing: progress.doing(), boot: progress.boot(), progress: &progress },
            ));
            self.last = Some(progress);
        }
    }
}

/// Progress with its words.
#[derive(Serialize)]
struct Shown<'a> {
    doing: String,
    boot: String,
    #[serde(flatten)]
    progress: &'a Progress,
}

/// What a page with a list of live runs was told.
struct Listed {
    tails: LiveTails,
    last: Option<Vec<Progress>>,
}

impl Teller for Listed {
    fn next(&mut self) -> (Vec<Event>, bool) {
        let list = self.tails.look();
        if self.last.as_ref() == Some(&list) {
            return (Vec::new(), false);
        }
        let shown: Vec<_> = list
            .iter()
            .map(|progress| Shown { doing: progress.doing(), boot: progress.boot(), progress })
            .collect();
        let events = event("runs", &shown).into_iter().collect();
        self.last = Some(list);
        (events, false)
    }
}

/// The live runs of a folder, each with its tail.
pub(super) struct LiveTails {
    folder: Folder,
    tails: Vec<RunTail>,
}

impl LiveTails {
    /// Nothing is looked at yet.
    pub(super) fn new(folder: &Folder) -> Self {
        Self { folder: folder.clone(), tails: Vec::new() }
    }

    /// How far each live run is, the newest first.
    pub(super) fn look(&mut self) -> Vec<Progress> {
        let runs = live::runs(&self.folder);
        let mut known = std::mem::take(&mut self.tails);
        for run in runs.iter().take(LIVE_RUNS_MAX) {
            let at = known.iter().position(|tail| tail.run().head.id == run.head.id);
            let tail =
                at.map(|at| known.swap_remove(at)).or_else(|| RunTail::new(&self.folder, &run.head.id));
            self.tails.extend(tail);
        }
        for tail in &mut self.tails {
            for _ in 0..FIRST_LOOKS_MAX {
                if tail.look().unwrap_or(News::Nothing) == News::Nothing {
                    break;
                }
            }
        }
        self.tails.iter().map(Progress::of).collect()
    }
}
