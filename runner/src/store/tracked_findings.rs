//! Reading findings back, and what people say about them.

use rusqlite::params;
use serde::de::DeserializeOwned;

use super::UnixSeconds;
use super::queries::parsed;
use super::tracked::TrackedRows;

/// A finding as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FindingRow<State, Finding> {
    /// Its id.
    pub(crate) id: String,
    /// Key of its history.
    pub(crate) series: i64,
    /// Bench id with its scale.
    pub(crate) bench: String,
    /// Name of the machine.
    pub(crate) machine: String,
    /// Whether it stands.
    pub(crate) state: State,
    /// What it is.
    pub(crate) finding: Finding,
    /// When it was acknowledged and why.
    pub(crate) acknowledgement: Option<(UnixSeconds, String)>,
}

/// What a prefix of an id means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No finding.
    None,
    /// This one.
    One(String),
    /// More than one.
    Several,
}

impl TrackedRows<'_> {
    /// The findings of a machine and of a bench, or of all, by machine and bench.
    pub(crate) fn findings<State: DeserializeOwned, Finding: DeserializeOwned>(
        &self,
        machine: Option<&str>,
        bench: Option<&str>,
    ) -> rusqlite::Result<Vec<FindingRow<State, Finding>>> {
        let sql = "SELECT findings.id, series, benches.id, fingerprints.name, findings.state, findings.finding, unix_s, reason \
                   FROM findings JOIN series ON series.key = findings.series \
                   JOIN benches ON benches.key = series.bench \
                   JOIN fingerprints ON fingerprints.key = series.fingerprint \
                   LEFT JOIN acknowledgements ON acknowledgements.finding = findings.id \
                   WHERE (?1 IS NULL OR fingerprints.name = ?1) AND (?2 IS NULL OR benches.id = ?2) \
                   ORDER BY fingerprints.key, benches.id, findings.rowid";
        let mut statement = self.connection().prepare_cached(sql)?;
        let finding = |row: &rusqlite::Row<'_>| {
            let seconds: Option<i64> = row.get(6)?;
            let when = seconds.map(|seconds| UnixSeconds(u64::try_from(seconds).unwrap_or(0)));
            Ok(FindingRow {
                id: row.get(0)?,
                series: row.get(1)?,
                bench: row.get(2)?,
                machine: row.get(3)?,
                state: parsed(4, &format!("\"{}\"", row.get_ref(4)?.as_str()?))?,
                finding: parsed(5, row.get_ref(5)?.as_str()?)?,
                acknowledgement: when.zip(row.get(7)?),
            })
        };
        statement.query_map(params![machine, bench], finding)?.collect()
    }

    /// What became of a finding, oldest first: run and words.
    pub(crate) fn events(&self, finding: &str) -> rusqlite::Result<Vec<(String, String)>> {
        let sql = "SELECT run, event FROM finding_events WHERE finding = ?1 ORDER BY key";
        let mut statement = self.connection().prepare_cached(sql)?;
        statement.query_map([finding], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Ids and revisions of the runs of a history's points, oldest first.
    pub(crate) fn runs_of(&self, series: i64) -> rusqlite::Result<Vec<(String, Option<String>)>> {
        let sql = "SELECT tracked_runs.run, runs.revision FROM tracked_points \
                   JOIN tracked_runs ON tracked_runs.key = tracked_points.run \
                   LEFT JOIN runs ON runs.id = tracked_runs.run WHERE series = ?1 ORDER BY tracked_points.run";
        let mut statement = self.connection().prepare_cached(sql)?;
        statement.query_map([series], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Ids of all runs, in the order in which they were stored.
    pub(crate) fn run_order(&self) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.connection().prepare_cached("SELECT id FROM runs ORDER BY rowid")?;
        statement.query_map([], |row| row.get(0))?.collect()
    }

    /// The finding whose id begins with `prefix`.
    pub(crate) fn find_finding(&self, prefix: &str) -> rusqlite::Result<Found> {
        let sql = "SELECT id FROM findings WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2";
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut ids = statement.query_map([prefix], |row| row.get(0))?;
        match (ids.next().transpose()?, ids.next().transpose()?) {
            (None, _) => Ok(Found::None),
            (Some(id), None) => Ok(Found::One(id)),
            (Some(_), Some(_)) => Ok(Found::Several),
        }
    }

    /// Keeps why a finding may stay; a new reason takes the place of an older one.
    pub(crate) fn acknowledge(&self, finding: &str, at: UnixSeconds, reason: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO acknowledgements (finding, unix_s, reason) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (finding) DO UPDATE SET unix_s = excluded.unix_s, reason = excluded.reason";
        let seconds = i64::try_from(at.0).unwrap_or(i64::MAX);
        self.connection().prepare_cached(sql)?.execute(params![finding, seconds, reason]).map(drop)
    }

    /// Takes back that a finding was acknowledged; whether it was.
    pub(crate) fn reopen(&self, finding: &str) -> rusqlite::Result<bool> {
        let mut statement =
            self.connection().prepare_cached("DELETE FROM acknowledgements WHERE finding = ?1")?;
        Ok(statement.execute([finding])? > 0)
    }
}
