//! One history between the database and the detector.

use serde::{Deserialize, Serialize};

use super::{Change, FindingState, wording};
use crate::history::{
    Detector, Event, ExactHistory, ExactState, Finding, History, HistoryState, Key, Point, Span, changes,
};
use crate::store::{Figure, TrackedPoint, TrackedRows};

/// What a machine's histories have in common.
#[derive(Debug)]
pub(super) struct Machine {
    /// Its key.
    pub(super) key: i64,
    /// Its name.
    pub(super) name: String,
    /// Whether its figures repeat to the last digit.
    pub(super) is_exact: bool,
    /// The runs that were taken up, by key, oldest first.
    pub(super) runs: Vec<(i64, crate::store::TrackedRun)>,
}

impl Machine {
    /// The run with this key.
    fn run(&self, key: i64) -> Option<&crate::store::TrackedRun> {
        let place = self.runs.binary_search_by_key(&key, |(known, _)| *known).ok()?;
        self.runs.get(place).map(|(_, run)| run)
    }

    fn commit(&self, key: i64) -> Option<Key> {
        self.run(key)?.commit.as_deref().map(Key::of)
    }
}

/// A history that is being followed.
#[derive(Debug)]
pub(super) struct Follower {
    key: i64,
    bench: String,
    history: Kept,
    /// Keys of the runs of its points.
    runs: Vec<i64>,
    is_changed: bool,
}

#[derive(Debug)]
enum Kept {
    Noisy(Box<History>),
    Exact(ExactHistory),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Noisy(HistoryState),
    Exact(ExactState),
}

impl Follower {
    /// The history of a bench as it was put away, or a new one.
    pub(super) fn load(rows: &TrackedRows<'_>, machine: &Machine, bench: &str) -> rusqlite::Result<Self> {
        let name = Key::of(&format!("{bench}\0{}", machine.name));
        let (history, key, runs) = match rows.series(machine.key, bench)? {
            None => (Kept::new(machine, name), rows.insert_series(machine.key, bench)?, Vec::new()),
            Some(row) => {
                let stored = rows.points(row.key)?;
                let runs = stored.iter().map(|point| point.run).collect();
                let points = stored.iter().map(|point| point_of(point, machine)).collect();
                (Kept::resume(machine, name, points, &row.state)?, row.key, runs)
            }
        };
        Ok(Self { key, bench: bench.to_owned(), history, runs, is_changed: false })
    }

    /// The runs within which levels of this history change, as keys, both ends included.
    pub(super) fn changes(&self) -> Vec<(i64, i64)> {
        let run = |index: usize| self.runs.get(index).copied();
        changes(self.history.findings())
            .into_iter()
            .filter_map(|span| run(span.first).zip(run(span.last)))
            .collect()
    }

    /// Adds a run's figure and keeps what it changed. `controls` are runs within which control benches changed.
    pub(super) fn append(
        &mut self,
        rows: &TrackedRows<'_>,
        machine: &Machine,
        run: i64,
        figure: &Figure,
        controls: Controls<'_>,
    ) -> rusqlite::Result<Vec<Change>> {
        let point = TrackedPoint { run, value: figure.value, unit: figure.unit.clone() };
        rows.insert_point(self.key, &point)?;
        self.runs.push(run);
        self.is_changed = true;
        let spans = self.spans(controls);
        let before = self.history.findings().to_vec();
        let events = match &mut self.history {
            Kept::Noisy(history) => history.append(point_of(&point, machine), &spans),
            Kept::Exact(history) => history.append(point_of(&point, machine)),
        };
        self.keep(rows, machine, run, &before, &events)
    }

    /// Puts it away, if it changed.
    pub(super) fn put_away(&self, rows: &TrackedRows<'_>) -> rusqlite::Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        let state = match &self.history {
            Kept::Noisy(history) => State::Noisy(history.state()),
            Kept::Exact(history) => State::Exact(history.state().clone()),
        };
        rows.put_state(self.key, &crate::store::stored_json(&state)?)
    }

    /// Runs as indexes of this history.
    fn spans(&self, controls: Controls<'_>) -> Vec<Span> {
        let index = |run: i64| self.runs.partition_point(|known| *known < run);
        match controls {
            Controls::Everywhere => vec![Span { first: 0, last: usize::MAX }],
            Controls::Within(runs) => {
                runs.iter().map(|(first, last)| Span { first: index(*first), last: index(*last) }).collect()
            }
        }
    }

    fn keep(
        &self,
        rows: &TrackedRows<'_>,
        machine: &Machine,
        run: i64,
        before: &[Finding],
        events: &[Event],
    ) -> rusqlite::Result<Vec<Change>> {
        let after = self.history.findings();
        let name = |index: usize| {
            let run = self.runs.get(index).and_then(|run| machine.run(*run));
            run.map_or_else(|| format!("point {index}"), |run| run.id.clone())
        };
        let new_run = machine.run(run).cloned().unwrap_or_default();
        let mut changes = Vec::new();
        for event in events {
            let id = wording::id_of(event);
            let is_known = rows.has_finding(&id.to_string())?;
            if let (Event::Opened(finding), false) = (event, is_known) {
                rows.put_finding(self.key, &id.to_string(), &FindingState::Standing, finding)?;
            }
            let what = wording::what(event, is_known, name);
            rows.insert_event(&id.to_string(), &new_run.id, &what)?;
            let known = after.iter().chain(before).find(|finding| finding.id == id);
            let at = known.map_or(usize::MAX, |finding| finding.at);
            changes.push(Change {
                bench: self.bench.clone(),
                machine: machine.name.clone(),
                run: new_run.id.clone(),
                begins: name(at),
                commit: self
                    .runs
                    .get(at)
                    .and_then(|run| machine.run(*run))
                    .and_then(|run| run.commit.clone()),
                finding: known.cloned(),
                event: event.clone(),
                what,
            });
        }
        for finding in after.iter().filter(|finding| !before.contains(finding)) {
            rows.put_finding(self.key, &finding.id.to_string(), &FindingState::Standing, finding)?;
        }
        for event in events {
            let id = wording::id_of(event);
            if after.iter().any(|finding| finding.id == id) {
                continue;
            }
            match event {
                Event::Merged { .. } => rows.set_finding_state(&id.to_string(), &FindingState::Merged)?,
                Event::Withdrawn { finding } => {
                    rows.put_finding(self.key, &id.to_string(), &FindingState::Withdrawn, finding)?;
                }
                // It said that nothing can be said yet, which is over: there is nothing left to look up.
                Event::Settled { .. } => rows.forget_finding(&id.to_string())?,
                _ => {}
            }
        }
        Ok(changes)
    }
}

/// Where control benches say that the environment changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Controls<'a> {
    /// Within these runs, by their keys.
    Within(&'a [(i64, i64)]),
    /// Wherever the history itself changes: it is of a control bench.
    Everywhere,
}

impl Kept {
    fn new(machine: &Machine, name: Key) -> Self {
        if machine.is_exact {
            Self::Exact(ExactHistory::new(name))
        } else {
            Self::Noisy(Box::new(History::new(Detector::default(), name)))
        }
    }

    fn resume(machine: &Machine, name: Key, points: Vec<Point>, state: &str) -> rusqlite::Result<Self> {
        if state.is_empty() && points.is_empty() {
            return Ok(Self::new(machine, name));
        }
        let kept = match crate::store::from_stored_json(state)? {
            State::Noisy(state) => {
                History::resume(name, points, state).map(|history| Self::Noisy(Box::new(history)))
            }
            State::Exact(state) => ExactHistory::resume(name, points, state).map(Self::Exact),
        };
        kept.ok_or(rusqlite::Error::IntegralValueOutOfRange(1, 0))
    }

    fn findings(&self) -> &[Finding] {
        match self {
            Self::Noisy(history) => history.findings(),
            Self::Exact(history) => history.findings(),
        }
    }
}

fn point_of(point: &TrackedPoint, machine: &Machine) -> Point {
    Point { value: point.value, commit: machine.commit(point.run), unit: Some(Key::of(&point.unit)) }
}
