//! Narrow looks at many runs: what lists of them show, without reading what their boots told.
//!
//! Most cost as much as the page that they fill, whatever the size of the database. What is about one machine reads its
//! boots from an index besides.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, ToSql};

use super::database::{PATIENCE, check_header};
use super::points::BenchKeys;
use super::queries::parsed;
use super::schema::VERSION;
use super::series::ORDINARY;
use super::{Store, StoreError, UnixSeconds};
use crate::collect::BootEnd;

/// A stored run as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub id: String,
    /// When it was asked for.
    pub started: UnixSeconds,
    /// The command that made it.
    pub command: String,
    /// The profile of qemu.toml; `None` for runs without one.
    pub profile: Option<String>,
    /// The source revision that it measured, if it is known.
    pub revision: Option<String>,
    /// What figures mean, by its first boot that tells.
    pub mode: Option<String>,
    /// Name of the fingerprint of its machine, by its first boot that tells.
    pub machine: Option<String>,
    /// How its boots ended, in order.
    pub ends: Vec<BootEnd>,
    /// Results that its boots told, one for each bench of each boot, whatever came of it.
    pub results: u32,
}

/// Which runs a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFilter<'a> {
    /// All of them.
    All,
    /// Those of the machine whose fingerprint has this name.
    Machine(&'a str),
    /// Those whose id begins so, or whose revision, profile or command contains it.
    Text(&'a str),
}

impl Store {
    /// Opens the database at `path` for reading alone, so that no writer waits for it; `None` if there is none.
    ///
    /// # Errors
    /// See [`StoreError`]. One of an older version is refused until somebody has opened it by [`Store::open`].
    pub fn open_read_only(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        check_header(path)?;
        let failed = |error| StoreError::of("read", path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let found = super::database::version(&connection).map_err(failed)?;
        super::database::refuse_newer(path, found)?;
        if found < VERSION {
            let reason = format!(
                "an older version wrote it ({found}, not {VERSION}); `multios-perf runs` brings it up to date"
            );
            return Err(StoreError::Unusable { doing: "read", path: path.to_owned(), reason });
        }
        Ok(Some(Self { connection, path: path.to_owned(), bench_keys: BenchKeys::default() }))
    }

    /// The number of runs that `filter` lets through.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn run_count(&self, filter: RunFilter<'_>) -> Result<u64, StoreError> {
        self.reading(|store| {
            let (condition, value) = condition(filter);
            let sql = format!("SELECT count(*) FROM runs WHERE {condition}");
            let count: i64 =
                store.connection.prepare_cached(&sql)?.query_row(&[value.as_ref()][..], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    /// The runs that `filter` lets through, newest first, at most `limit` after the first `offset`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn run_rows(
        &self,
        filter: RunFilter<'_>,
        limit: u32,
        offset: u64,
    ) -> Result<Vec<RunRow>, StoreError> {
        self.reading(|store| {
            let (condition, value) = condition(filter);
            let sql = format!(
                "SELECT id, started_unix_s, command, profile, revision FROM runs WHERE {condition} \
                 ORDER BY started_unix_s DESC, rowid DESC LIMIT ?2 OFFSET ?3"
            );
            let offset = i64::try_from(offset).unwrap_or(i64::MAX);
            let mut statement = store.connection.prepare_cached(&sql)?;
            let values: [&dyn ToSql; 3] = [value.as_ref(), &limit, &offset];
            let rows = statement.query_map(&values[..], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
            rows.into_iter().map(|row| store.with_boots(row)).collect()
        })
    }

    /// The newest ordinary run of the machine of run `id` that was stored before it and told figures.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn run_before(&self, id: &str) -> Result<Option<String>, StoreError> {
        self.reading(|store| {
            let sql = format!(
                "SELECT id FROM runs WHERE rowid < (SELECT rowid FROM runs WHERE id = ?1) AND {ORDINARY} \
                 AND EXISTS (SELECT 1 FROM boots WHERE run = runs.id AND fingerprint = \
                 (SELECT fingerprint FROM boots WHERE run = ?1 AND fingerprint IS NOT NULL ORDER BY number LIMIT 1)) \
                 ORDER BY rowid DESC LIMIT 1"
            );
            store.connection.prepare_cached(&sql)?.query_map([id], |row| row.get(0))?.next().transpose()
        })
    }

    /// Name of the fingerprint of the machine of run `id`, by its first boot that tells.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn machine_of_run(&self, id: &str) -> Result<Option<String>, StoreError> {
        self.reading(|store| {
            let sql = "SELECT name FROM boots JOIN fingerprints ON fingerprints.key = fingerprint \
                       WHERE run = ?1 ORDER BY number LIMIT 1";
            store.connection.prepare_cached(sql)?.query_map([id], |row| row.get(0))?.next().transpose()
        })
    }

    /// Ids of all benches that have a figure, in alphabetical order; only those that contain `text`, if it is not empty.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn bench_ids(&self, text: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.reading(|store| {
            let sql = "SELECT id FROM benches WHERE instr(lower(id), lower(?1)) ORDER BY id LIMIT ?2";
            let mut statement = store.connection.prepare_cached(sql)?;
            let values: [&dyn ToSql; 2] = [&text, &limit];
            statement.query_map(&values[..], |row| row.get(0))?.collect()
        })
    }

    /// Ids of the benches with a figure in the newest boots of the machine whose fingerprint is called `machine`, in
    /// alphabetical order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn benches_of_machine(&self, machine: &str) -> Result<Vec<String>, StoreError> {
        self.reading(|store| {
            let sql = "SELECT key FROM boots WHERE fingerprint = (SELECT key FROM fingerprints WHERE name = ?1) \
                       ORDER BY key DESC LIMIT 8";
            let mut statement = store.connection.prepare_cached(sql)?;
            let boots = statement.query_map([machine], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
            let sql = "SELECT id FROM points JOIN benches ON benches.key = bench WHERE boot = ?1";
            let mut statement = store.connection.prepare_cached(sql)?;
            let mut ids = BTreeSet::new();
            for boot in boots {
                for id in statement.query_map([boot], |row| row.get::<_, String>(0))? {
                    ids.insert(id?);
                }
            }
            Ok(ids.into_iter().collect())
        })
    }

    /// Names of the machines that have a figure of `bench`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn machines_of_bench(&self, bench: &str) -> Result<Vec<String>, StoreError> {
        self.reading(|store| {
            let sql = "SELECT name FROM fingerprints WHERE EXISTS (SELECT 1 FROM boots JOIN points \
                       ON points.boot = boots.key AND points.bench = (SELECT key FROM benches WHERE id = ?1) \
                       WHERE boots.fingerprint = fingerprints.key) ORDER BY name";
            let mut statement = store.connection.prepare_cached(sql)?;
            statement.query_map([bench], |row| row.get(0))?.collect()
        })
    }

    fn with_boots(&self, mut row: RunRow) -> rusqlite::Result<RunRow> {
        let sql = "SELECT \"end\", mode, name, (SELECT count(*) FROM results WHERE boot = boots.key) FROM boots \
                   LEFT JOIN fingerprints ON fingerprints.key = fingerprint WHERE run = ?1 ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut boots = statement.query([&row.id])?;
        while let Some(boot) = boots.next()? {
            let end: String = boot.get(0)?;
            row.ends.push(parsed(0, &format!("\"{end}\""))?);
            row.mode = row.mode.or(boot.get(1)?);
            row.machine = row.machine.or(boot.get(2)?);
            row.results = row.results.saturating_add(boot.get(3)?);
        }
        Ok(row)
    }
}

/// The condition for `filter` with its value `?1`.
fn condition(filter: RunFilter<'_>) -> (&'static str, Box<dyn ToSql>) {
    match filter {
        RunFilter::All => ("?1 IS NULL", Box::new(None::<String>)),
        RunFilter::Machine(name) => (
            "id IN (SELECT run FROM boots WHERE fingerprint = (SELECT key FROM fingerprints WHERE name = ?1))",
            Box::new(name.to_owned()),
        ),
        RunFilter::Text(text) => (
            "(substr(id, 1, length(?1)) = lower(?1) OR instr(lower(coalesce(revision, '')), lower(?1)) \
             OR instr(lower(coalesce(profile, '')), lower(?1)) OR lower(command) = lower(?1))",
            Box::new(text.to_owned()),
        ),
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let started: i64 = row.get(1)?;
    Ok(RunRow {
        id: row.get(0)?,
        started: UnixSeconds(u64::try_from(started).unwrap_or(0)),
        command: row.get(2)?,
        profile: row.get(3)?,
        revision: row.get(4)?,
        mode: None,
        machine: None,
        ends: Vec::new(),
        results: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::Mode;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Five runs on two machines, one of them of two cores.
    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.db");
        let mut store = Store::open(&path).expect("a new database");
        let modes = [Mode::Tcg, Mode::Icount, Mode::Tcg, Mode::Tcg, Mode::Tcg];
        for (place, mode) in (0_u64..).zip(modes) {
            let benches = vec![samples::bench("env/pause", 100, 1), samples::skipped("env/l1-load", "no")];
            let mut run =
                run(&format!("aa00000{place}"), vec![boot(mode, benches.clone()), boot(mode, benches)]);
            run.head.started.0 += place;
            run.head.revision = (place == 2).then(|| "v2.1-Rc".to_owned());
            if place == 3 {
                run.head.command = "ab".into();
            }
            for stored in &run.boots {
                store.insert_boot(&run.head, stored).expect("room");
            }
        }
        drop(store);
        (folder, Store::open_read_only(&path).expect("ours").expect("made"))
    }

    fn ids(rows: &[RunRow]) -> Vec<&str> {
        rows.iter().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn lists_come_in_pages_newest_first() {
        let (_folder, store) = store();
        let rows = store.run_rows(RunFilter::All, 2, 1).expect("stored");
        assert_eq!(ids(&rows), ["aa000003", "aa000002"]);
        assert_eq!((rows[1].results, rows[1].mode.as_deref()), (4, Some("tcg")));
        assert_eq!(rows[1].ends, [BootEnd::Done, BootEnd::Done]);
        assert_eq!(store.run_count(RunFilter::All).expect("stored"), 5);
    }

    #[test]
    fn runs_are_found_by_machine_and_by_words() {
        let (_folder, store) = store();
        let machine = store.machine_of_run("aa000001").expect("stored").expect("told");
        let of_machine = RunFilter::Machine(&machine);
        assert_eq!(ids(&store.run_rows(of_machine, 9, 0).expect("stored")), ["aa000001"]);
        assert_eq!(store.run_count(of_machine).expect("stored"), 1);
        for (text, found) in [("V2.1", 1), ("aa00", 5), ("aa000004", 1), ("default", 5), ("%", 0), ("a_", 0)]
        {
            assert_eq!(store.run_count(RunFilter::Text(text)).expect("stored"), found, "{text}");
        }
    }

    #[test]
    fn the_run_before_is_of_the_same_machine_and_ordinary() {
        let (_folder, store) = store();
        let before = |id| store.run_before(id).expect("stored");
        assert_eq!(before("aa000004").as_deref(), Some("aa000002"));
        assert_eq!(before("aa000002").as_deref(), Some("aa000000"));
        assert_eq!((before("aa000001"), before("nowhere0")), (None, None));
    }

    #[test]
    fn benches_and_machines_know_each_other() {
        let (_folder, store) = store();
        let machines = store.machines_of_bench("env/pause").expect("stored");
        assert_eq!(machines.len(), 2);
        assert_eq!(store.benches_of_machine(&machines[0]).expect("stored"), ["env/pause"]);
        assert_eq!(store.benches_of_machine("0").expect("stored"), Vec::<String>::new());
        assert_eq!(store.bench_ids("PAU", 9).expect("stored"), ["env/pause"]);
        assert_eq!(store.bench_ids("%", 9).expect("stored"), Vec::<String>::new());
    }

    #[test]
    fn a_reader_writes_nothing_and_hinders_no_writer() {
        let (folder, reader) = store();
        let mut writer = Store::open(&folder.path().join("results.db")).expect("ours");
        let run = run("bb000000", vec![boot(Mode::Tcg, vec![samples::bench("env/pause", 100, 1)])]);
        writer.insert_boot(&run.head, &run.boots[0]).expect("nobody is in the way");
        assert_eq!(reader.run_count(RunFilter::All).expect("stored"), 6);
        assert!(reader.connection.execute_batch("DELETE FROM runs").is_err());
        assert!(Store::open_read_only(&folder.path().join("other.db")).expect("no error").is_none());
    }

    /// A look at a store, with its name.
    type Look<'a> = (&'a str, &'a dyn Fn(&Store));

    /// A database of one machine with `runs` runs of a boot each.
    fn store_of(runs: u64, folder: &Path) -> Store {
        let path = folder.join(format!("{runs}.db"));
        let mut store = Store::open(&path).expect("a new database");
        for place in 0..runs {
            let benches = (0..4).map(|bench| samples::bench(&format!("env/b{bench}"), 100, 1)).collect();
            let mut run = run(&format!("{place:08x}"), vec![boot(Mode::Tcg, benches)]);
            run.head.started.0 += place;
            store.insert_boot(&run.head, &run.boots[0]).expect("room");
        }
        store
    }

    /// How many instructions the database's machine takes for `look`.
    fn work(store: &mut Store, look: impl FnOnce(&Store)) -> u64 {
        let count = Arc::new(AtomicU64::new(0));
        let counted = count.clone();
        let tick = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        store.connection.progress_handler(1, Some(tick)).expect("ours");
        look(store);
        store.connection.progress_handler(0, None::<fn() -> bool>).expect("ours");
        count.load(Ordering::Relaxed)
    }

    #[test]
    fn a_list_costs_as_much_as_its_page_whatever_the_size_of_the_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut stores = [40, 400].map(|runs| store_of(runs, folder.path()));
        let looks: [Look<'_>; 5] = [
            ("runs", &|store| drop(store.run_rows(RunFilter::All, 12, 0).expect("stored"))),
            ("machine", &|store| drop(store.machine_of_run("00000020").expect("stored"))),
            ("before", &|store| drop(store.run_before("00000020").expect("stored"))),
            ("ids", &|store| drop(store.bench_ids("b", 9).expect("stored"))),
            ("of bench", &|store| drop(store.machines_of_bench("env/b1").expect("stored"))),
        ];
        for (name, look) in looks {
            let [small, large] = stores.each_mut().map(|store| work(store, look));
            assert!(small > 0 && large <= small + small / 5, "{name}: {small} and {large}");
        }
    }
}
