//! Runs taken up into the histories.

use std::collections::BTreeMap;

use perf_kernel::wire::Mode;

use super::Change;
use super::follower::{Controls, Follower, Machine};
use crate::store::{Store, StoreError, TrackedRows, TrackedRun};

/// Suite of the benches that no code under test can reach.
const CONTROLS: &str = "env/";

/// Runs taken up in one transaction, so that other programs get their turn.
const PORTION: usize = 24;

/// A run that never came to its end is taken up when another one is that much newer: before, it may still be going on.
const UNFINISHED_S: u64 = 86_400;

/// Takes a run that is at its end up into the histories of its machine, and tells what it changed.
///
/// A run is taken up once: later boots of it, and its removal, change nothing of what was concluded. Older runs that no
/// history knows come first: all of them if the machine has no histories yet, else those that began a day before.
///
/// # Errors
/// See [`StoreError`]; the run is not taken up then, and may be later.
pub fn update(store: &mut Store, run: &str) -> Result<Vec<Change>, StoreError> {
    let mut changes = Vec::new();
    for machine in store.tracked(|rows| rows.machines_of(run))? {
        changes.extend(take_up(store, machine, Some(run))?);
    }
    Ok(changes)
}

/// Takes up what no history knows, on all machines: what an older version, an import or a crash left behind.
///
/// # Errors
/// See [`StoreError`].
pub fn catch_up(store: &mut Store) -> Result<Vec<Change>, StoreError> {
    let mut changes = Vec::new();
    for machine in store.tracked(|rows| rows.machines())? {
        changes.extend(take_up(store, machine, None)?);
    }
    Ok(changes)
}

fn take_up(store: &mut Store, machine: i64, run: Option<&str>) -> Result<Vec<Change>, StoreError> {
    let due = store.tracked(|rows| due(rows, machine, run))?;
    let mut changes = Vec::new();
    for portion in due.chunks(PORTION) {
        changes.extend(store.tracking(|rows| take_up_portion(rows, machine, portion))?);
    }
    Ok(changes)
}

/// The runs to take up, in order.
fn due(rows: &TrackedRows<'_>, machine: i64, run: Option<&str>) -> rusqlite::Result<Vec<TrackedRun>> {
    let mut due = rows.due(machine)?;
    if !due.is_empty() && !rows.runs(machine)?.is_empty() {
        let newest = rows.newest(machine)?;
        due.retain(|due| {
            Some(due.run.id.as_str()) == run || newest.0.saturating_sub(due.started.0) >= UNFINISHED_S
        });
    }
    Ok(due.into_iter().map(|due| due.run).collect())
}

fn take_up_portion(
    rows: &TrackedRows<'_>,
    key: i64,
    portion: &[TrackedRun],
) -> rusqlite::Result<Vec<Change>> {
    let (name, fingerprint) = rows.machine(key)?;
    let is_exact = fingerprint.0.get("mode").is_some_and(|mode| mode == Mode::Icount.name());
    let runs = rows.runs(key)?;
    let mut taking = Taking {
        rows,
        machine: Machine { key, name, is_exact, runs },
        followers: BTreeMap::new(),
        changes: Vec::new(),
    };
    for bench in rows.benches(key, CONTROLS)? {
        taking.follower(&bench)?;
    }
    for run in portion {
        // Another program may have been faster.
        if let Some(place) = rows.take_up(key, run)? {
            taking.machine.runs.push((place, run.clone()));
            taking.run(place, run)?;
        }
    }
    taking.followers.values().try_for_each(|follower| follower.put_away(rows))?;
    Ok(taking.changes)
}

/// Runs on their way into the histories of a machine.
struct Taking<'a> {
    rows: &'a TrackedRows<'a>,
    machine: Machine,
    followers: BTreeMap<String, Follower>,
    changes: Vec<Change>,
}

impl Taking<'_> {
    /// Control benches come first, so that the others know of their changes.
    fn run(&mut self, place: i64, run: &TrackedRun) -> rusqlite::Result<()> {
        let figures = self.rows.figures(self.machine.key, &run.id)?;
        let (controls, others): (Vec<_>, Vec<_>) =
            figures.into_iter().partition(|figure| figure.bench.starts_with(CONTROLS));
        for figure in controls {
            self.append(place, &figure, Controls::Everywhere)?;
        }
        let of_controls = self.followers.iter().filter(|(bench, _)| bench.starts_with(CONTROLS));
        let changes: Vec<(i64, i64)> = of_controls.flat_map(|(_, follower)| follower.changes()).collect();
        for figure in others {
            self.append(place, &figure, Controls::Within(&changes))?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        place: i64,
        figure: &crate::store::Figure,
        controls: Controls<'_>,
    ) -> rusqlite::Result<()> {
        self.follower(&figure.bench)?;
        if let Some(follower) = self.followers.get_mut(&figure.bench) {
            self.changes.extend(follower.append(self.rows, &self.machine, place, figure, controls)?);
        }
        Ok(())
    }

    fn follower(&mut self, bench: &str) -> rusqlite::Result<()> {
        if !self.followers.contains_key(bench) {
            let follower = Follower::load(self.rows, &self.machine, bench)?;
            self.followers.insert(bench.to_owned(), follower);
        }
        Ok(())
    }
}
