//! Series of figures over runs: one machine, one bench, one point a run.

use perf_kernel::wire::Status;
use rusqlite::{Row, params};

use super::queries::parsed;
use super::{Store, StoreError, UnixSeconds};
use crate::analysis::{Fingerprint, median};

/// The command of runs that measure an older revision again.
pub(crate) const ASIDE: &str = "aside";

/// Runs that measure two cores at once say nothing about the history of one, and old revisions nothing about the newest.
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
            let sql = format!(
                "SELECT benches.id, runs.id, started_unix_s, revision, image_hash, unit, p50 \
                 FROM fingerprints JOIN boots ON boots.fingerprint = fingerprints.key \
                 JOIN runs ON runs.id = boots.run JOIN points ON points.boot = boots.key \
                 JOIN benches ON benches.key = points.bench \
                 WHERE fingerprints.name = ?1 AND (?2 IS NULL OR benches.id = ?2) AND status = ?3 AND {runs} \
                 ORDER BY benches.id, runs.rowid, boots.number"
            );
            let mut statement = store.connection.prepare_cached(&sql)?;
            let measured = super::database::word(&Status::Measured)?;
            let mut rows = statement.query(params![machine, bench, measured])?;
            let mut gathered = Gathered::default();
            while let Some(row) = rows.next()? {
                gathered.add(row)?;
            }
            Ok(gathered.finish())
        })
    }
}

/// Rows of boots on their way to points of runs.
#[derive(Default)]
struct Gathered {
    series: Vec<Series>,
    values: Vec<f64>,
}

impl Gathered {
    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let bench = row.get_ref(0)?.as_str()?;
        let run = row.get_ref(1)?.as_str()?;
        let is_same_bench = self.series.last().is_some_and(|series| series.bench == bench);
        let newest = self.series.last().and_then(|series| series.points.last());
        if !is_same_bench || newest.is_none_or(|point| point.run != run) {
            self.close();
            if !is_same_bench {
                self.series.push(Series { bench: bench.to_owned(), points: Vec::new() });
            }
            let point = point(row)?;
            self.series.last_mut().into_iter().for_each(|series| series.points.push(point.clone()));
        }
        self.values.push(row.get(6)?);
        Ok(())
    }

    /// Sums up the boots of the newest point.
    fn close(&mut self) {
        let point = self.series.last_mut().and_then(|series| series.points.last_mut());
        if let (Some(point), Some(middle)) = (point, median(self.values.iter().copied())) {
            point.value = middle;
            point.low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
            point.high = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            point.boots = self.values.len();
        }
        self.values.clear();
    }

    fn finish(mut self) -> Vec<Series> {
        self.close();
        self.series
    }
}

fn point(row: &Row<'_>) -> rusqlite::Result<SeriesPoint> {
    let started: i64 = row.get(2)?;
    Ok(SeriesPoint {
        run: row.get(1)?,
        started: UnixSeconds(u64::try_from(started).unwrap_or(0)),
        revision: row.get(3)?,
        image_hash: row.get(4)?,
        unit: row.get(5)?,
        value: 0.0,
        low: 0.0,
        high: 0.0,
        boots: 0,
    })
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
