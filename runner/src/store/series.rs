//! Series of figures over runs: one machine, one bench, one point a run.

use std::collections::HashMap;

use perf_kernel::wire::Status;
use rusqlite::{Row, params};

use super::database::status_word;
use super::queries::parsed;
use super::{Store, StoreError, UnixSeconds};
use crate::analysis::{Fingerprint, median};

/// The command of runs that measure an older revision again.
pub(crate) const ASIDE: &str = "aside";

/// The command of runs that measure two builds in turn.
pub(crate) const PAIRED: &str = "ab";

/// Runs that measure two builds in turn say nothing about the history of one, and old revisions nothing about the newest.
pub(super) const ORDINARY: &str = "runs.command NOT IN ('ab', 'aside')";

/// The same with runs of older revisions.
const ORDINARY_AND_ASIDE: &str = "runs.command <> 'ab'";

/// A machine with its plan and mode, as far as figures depend on them, of which runs are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineLine {
    /// Name of the fingerprint, 16 hex digits.
    pub name: String,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// Runs stored.
    pub runs: u32,
    /// Boots stored.
    pub boots: u32,
    /// When the newest of them began.
    pub newest: UnixSeconds,
}

/// One run's figure of one bench.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPoint {
    /// The run.
    pub run: String,
    /// When it began, by the host's clock.
    pub started: UnixSeconds,
    /// The source revision that it measured, if it is known.
    pub revision: Option<String>,
    /// The image that ran.
    pub image_hash: Option<String>,
    /// Name of the unit, as in JSON.
    pub unit: String,
    /// Median of the boots' medians, for one iteration.
    pub value: f64,
    /// Lowest boot median.
    pub low: f64,
    /// Highest boot median.
    pub high: f64,
    /// Number of boots with a figure.
    pub boots: usize,
}

/// The history of one bench on one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Bench id with its scale.
    pub bench: String,
    /// Its points, in the order in which runs were stored: the host's clock may go back, that order does not.
    pub points: Vec<SeriesPoint>,
}

impl Store {
    /// The machines of which runs are stored, the one with the newest run first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn machines(&self) -> Result<Vec<MachineLine>, StoreError> {
        self.reading(|store| {
            let sql = format!(
                "SELECT fingerprints.name, fields, count(DISTINCT runs.id), count(*), max(started_unix_s) \
                 FROM fingerprints JOIN boots ON boots.fingerprint = fingerprints.key \
                 JOIN runs ON runs.id = boots.run WHERE {ORDINARY} \
                 GROUP BY fingerprints.key ORDER BY max(runs.rowid) DESC"
            );
            let mut statement = store.connection.prepare_cached(&sql)?;
            let lines = statement.query_map([], |row| {
                let newest: i64 = row.get(4)?;
                Ok(MachineLine {
                    name: row.get(0)?,
                    fingerprint: parsed(1, row.get_ref(1)?.as_str()?)?,
                    runs: row.get(2)?,
                    boots: row.get(3)?,
                    newest: UnixSeconds(u64::try_from(newest).unwrap_or(0)),
                })
            })?;
            lines.collect()
        })
    }

    /// The history of `bench` on the machine whose fingerprint is called `machine`; without points if nothing is
    /// stored of it. Only valid measurements count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn series(&self, machine: &str, bench: &str) -> Result<Series, StoreError> {
        let found = self.series_where(machine, Some(bench), ORDINARY)?.pop();
        Ok(found.unwrap_or_else(|| Series { bench: bench.to_owned(), points: Vec::new() }))
    }

    /// The histories of all benches on the machine whose fingerprint is called `machine`, by bench id.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn all_series(&self, machine: &str) -> Result<Vec<Series>, StoreError> {
        self.series_where(machine, None, ORDINARY)
    }

    /// As [`Store::series`], with the runs that measured older revisions again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn series_and_asides(&self, machine: &str, bench: &str) -> Result<Series, StoreError> {
        let found = self.series_where(machine, Some(bench), ORDINARY_AND_ASIDE)?.pop();
        Ok(found.unwrap_or_else(|| Series { bench: bench.to_owned(), points: Vec::new() }))
    }

    fn series_where(
        &self,
        machine: &str,
        bench: Option<&str>,
        runs: &str,
    ) -> Result<Vec<Series>, StoreError> {
        self.reading(|store| {
            let connection = &store.connection;
            let mut ids: HashMap<i64, String> = HashMap::new();
            let sql = "SELECT key, id FROM benches WHERE ?1 IS NULL OR id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([bench])?;
            while let Some(row) = rows.next()? {
                ids.insert(row.get(0)?, row.get(1)?);
            }
            let only = bench.and_then(|_| ids.keys().next().copied());
            let sql = format!(
                "SELECT boots.key, runs.id, started_unix_s, revision, image_hash \
                 FROM fingerprints JOIN boots ON boots.fingerprint = fingerprints.key \
                 JOIN runs ON runs.id = boots.run WHERE fingerprints.name = ?1 AND {runs} \
                 ORDER BY runs.rowid, boots.number"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let boots = statement.query_map([machine], stored_boot)?.collect::<rusqlite::Result<Vec<_>>>()?;
            // The rows of a boot lie together, so that a boot at a time is faster than one sorted query.
            let wanted = if only.is_some() { "AND bench = ?3" } else { "AND ?3 IS NULL" };
            let sql = format!("SELECT bench, unit, p50 FROM points WHERE boot = ?1 AND status = ?2 {wanted}");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut gathered = Gathered::default();
            for boot in boots.iter().filter(|_| !ids.is_empty()) {
                let measured = status_word(Status::Measured);
                let mut rows = statement.query(params![boot.key, measured, only])?;
                while let Some(row) = rows.next()? {
                    gathered.add(boot, row)?;
                }
            }
            Ok(gathered.finish(&mut ids))
        })
    }
}

/// A boot with its run.
struct BootRow {
    key: i64,
    run: String,
    started: UnixSeconds,
    revision: Option<String>,
    image_hash: Option<String>,
}

fn stored_boot(row: &Row<'_>) -> rusqlite::Result<BootRow> {
    let started: i64 = row.get(2)?;
    Ok(BootRow {
        key: row.get(0)?,
        run: row.get(1)?,
        started: UnixSeconds(u64::try_from(started).unwrap_or(0)),
        revision: row.get(3)?,
        image_hash: row.get(4)?,
    })
}

/// Figures of boots on their way to points of runs, by the key of their bench.
#[derive(Default)]
struct Gathered(HashMap<i64, Growing>);

/// A series, with the figures of the boots of its last run.
#[derive(Default)]
struct Growing {
    points: Vec<SeriesPoint>,
    values: Vec<f64>,
}

impl Gathered {
    /// Takes a figure of `boot`; those of a run must follow each other.
    fn add(&mut self, boot: &BootRow, row: &Row<'_>) -> rusqlite::Result<()> {
        let series = self.0.entry(row.get(0)?).or_default();
        if series.points.last().is_none_or(|point| point.run != boot.run) {
            series.close();
            series.points.push(SeriesPoint {
                run: boot.run.clone(),
                started: boot.started,
                revision: boot.revision.clone(),
                image_hash: boot.image_hash.clone(),
                unit: row.get(1)?,
                value: 0.0,
                low: 0.0,
                high: 0.0,
                boots: 0,
            });
        }
        series.values.push(row.get(2)?);
        Ok(())
    }

    /// The series by their ids, which are taken out of `ids`.
    fn finish(self, ids: &mut HashMap<i64, String>) -> Vec<Series> {
        let named = self.0.into_iter().filter_map(|(key, mut growing)| {
            growing.close();
            Some(Series { bench: ids.remove(&key)?, points: growing.points })
        });
        let mut series: Vec<_> = named.collect();
        series.sort_by(|a, b| a.bench.cmp(&b.bench));
        series
    }
}

impl Growing {
    /// Sums up the boots of the last point.
    fn close(&mut self) {
        if let (Some(point), Some(middle)) = (self.points.last_mut(), median(self.values.iter().copied())) {
            point.value = middle;
            point.low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
            point.high = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            point.boots = self.values.len();
        }
        self.values.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::samples;
    use crate::store::Store;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::{Mode, Status};

    #[test]
    fn a_series_has_a_point_for_each_run_and_its_boots_within() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        for (place, ticks) in [(0_u64, [100, 300, 200]), (1, [400, 400, 400])] {
            let boots = ticks.map(|ticks| boot(Mode::Hosted, vec![samples::bench("env/pause", ticks, 1)]));
            let mut run = run(&format!("aa00000{place}"), boots.into());
            // A clock that goes back does not reorder a history.
            run.head.started.0 -= place;
            for stored in &run.boots {
                store.insert_boot(&run.head, stored).expect("room");
            }
        }
        let machines = store.machines().expect("one");
        assert_eq!((machines.len(), machines[0].runs, machines[0].boots), (1, 2, 6));
        let series = store.series(&machines[0].name, "env/pause").expect("stored");
        let points: Vec<_> =
            series.points.iter().map(|p| (p.run.as_str(), p.low, p.value, p.high, p.boots)).collect();
        assert_eq!(points, [("aa000000", 50.0, 100.0, 150.0, 3), ("aa000001", 200.0, 200.0, 200.0, 3)]);
        assert_eq!(store.all_series(&machines[0].name).expect("stored"), [series]);
    }

    #[test]
    fn only_valid_measurements_of_ordinary_runs_are_in_a_series() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        let mut invalid = samples::bench("env/pause", 100, 1);
        invalid.status = Status::Invalid;
        let mut of_two_cores =
            run("aa000001", vec![boot(Mode::Tcg, vec![samples::bench("env/pause", 1, 1)])]);
        of_two_cores.head.command = "ab".into();
        for run in [run("aa000000", vec![boot(Mode::Tcg, vec![invalid])]), of_two_cores] {
            store.insert_boot(&run.head, &run.boots[0]).expect("room");
        }
        let machine = store.machines().expect("one").remove(0);
        assert_eq!(machine.runs, 1);
        assert_eq!(store.series(&machine.name, "env/pause").expect("stored").points, []);
    }
}
