//! Rows of histories that are followed: the points as they were taken up, and what was concluded.

use perf_kernel::wire::Status;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::database::{json, word};
use super::queries::parsed;
use super::series::ORDINARY;
use super::{Store, StoreError, UnixSeconds};
use crate::analysis::{Fingerprint, median};

/// The rows of histories, within a transaction.
pub(crate) struct TrackedRows<'t> {
    connection: &'t Connection,
}

/// A run that histories took up, or are to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrackedRun {
    /// Its id.
    pub(crate) id: String,
    /// The revision that it measured, or else its image; `None` if it tells neither.
    pub(crate) commit: Option<String>,
}

/// A run that no history has taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DueRun {
    /// The run.
    pub(crate) run: TrackedRun,
    /// When it began.
    pub(crate) started: UnixSeconds,
}

/// A run's figure of a bench.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// Bench id with its scale.
    pub(crate) bench: String,
    /// Name of the unit.
    pub(crate) unit: String,
    /// Median of its boots.
    pub(crate) value: f64,
}

/// A point as a history took it up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrackedPoint {
    /// Key of its run.
    pub(crate) run: i64,
    /// The figure.
    pub(crate) value: f64,
    /// Name of the unit.
    pub(crate) unit: String,
}

/// A history's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeriesRow {
    /// Its key.
    pub(crate) key: i64,
    /// What it knows besides its points, as JSON.
    pub(crate) state: String,
}

impl Store {
    /// Works on the rows of histories in one transaction, which nobody else can come between.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing is changed then.
    pub(crate) fn tracking<T>(
        &mut self,
        work: impl FnOnce(&TrackedRows<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        let failed = |error| StoreError::of("keep histories in", &path, error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let result = work(&TrackedRows { connection: &transaction }).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }

    /// Reads the rows of histories.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) fn tracked<T>(
        &self,
        read: impl FnOnce(&TrackedRows<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.reading(|store| read(&TrackedRows { connection: &store.connection }))
    }
}

impl TrackedRows<'_> {
    /// The connection, for reads of a shape of their own.
    pub(super) const fn connection(&self) -> &Connection {
        self.connection
    }

    /// Keys of all machines.
    pub(crate) fn machines(&self) -> rusqlite::Result<Vec<i64>> {
        let mut statement = self.connection.prepare_cached("SELECT key FROM fingerprints ORDER BY key")?;
        statement.query_map([], |row| row.get(0))?.collect()
    }

    /// Keys of the machines that ordinary run `run` ran on.
    pub(crate) fn machines_of(&self, run: &str) -> rusqlite::Result<Vec<i64>> {
        let sql = format!(
            "SELECT DISTINCT fingerprint FROM boots JOIN runs ON runs.id = boots.run \
             WHERE runs.id = ?1 AND fingerprint IS NOT NULL AND {ORDINARY} ORDER BY fingerprint"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement.query_map([run], |row| row.get(0))?.collect()
    }

    /// Name and fields of a machine.
    pub(crate) fn machine(&self, key: i64) -> rusqlite::Result<(String, Fingerprint)> {
        let mut statement =
            self.connection.prepare_cached("SELECT name, fields FROM fingerprints WHERE key = ?1")?;
        statement.query_row([key], |row| Ok((row.get(0)?, parsed(1, row.get_ref(1)?.as_str()?)?)))
    }

    /// The runs of a machine that its histories took up, by their keys, oldest first.
    pub(crate) fn runs(&self, machine: i64) -> rusqlite::Result<Vec<(i64, TrackedRun)>> {
        let sql = "SELECT key, run, commit_name FROM tracked_runs WHERE fingerprint = ?1 ORDER BY key";
        let mut statement = self.connection.prepare_cached(sql)?;
        let run =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, TrackedRun { id: row.get(1)?, commit: row.get(2)? }));
        statement.query_map([machine], run)?.collect()
    }

    /// The ordinary runs of a machine that its histories have not taken up, in the order in which they were stored.
    pub(crate) fn due(&self, machine: i64) -> rusqlite::Result<Vec<DueRun>> {
        let sql = format!(
            "SELECT runs.id, started_unix_s, coalesce(revision, max(image_hash)) FROM boots \
             JOIN runs ON runs.id = boots.run WHERE boots.fingerprint = ?1 AND {ORDINARY} \
             AND runs.id NOT IN (SELECT run FROM tracked_runs WHERE fingerprint = ?1) \
             GROUP BY runs.id ORDER BY runs.rowid"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let due = |row: &rusqlite::Row<'_>| {
            let started: i64 = row.get(1)?;
            Ok(DueRun {
                run: TrackedRun { id: row.get(0)?, commit: row.get(2)? },
                started: UnixSeconds(u64::try_from(started).unwrap_or(0)),
            })
        };
        statement.query_map([machine], due)?.collect()
    }

    /// When the newest run of a machine began; zero if there is none.
    pub(crate) fn newest(&self, machine: i64) -> rusqlite::Result<UnixSeconds> {
        let sql = "SELECT coalesce(max(started_unix_s), 0) FROM runs \
                   WHERE id IN (SELECT run FROM boots WHERE fingerprint = ?1)";
        let started: i64 = self.connection.prepare_cached(sql)?.query_row([machine], |row| row.get(0))?;
        Ok(UnixSeconds(u64::try_from(started).unwrap_or(0)))
    }

    /// Marks a run as taken up; `None` if it was already.
    pub(crate) fn take_up(&self, machine: i64, run: &TrackedRun) -> rusqlite::Result<Option<i64>> {
        let sql = "INSERT INTO tracked_runs (fingerprint, run, commit_name) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (fingerprint, run) DO NOTHING";
        let added = self.connection.prepare_cached(sql)?.execute(params![machine, run.id, run.commit])?;
        Ok((added > 0).then(|| self.connection.last_insert_rowid()))
    }

    /// The valid figures of a run on a machine, by bench id; of a bench with two units, those of the last boot's.
    pub(crate) fn figures(&self, machine: i64, run: &str) -> rusqlite::Result<Vec<Figure>> {
        let sql = "SELECT benches.id, unit, p50 FROM boots JOIN points ON points.boot = boots.key \
                   JOIN benches ON benches.key = points.bench \
                   WHERE boots.run = ?1 AND boots.fingerprint = ?2 AND status = ?3 ORDER BY benches.id, boots.number DESC";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![run, machine, word(&Status::Measured)?])?;
        let mut gathered: Vec<(String, String, Vec<f64>)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (bench, unit) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            match gathered.last_mut() {
                Some((known, of, values)) if known == bench && of == unit => values.push(row.get(2)?),
                Some((known, ..)) if known == bench => {}
                _ => gathered.push((bench.to_owned(), unit.to_owned(), vec![row.get(2)?])),
            }
        }
        let figure = |(bench, unit, values): (String, String, Vec<f64>)| {
            median(values).map(|value| Figure { bench, unit, value })
        };
        Ok(gathered.into_iter().filter_map(figure).collect())
    }

    /// The row of a bench's history on a machine.
    pub(crate) fn series(&self, machine: i64, bench: &str) -> rusqlite::Result<Option<SeriesRow>> {
        let sql = "SELECT series.key, state FROM series JOIN benches ON benches.key = series.bench \
                   WHERE fingerprint = ?1 AND benches.id = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = |row: &rusqlite::Row<'_>| Ok(SeriesRow { key: row.get(0)?, state: row.get(1)? });
        statement.query_row(params![machine, bench], row).optional()
    }

    /// Benches with a history on a machine whose ids begin with `prefix`.
    pub(crate) fn benches(&self, machine: i64, prefix: &str) -> rusqlite::Result<Vec<String>> {
        let sql = "SELECT benches.id FROM series JOIN benches ON benches.key = series.bench \
                   WHERE fingerprint = ?1 AND substr(benches.id, 1, length(?2)) = ?2 ORDER BY benches.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map(params![machine, prefix], |row| row.get(0))?.collect()
    }

    /// Makes an empty history of a bench that has figures.
    pub(crate) fn insert_series(&self, machine: i64, bench: &str) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO series (bench, fingerprint, state) VALUES ((SELECT key FROM benches WHERE id = ?1), ?2, '')";
        self.connection.prepare_cached(sql)?.insert(params![bench, machine])
    }

    /// Keeps what a history knows besides its points.
    pub(crate) fn put_state(&self, series: i64, state: &str) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached("UPDATE series SET state = ?2 WHERE key = ?1")?;
        statement.execute(params![series, state]).map(drop)
    }

    /// The points of a history, oldest first.
    pub(crate) fn points(&self, series: i64) -> rusqlite::Result<Vec<TrackedPoint>> {
        let sql = "SELECT run, value, unit FROM tracked_points WHERE series = ?1 ORDER BY run";
        let mut statement = self.connection.prepare_cached(sql)?;
        let point = |row: &rusqlite::Row<'_>| {
            Ok(TrackedPoint { run: row.get(0)?, value: row.get(1)?, unit: row.get(2)? })
        };
        statement.query_map([series], point)?.collect()
    }

    /// Adds a point to a history.
    pub(crate) fn insert_point(&self, series: i64, point: &TrackedPoint) -> rusqlite::Result<()> {
        let sql = "INSERT INTO tracked_points (series, run, value, unit) VALUES (?1, ?2, ?3, ?4)";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![series, point.run, point.value, point.unit]).map(drop)
    }

    /// Whether a finding was ever kept.
    pub(crate) fn has_finding(&self, id: &str) -> rusqlite::Result<bool> {
        self.connection.prepare_cached("SELECT 1 FROM findings WHERE id = ?1")?.exists([id])
    }

    /// Keeps a finding as it stands now.
    pub(crate) fn put_finding(
        &self,
        series: i64,
        id: &str,
        state: &impl serde::Serialize,
        finding: &impl serde::Serialize,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO findings (id, series, state, finding) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (id) DO UPDATE SET state = excluded.state, finding = excluded.finding";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![id, series, word(state)?, json(finding)?]).map(drop)
    }

    /// Says that a finding is in another state.
    pub(crate) fn set_finding_state(&self, id: &str, state: &impl serde::Serialize) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached("UPDATE findings SET state = ?2 WHERE id = ?1")?;
        statement.execute(params![id, word(state)?]).map(drop)
    }

    /// Removes a finding and all that hangs on it.
    pub(crate) fn forget_finding(&self, id: &str) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM acknowledgements WHERE finding = ?1",
            "DELETE FROM finding_events WHERE finding = ?1",
            "DELETE FROM findings WHERE id = ?1",
        ] {
            self.connection.prepare_cached(sql)?.execute([id])?;
        }
        Ok(())
    }

    /// Keeps what a run did to a finding, in words.
    pub(crate) fn insert_event(&self, finding: &str, run: &str, what: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO finding_events (finding, run, event) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute(params![finding, run, what]).map(drop)
    }

    /// Says that a run began at another time.
    #[cfg(test)]
    pub(crate) fn set_started(&self, run: &str, started: UnixSeconds) -> rusqlite::Result<()> {
        let sql = "UPDATE runs SET started_unix_s = ?2 WHERE id = ?1";
        let started = i64::try_from(started.0).unwrap_or(i64::MAX);
        self.connection.execute(sql, params![run, started]).map(drop)
    }
}
