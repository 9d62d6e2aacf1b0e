//! Reading results back.

use perf_kernel::units::{Nanoseconds, Ticks};
use perf_kernel::wire::BenchRecord;
use rusqlite::{Row, params};
use serde::de::DeserializeOwned;

use super::{Run, RunHead, RunName, Store, StoreError, StoredBoot, UnixSeconds};
use crate::collect::{Boot, BootEnd, HostBeacon};

/// A stored run in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// What was asked.
    pub head: RunHead,
    /// What figures mean, by its first boot.
    pub mode: Option<String>,
    /// How its boots ended, in order.
    pub ends: Vec<BootEnd>,
    /// Benches measured in all its boots.
    pub measured: u32,
}

impl Store {
    /// The stored runs, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn runs(&self) -> Result<Vec<RunLine>, StoreError> {
        self.reading(|store| {
            let sql = "SELECT id, started_unix_s, command, profile, plan, runner_version, revision, \"end\", mode, \
                       measured FROM runs LEFT JOIN boots ON boots.run = runs.id \
                       ORDER BY started_unix_s DESC, runs.rowid DESC, number";
            let mut statement = store.connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut lines: Vec<RunLine> = Vec::new();
            while let Some(row) = rows.next()? {
                let id = row.get_ref(0)?.as_str()?;
                if lines.last().is_none_or(|line| line.head.id != id) {
                    lines.push(RunLine { head: head(row)?, mode: None, ends: Vec::new(), measured: 0 });
                }
                let end = row.get_ref(7)?.as_str_or_null()?;
                if let Some((line, end)) = lines.last_mut().zip(end) {
                    line.ends.push(parsed(7, &format!("\"{end}\""))?);
                    line.mode = line.mode.take().or(row.get(8)?);
                    line.measured = line.measured.saturating_add(row.get(9)?);
                }
            }
            Ok(lines)
        })
    }

    /// The id of the run that `name` means.
    ///
    /// # Errors
    /// No run or more than one is meant, and what [`StoreError`] lists.
    pub fn find(&self, name: &RunName) -> Result<String, StoreError> {
        let no_such = |reason: String| StoreError::NoSuchRun {
            name: name.to_string(),
            path: self.path.clone(),
            reason,
        };
        let ids = self.reading(|store| match name {
            RunName::Last(back) => {
                // Runs of two builds are compared with nothing else, so that they go by their own names.
                let sql = "SELECT id FROM runs WHERE command <> 'ab' \
                           ORDER BY started_unix_s DESC, rowid DESC LIMIT 1 OFFSET ?1";
                let mut statement = store.connection.prepare_cached(sql)?;
                statement.query_map([back], |row| row.get(0))?.collect()
            }
            RunName::Prefix(prefix) => {
                let sql = "SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2";
                let mut statement = store.connection.prepare_cached(sql)?;
                statement.query_map([prefix], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
            }
        })?;
        match ids.as_slice() {
            [id] => Ok(id.clone()),
            [] => Err(no_such("there is none".to_owned())),
            _ => Err(no_such("more than one begins like that".to_owned())),
        }
    }

    /// The run `id`.
    ///
    /// # Errors
    /// No run has exactly that id, and what [`StoreError`] lists.
    pub fn load(&self, id: &str) -> Result<Run, StoreError> {
        let run = self.reading(|store| {
            let sql = "SELECT id, started_unix_s, command, profile, plan, runner_version, revision FROM runs WHERE id = ?1";
            let head = store.connection.prepare_cached(sql)?.query_row([id], head)?;
            let mut statement = store.connection.prepare_cached(
                "SELECT key, number, \"end\", end_detail, bench_running, hello, machine, clock, ledger, crash, \
                 crash_frames, log, beacons, damage, transcript, transcript_hash \
                 FROM boots WHERE run = ?1 ORDER BY number",
            )?;
            let boots = statement.query_map([id], boot)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let filled = boots.into_iter().map(|(key, mut stored)| {
                stored.boot.benches = store.benches(key)?;
                Ok(stored)
            });
            Ok(Run { head, boots: filled.collect::<rusqlite::Result<Vec<_>>>()? })
        });
        run.map_err(|error| match error {
            StoreError::Sqlite { error: rusqlite::Error::QueryReturnedNoRows, path, .. } => {
                StoreError::NoSuchRun { name: id.to_owned(), path, reason: "there is none".to_owned() }
            }
            other => other,
        })
    }

    /// The run that has a boot with this transcript.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn find_transcript(&self, hash: &str) -> Result<Option<String>, StoreError> {
        self.reading(|store| {
            let sql = "SELECT run FROM boots WHERE transcript_hash = ?1 LIMIT 1";
            let mut statement = store.connection.prepare_cached(sql)?;
            statement.query_map([hash], |row| row.get(0))?.next().transpose()
        })
    }

    /// The number of the last boot that run `id` has; 0 if it has none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_boot(&self, id: &str) -> Result<u32, StoreError> {
        self.reading(|store| {
            let sql = "SELECT coalesce(max(number), 0) FROM boots WHERE run = ?1";
            store.connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))
        })
    }

    pub(super) fn reading<T>(
        &self,
        read: impl FnOnce(&Self) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        read(self).map_err(|error| StoreError::of("read", &self.path, error))
    }

    fn benches(&self, boot: i64) -> rusqlite::Result<Vec<BenchRecord>> {
        let sql = "SELECT record FROM results WHERE boot = ?1 ORDER BY key";
        let mut statement = self.connection.prepare_cached(sql)?;
        let records = statement.query_map(params![boot], |row| parsed(0, row.get_ref(0)?.as_str()?))?;
        records.collect()
    }
}

fn head(row: &Row<'_>) -> rusqlite::Result<RunHead> {
    let started: i64 = row.get(1)?;
    Ok(RunHead {
        id: row.get(0)?,
        started: UnixSeconds(u64::try_from(started).unwrap_or(0)),
        command: row.get(2)?,
        profile: row.get(3)?,
        plan: row.get(4)?,
        runner_version: row.get(5)?,
        revision: row.get(6)?,
    })
}

fn boot(row: &Row<'_>) -> rusqlite::Result<(i64, StoredBoot)> {
    let end: String = row.get(2)?;
    let beacons: Vec<(u64, u64)> = column(row, 12)?;
    let mark = |(ticks, arrival)| HostBeacon { ticks: Ticks(ticks), arrival: Nanoseconds(arrival) };
    let boot = Boot {
        end: parsed(2, &format!("\"{end}\""))?,
        end_detail: row.get(3)?,
        hello: optional(row, 5)?,
        machine: optional(row, 6)?,
        clock: optional(row, 7)?,
        benches: Vec::new(),
        bench_running: row.get(4)?,
        ledger: optional(row, 8)?,
        crash: optional(row, 9)?,
        log: column(row, 11)?,
        beacons: beacons.into_iter().map(mark).collect(),
        damage: column(row, 13)?,
    };
    let stored = StoredBoot {
        number: row.get(1)?,
        boot,
        transcript: row.get::<_, Option<String>>(14)?.map(Into::into),
        transcript_hash: row.get(15)?,
        crash_frames: column(row, 10)?,
    };
    Ok((row.get(0)?, stored))
}

pub(super) fn optional<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    row.get_ref(at)?.as_str_or_null()?.map(|text| parsed(at, text)).transpose()
}

fn column<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    parsed(at, row.get_ref(at)?.as_str()?)
}

pub(super) fn parsed<T: DeserializeOwned>(at: usize, text: &str) -> rusqlite::Result<T> {
    let unreadable =
        |error| rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error));
    serde_json::from_str(text).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::Mode;

    fn store_of(ids: &[&str]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        for (place, id) in ids.iter().enumerate() {
            let benches = vec![samples::bench("env/pause", 100, 1), samples::skipped("env/l1-load", "no")];
            let mut run = run(id, vec![boot(Mode::Tcg, benches.clone()), boot(Mode::Tcg, benches)]);
            run.head.started.0 += place as u64;
            for stored in &run.boots {
                store.insert_boot(&run.head, stored).expect("room");
            }
        }
        (folder, store)
    }

    #[test]
    fn runs_are_found_by_prefix_and_by_age() {
        let (_folder, store) = store_of(&["aa000001", "ab000002"]);
        assert_eq!(store.find(&RunName::Last(0)).expect("two runs"), "ab000002");
        assert_eq!(store.find(&RunName::Last(1)).expect("two runs"), "aa000001");
        assert_eq!(store.find(&RunName::Prefix("aa".into())).expect("one"), "aa000001");
        let error = store.find(&RunName::Prefix("a".into())).expect_err("two").to_string();
        assert!(error.contains("more than one begins like that"), "{error}");
        assert!(store.find(&RunName::Last(2)).is_err());
        assert!(store.find(&RunName::Prefix("%".into())).is_err());
    }

    #[test]
    fn the_list_of_runs_counts_what_was_measured() {
        let (_folder, store) = store_of(&["aa000001"]);
        let lines = store.runs().expect("a list");
        assert_eq!(lines[0].ends, [BootEnd::Done, BootEnd::Done]);
        assert_eq!((lines[0].measured, lines[0].mode.as_deref()), (2, Some("tcg")));
    }

    #[test]
    fn a_run_that_is_not_there_is_named() {
        let (_folder, store) = store_of(&[]);
        assert!(matches!(store.load("aa000001"), Err(StoreError::NoSuchRun { .. })));
    }
}
