//! The database: opening it safely, and one transaction for each boot.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use perf_kernel::wire::{BenchRecord, Status};
use rusqlite::{Connection, OpenFlags, Statement, TransactionBehavior, params};
use serde::Serialize;

use super::points::BenchKeys;
use super::schema::{APPLICATION_ID, MIGRATIONS, VERSION};
use super::{RunHead, StoreError, StoredBoot, points};

/// How long another program may keep the database locked.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Results are some two thousand bytes each: the usual page of 4,096 would hold one, and waste the rest.
const PAGE_BYTES: u32 = 16_384;

/// Pages kept in memory, 32 MiB of them.
const CACHE_KIB: i32 = 32 << 10;

/// An open database of results.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) bench_keys: BenchKeys,
}

impl Store {
    /// Opens the database at `path`, and makes it if there is none.
    ///
    /// # Errors
    /// See [`StoreError`]. A file of a newer version or of another program is left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_patiently(path, PATIENCE)
    }

    /// Opens the database at `path` to read from it; `None` if there is none, so that looking makes no file.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, StoreError> {
        if path.exists() { Self::open(path).map(Some) } else { Ok(None) }
    }

    /// As [`Store::open`], giving other programs only `patience` to unlock it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_patiently(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let what = || format!("make the folder {} for results", folder.display());
            fs::create_dir_all(folder).map_err(|error| StoreError::io(what(), error))?;
        }
        check_header(path)?;
        let failed = |error| StoreError::of("open", path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        let bench_keys = BenchKeys::default();
        let mut store = Self { connection, path: path.to_owned(), bench_keys };
        store.connection.busy_timeout(patience).map_err(failed)?;
        store.set_sizes().map_err(|error| StoreError::of("open", path, error))?;
        store.use_write_ahead_log(patience)?;
        store.migrate()?;
        Ok(store)
    }

    /// Where the database lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a boot, and its run if that is new, in one transaction.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing is stored then.
    pub fn insert_boot(&mut self, head: &RunHead, stored: &StoredBoot) -> Result<(), StoreError> {
        let inserted = self.try_insert_boot(head, stored);
        if inserted.is_err() {
            // They may be of benches that went with the transaction.
            self.bench_keys = BenchKeys::default();
        }
        inserted.map_err(|error| StoreError::of("store a boot in", &self.path, error))
    }

    fn try_insert_boot(&mut self, head: &RunHead, stored: &StoredBoot) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        insert_run(&transaction, head)?;
        let boot = insert_boot(&transaction, head, stored)?;
        points::insert(&transaction, boot, &stored.boot, &mut self.bench_keys)?;
        {
            let sql = "INSERT INTO results (boot, id, status, n, iterations, p50, record) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut text = Vec::with_capacity(4096);
            for record in &stored.boot.benches {
                insert_result(&mut statement, boot, record, &mut text)?;
            }
        }
        transaction.commit()
    }

    /// Sizes that fit results. A page can be chosen only for a database that is new.
    fn set_sizes(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        // A negative size is one in kibibytes.
        self.connection.pragma_update(None, "cache_size", -CACHE_KIB)
    }

    /// Readers then never wait for a writer. The switch itself fails at once when somebody else uses the file.
    fn use_write_ahead_log(&self, patience: Duration) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("open", &self.path, error);
        let deadline = Instant::now() + patience;
        loop {
            let switched = self.connection.pragma_update(None, "journal_mode", "wal").map_err(failed);
            match switched {
                Err(StoreError::Busy { .. }) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        self.connection.pragma_update(None, "synchronous", "normal").map_err(failed)?;
        self.connection.pragma_update(None, "foreign_keys", true).map_err(failed)
    }

    pub(super) fn migrate(&mut self) -> Result<(), StoreError> {
        let path = self.path.clone();
        let path = path.as_path();
        let failed = |error| StoreError::of("open", path, error);
        if version(&self.connection).map_err(failed)? == VERSION {
            return Ok(());
        }
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let found = version(&transaction).map_err(failed)?;
        refuse_newer(path, found)?;
        let tables = "SELECT count(*) FROM sqlite_master";
        let tables: u32 = transaction.query_row(tables, [], |row| row.get(0)).map_err(failed)?;
        if found == 0 && tables > 0 {
            let reason = "it belongs to another program".to_owned();
            return Err(StoreError::Unusable { doing: "open", path: path.to_owned(), reason });
        }
        let done = usize::try_from(found).unwrap_or(usize::MAX);
        for step in MIGRATIONS.iter().skip(done) {
            transaction.execute_batch(step.sql).map_err(failed)?;
            step.fill.map_or(Ok(()), |fill| fill(&transaction)).map_err(failed)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

pub(super) fn refuse_newer(path: &Path, found: u32) -> Result<(), StoreError> {
    let newer = || StoreError::Newer { path: path.to_owned(), found, known: VERSION };
    (found <= VERSION).then_some(()).ok_or_else(newer)
}

/// Looks at the file without SQLite, which would write to it. Offsets by "Database File Format", section 1.3.
pub(super) fn check_header(path: &Path) -> Result<(), StoreError> {
    let what = || format!("read the database {}", path.display());
    let unusable = |reason: &str| {
        Err(StoreError::Unusable { doing: "open", path: path.to_owned(), reason: reason.to_owned() })
    };
    let mut header = Vec::with_capacity(100);
    match File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut header).map_err(|error| StoreError::io(what(), error))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io(what(), error)),
    };
    if header.is_empty() {
        return Ok(());
    }
    let field =
        |at: usize| header.get(at..at + 4).and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    let (Some(version), Some(owner)) = (field(60), field(68)) else {
        return unusable("it is no SQLite database");
    };
    if !header.starts_with(b"SQLite format 3\0") {
        return unusable("it is no SQLite database");
    }
    // A database that was just made has neither until its first commit is out of the log.
    if owner != APPLICATION_ID && (owner, version) != (0, 0) {
        return unusable("it belongs to another program");
    }
    refuse_newer(path, version)
}

fn insert_run(connection: &Connection, head: &RunHead) -> rusqlite::Result<()> {
    let sql = "INSERT INTO runs (id, started_unix_s, command, profile, plan, runner_version, revision) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING";
    let started = i64::try_from(head.started.0).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![
        head.id,
        started,
        head.command,
        head.profile,
        head.plan,
        head.runner_version,
        head.revision
    ])?;
    Ok(())
}

fn insert_boot(connection: &Connection, head: &RunHead, stored: &StoredBoot) -> rusqlite::Result<i64> {
    let boot = &stored.boot;
    let beacons: Vec<(u64, u64)> = boot.beacons.iter().map(|mark| (mark.ticks.0, mark.arrival.0)).collect();
    let hello = boot.hello.as_ref();
    let sql = "INSERT INTO boots (run, number, \"end\", end_detail, mode, image_hash, bench_running, hello, \
               machine, clock, ledger, crash, crash_frames, log, beacons, damage, transcript, transcript_hash, fingerprint, \
               measured) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
    let is_measured = |record: &&BenchRecord| record.status == Status::Measured;
    let measured = i64::try_from(boot.benches.iter().filter(is_measured).count()).unwrap_or(i64::MAX);
    let fingerprint = points::fingerprint_key(connection, head, boot)?;
    connection.prepare_cached(sql)?.insert(params![
        head.id,
        stored.number,
        word(&boot.end)?,
        boot.end_detail,
        boot.clock.as_ref().map(|clock| clock.mode.name()),
        hello.map(|hello| &hello.image_hash),
        boot.bench_running,
        hello.map(json).transpose()?,
        boot.machine.as_ref().map(json).transpose()?,
        boot.clock.as_ref().map(json).transpose()?,
        boot.ledger.as_ref().map(json).transpose()?,
        boot.crash.as_ref().map(json).transpose()?,
        json(&stored.crash_frames)?,
        json(&boot.log)?,
        json(&beacons)?,
        json(&boot.damage)?,
        stored.transcript.as_ref().map(|path| path.to_string_lossy()),
        stored.transcript_hash,
        fingerprint,
        measured,
    ])
}

fn insert_result(
    statement: &mut Statement<'_>,
    boot: i64,
    record: &BenchRecord,
    text: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    text.clear();
    serde_json::to_writer(&mut *text, record).map_err(unwritable)?;
    let text = std::str::from_utf8(text)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let summary = record.summary.as_ref();
    statement.execute(params![
        boot,
        record.id,
        status_word(record.status),
        summary.map(|summary| whole(summary.n)),
        whole(record.iterations),
        summary.map(|summary| whole(summary.p50)),
        text,
    ])?;
    Ok(())
}

/// `value` as JSON for a column.
pub(crate) fn stored_json(value: &impl Serialize) -> rusqlite::Result<String> {
    json(value)
}

/// The value of a column with JSON.
pub(crate) fn from_stored_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    super::queries::parsed(0, text)
}

pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(unwritable)
}

/// The name of a unit variant as it stands in JSON, without its quotes.
pub(super) fn word(value: &impl Serialize) -> rusqlite::Result<String> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

/// The word for `status` in the database, the same as in JSON.
pub(super) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Measured => "measured",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Invalid => "invalid",
    }
}

fn unwritable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::PAIRED;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::{Mode, Side};

    fn a_run() -> crate::store::Run {
        run("3f2a91bc", vec![boot(Mode::Hosted, vec![samples::bench("memory/alloc-small/64", 100, 1)])])
    }

    #[test]
    fn a_status_has_the_word_that_json_has() {
        for status in [Status::Measured, Status::Skipped, Status::Failed, Status::Invalid] {
            assert_eq!(status_word(status), word(&status).expect("a word"));
        }
    }

    #[test]
    fn a_boot_that_was_stored_reads_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("deep/results.db")).expect("a new database");
        let run = a_run();
        store.insert_boot(&run.head, &run.boots[0]).expect("room");
        assert_eq!(store.load("3f2a91bc").expect("stored"), run);
    }

    #[test]
    fn a_run_of_two_builds_is_no_point_of_a_history_and_never_the_last_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        let ordinary = a_run();
        store.insert_boot(&ordinary.head, &ordinary.boots[0]).expect("room");
        // Whatever the command that stores it: the records say what they are.
        for (id, command) in [("aaaaaaaa", PAIRED), ("bbbbbbbb", "run")] {
            let mut paired = a_run();
            paired.head = RunHead { id: id.into(), command: command.into(), ..paired.head };
            paired.head.started.0 += 9;
            for record in &mut paired.boots[0].boot.benches {
                record.side = Some(Side::Candidate);
            }
            store.insert_boot(&paired.head, &paired.boots[0]).expect("room");
            assert_eq!(store.load(id).expect("stored"), paired, "the records are what they were");
            assert!(paired.is_paired() && !ordinary.is_paired());
        }
        let machine = store.machines().expect("one").remove(0);
        let series = store.all_series(&machine.name).expect("stored");
        let runs: Vec<_> = series.iter().flat_map(|series| &series.points).map(|point| &point.run).collect();
        assert_eq!(runs, [&ordinary.head.id]);
        let last = |back| store.find(&crate::store::RunName::Last(back)).expect("there is one");
        assert_eq!((last(0), last(1)), ("bbbbbbbb".to_owned(), ordinary.head.id));
    }

    #[test]
    fn a_database_of_a_newer_version_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.db");
        drop(Store::open(&path).expect("a new database"));
        let connection = Connection::open(&path).expect("it is there");
        connection.pragma_update(None, "journal_mode", "delete").expect("nobody else");
        connection.pragma_update(None, "user_version", VERSION + 1).expect("nobody else");
        drop(connection);
        let before = fs::read(&path).expect("it is there");
        let error = Store::open(&path).expect_err("it is newer");
        assert!(matches!(error, StoreError::Newer { found, .. } if found == VERSION + 1), "{error}");
        assert_eq!(fs::read(&path).expect("it is there"), before);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no other file");
    }

    #[test]
    fn files_of_others_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = folder.path().join("notes.txt");
        fs::write(&text, "x".repeat(500)).expect("room");
        assert!(matches!(Store::open(&text), Err(StoreError::Unusable { .. })));
        let foreign = folder.path().join("other.db");
        for version in 0..2 {
            let connection = Connection::open(&foreign).expect("a file");
            let sql = format!("PRAGMA user_version = {version}; CREATE TABLE t{version} (a)");
            connection.execute_batch(&sql).expect("room");
            drop(connection);
            let error = Store::open(&foreign).expect_err("it is foreign").to_string();
            assert!(error.contains("belongs to another program"), "{error}");
        }
    }

    #[test]
    fn a_locked_database_is_told_and_nothing_is_half_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.db");
        let mut store = Store::open_patiently(&path, Duration::from_millis(1)).expect("a new database");
        let other = Connection::open(&path).expect("it is there");
        other.execute_batch("BEGIN IMMEDIATE").expect("free");
        let run = a_run();
        let error = store.insert_boot(&run.head, &run.boots[0]).expect_err("locked");
        assert!(matches!(error, StoreError::Busy { .. }), "{error}");
        other.execute_batch("ROLLBACK").expect("begun");
        store.insert_boot(&run.head, &run.boots[0]).expect("free again");
        assert_eq!(store.load("3f2a91bc").expect("stored"), run);
    }

    #[test]
    fn a_full_disk_is_told_and_nothing_is_half_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        let pages: u32 =
            store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("open");
        store.connection.pragma_update(None, "max_page_count", pages + 1).expect("a limit");
        let mut run = a_run();
        run.boots[0].boot.benches = vec![samples::bench("memory/alloc-small/64", 100, 1); 200];
        let error = store.insert_boot(&run.head, &run.boots[0]).expect_err("full");
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert!(store.load("3f2a91bc").is_err());
    }
}
