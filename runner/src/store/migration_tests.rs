//! Databases of older versions become those of today, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use perf_kernel::wire::{Mode, Status};
use rusqlite::Connection;
use tempfile::TempDir;

use super::schema::{MIGRATIONS, VERSION};
use super::{RunName, Store, StoreError};
use crate::samples;
use crate::store::samples::{boot, run};

/// A database as version 1 wrote it.
const VERSION_1: &str = include_str!("version-1.sql");

fn old() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.db");
    let connection = Connection::open(&path).expect("a new database");
    connection.pragma_update(None, "journal_mode", "wal").expect("nobody else");
    connection.execute_batch(VERSION_1).expect("it is version 1");
    drop(connection);
    (folder, path)
}

/// Everything in the tables that version 1 had, a line a row, and its version.
fn contents(connection: &Connection) -> (u32, Vec<String>) {
    let mut lines = Vec::new();
    for (table, columns) in [
        ("runs", "id, started_unix_s, command, profile, plan, runner_version"),
        (
            "boots",
            "key, run, number, \"end\", end_detail, mode, image_hash, bench_running, hello, machine, clock, ledger, \
          crash, crash_frames, log, beacons, damage, transcript, transcript_hash",
        ),
        ("results", "key, boot, id, status, n, iterations, p50, record"),
    ] {
        let sql = format!("SELECT json_array({columns}) FROM {table} ORDER BY 1");
        let mut statement = connection.prepare(&sql).expect("the table is there");
        let rows = statement.query_map([], |row| row.get(0)).expect("it can be read");
        lines.extend(rows.map(|row| row.expect("text")));
    }
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
    (version.expect("a number"), lines)
}

fn tables(connection: &Connection) -> u32 {
    let sql = "SELECT count(*) FROM sqlite_master WHERE name IN ('points', 'benches', 'fingerprints')";
    connection.query_row(sql, [], |row| row.get(0)).expect("it can be read")
}

fn rows(store: &Store, sql: &str) -> Vec<String> {
    let mut statement = store.connection.prepare(sql).expect("the tables are there");
    let rows = statement.query_map([], |row| row.get(0)).expect("it can be read");
    rows.map(|row| row.expect("text")).collect()
}

/// Holds the database to be whole and of today.
#[track_caller]
fn is_migrated(store: &Store, before: &[String]) {
    assert_eq!(contents(&store.connection), (VERSION, before.to_vec()));
    let points = "SELECT boot || ' ' || id || ' ' || status || ' ' || unit || ' ' || p50 FROM points \
                  JOIN benches ON benches.key = bench ORDER BY boot, id";
    let expected = [
        "1 env/pause measured ns 31.73828125",
        "1 env/timer-pair measured ns 26.0",
        "2 env/pause measured ns 31.73828125",
        "2 env/timer-pair invalid ns 26.0",
    ];
    assert_eq!(rows(store, points), expected);
    let machines = store.machines().expect("one");
    assert_eq!(machines.len(), 1, "two boots tell their machine, and it is one");
    assert_eq!((machines[0].runs, machines[0].boots), (1, 2));
    assert_eq!(rows(store, "PRAGMA foreign_key_check"), Vec::<String>::new());
    assert_eq!(rows(store, "PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn a_database_of_version_1_opens_keeps_everything_and_gains_histories() {
    let (_folder, path) = old();
    let (version, before) = contents(&Connection::open(&path).expect("it is there"));
    assert_eq!((version, before.len()), (1, 2 + 3 + 5));
    let mut store = Store::open(&path).expect("it becomes one of today");
    is_migrated(&store, &before);
    let lines = store.runs().expect("two");
    let measured: Vec<_> = lines.iter().map(|line| (line.head.id.as_str(), line.measured)).collect();
    assert_eq!(measured, [("aa000002", 0), ("aa000001", 3)]);
    let old = store.load("aa000001").expect("it is there");
    assert_eq!(old.boots[0].boot.benches[2].status, Status::Skipped);
    assert_eq!(old.head.revision, None);
    let new = run("aa000003", vec![boot(Mode::Hosted, vec![samples::bench("env/pause", 100, 1)])]);
    store.insert_boot(&new.head, &new.boots[0]).expect("room");
    assert_eq!(store.load("aa000003").expect("it is there"), new);
    let series = store.series(&old.fingerprint().name(), "env/pause").expect("stored");
    assert_eq!(series.points.iter().map(|point| point.boots).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_database_of_version_2_keeps_its_points_and_its_lists_count_them() {
    let (_folder, path) = old();
    let connection = Connection::open(&path).expect("it is there");
    connection.execute_batch(MIGRATIONS[1].sql).expect("it is version 1");
    (MIGRATIONS[1].fill.expect("it fills"))(&connection).expect("room");
    connection.pragma_update(None, "user_version", 2).expect("a number");
    let (version, before) = contents(&connection);
    assert_eq!(version, 2);
    drop(connection);
    let mut store = Store::open(&path).expect("it becomes one of today");
    is_migrated(&store, &before);
    let lines = store.runs().expect("two");
    assert_eq!(lines.iter().map(|line| line.measured).collect::<Vec<_>>(), [0, 3]);
    let new = run("aa000003", vec![boot(Mode::Hosted, vec![samples::bench("env/pause", 100, 1)])]);
    store.insert_boot(&new.head, &new.boots[0]).expect("room");
    assert_eq!(store.runs().expect("three").iter().map(|line| line.measured).sum::<u32>(), 4);
}

#[test]
fn what_version_1_wrote_that_cannot_be_read_is_kept_and_keeps_nothing_else_away() {
    let (_folder, path) = old();
    let connection = Connection::open(&path).expect("it is there");
    let broken = "UPDATE results SET record = '{\"id\": 7}' WHERE boot = 1 AND id = 'env/pause'; \
                  UPDATE boots SET machine = 'nonsense' WHERE key = 2";
    connection.execute_batch(broken).expect("room");
    let (_, before) = contents(&connection);
    drop(connection);
    let store = Store::open(&path).expect("it becomes one of today");
    assert_eq!(contents(&store.connection), (VERSION, before));
    let points = "SELECT boot || ' ' || id FROM points JOIN benches ON benches.key = bench ORDER BY boot, id";
    assert_eq!(rows(&store, points), ["1 env/timer-pair", "2 env/pause", "2 env/timer-pair"]);
    assert_eq!(store.machines().expect("one")[0].boots, 1);
}

/// The files of a database as they are on disk now, in a folder of their own: what a crash leaves.
fn as_after_a_crash(path: &Path) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["results.db", "results.db-wal"] {
        let from = path.with_file_name(name);
        if from.exists() {
            fs::copy(from, folder.path().join(name)).expect("room");
        }
    }
    let path = folder.path().join("results.db");
    (folder, path)
}

#[test]
fn a_crash_in_the_middle_leaves_version_1_which_opens_again() {
    let (_folder, path) = old();
    let connection = Connection::open(&path).expect("it is there");
    let (_, before) = contents(&connection);
    // With room for a few pages, changes go to the log long before they are committed.
    connection.pragma_update(None, "cache_size", 2).expect("a number");
    connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else");
    connection.execute_batch(MIGRATIONS[1].sql).expect("it is version 1");
    let (_middle, crashed) = as_after_a_crash(&path);
    (MIGRATIONS[1].fill.expect("it fills"))(&connection).expect("room");
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
                INSERT INTO benches (id) SELECT 'memory/alloc-small/' || i FROM n";
    connection.execute_batch(many).expect("room");
    let (_later, crashed_later) = as_after_a_crash(&path);
    let log = fs::metadata(crashed_later.with_file_name("results.db-wal")).expect("there is a log").len();
    assert!(log > 0, "something was written before the crash");
    for crashed in [crashed, crashed_later] {
        let found = Connection::open(&crashed).expect("it is there");
        assert_eq!(contents(&found), (1, before.clone()));
        assert_eq!(tables(&found), 0);
        drop(found);
        is_migrated(&Store::open(&crashed).expect("it becomes one of today"), &before);
    }
}

#[test]
fn a_disk_that_is_full_leaves_version_1_and_says_so() {
    let (_folder, path) = old();
    let connection = Connection::open(&path).expect("it is there");
    let (_, before) = contents(&connection);
    let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("open");
    for room in [0, 1, 5] {
        let connection = Connection::open(&path).expect("it is there");
        connection.pragma_update(None, "max_page_count", pages + room).expect("a limit");
        let mut store = Store { connection, path: path.clone(), bench_keys: Default::default() };
        let error = store.migrate().expect_err("it does not fit");
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert_eq!(contents(&store.connection), (1, before.clone()));
        assert_eq!(tables(&store.connection), 0);
    }
    drop(connection);
    is_migrated(&Store::open(&path).expect("there is room again"), &before);
}

#[test]
fn two_programs_that_open_an_old_database_at_once_change_it_once() {
    for _ in 0..8 {
        let (_folder, path) = old();
        let (_, before) = contents(&Connection::open(&path).expect("it is there"));
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    is_migrated(&Store::open(&path).expect("one waits for the other"), &before);
                });
            }
        });
    }
}

#[test]
fn two_programs_that_store_at_once_lose_nothing_and_agree_on_benches() {
    let (_folder, path) = old();
    let start = Barrier::new(2);
    thread::scope(|scope| {
        for writer in 0..2_u32 {
            let (path, start) = (&path, &start);
            scope.spawn(move || {
                let mut store = Store::open(path).expect("one waits for the other");
                start.wait();
                for number in 0..20 {
                    // Each knows benches that the other does not, and both make new ones.
                    let own = format!("memory/alloc-small/{}", 1_000 * writer + number);
                    let shared = format!("memory/alloc-large/{number}");
                    let benches = vec![samples::bench(&own, 100, 1), samples::bench(&shared, 100, 1)];
                    let mut new = run("x", vec![boot(Mode::Hosted, benches)]);
                    new.head.id = format!("bb{writer:02}{number:04}");
                    store.insert_boot(&new.head, &new.boots[0]).expect("one waits for the other");
                }
            });
        }
    });
    let store = Store::open(&path).expect("it is there");
    assert_eq!(store.runs().expect("stored").len(), 2 + 40);
    let machine = store.load("bb000000").expect("stored").fingerprint().name();
    let lengths: Vec<usize> =
        store.all_series(&machine).expect("stored").iter().map(|series| series.points.len()).collect();
    assert_eq!((lengths.len(), lengths.iter().sum::<usize>()), (60, 80), "40 of their own and 20 shared");
    assert_eq!(rows(&store, "PRAGMA foreign_key_check"), Vec::<String>::new());
    assert!(store.find(&RunName::Last(41)).is_ok());
}

#[test]
fn a_boot_that_was_refused_leaves_no_bench_behind_that_is_only_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
    let new = run("aa000001", vec![boot(Mode::Hosted, vec![samples::bench("env/pause", 100, 1)])]);
    store.insert_boot(&new.head, &new.boots[0]).expect("room");
    let pages: u32 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("open");
    store.connection.pragma_update(None, "max_page_count", pages + 1).expect("a limit");
    let benches = vec![samples::bench("env/l1-load", 100, 1); 200];
    let other = run("aa000002", vec![boot(Mode::Hosted, benches)]);
    let error = store.insert_boot(&other.head, &other.boots[0]).expect_err("it does not fit");
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    store.connection.pragma_update(None, "max_page_count", pages + 1_000).expect("a limit");
    store.insert_boot(&other.head, &other.boots[0]).expect("room");
    let machine = new.fingerprint().name();
    assert_eq!(store.series(&machine, "env/l1-load").expect("stored").points.len(), 1);
    assert_eq!(rows(&store, "PRAGMA foreign_key_check"), Vec::<String>::new());
}
