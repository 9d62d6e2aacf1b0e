//! The tables, and how older ones become them.

/// Marks a file as ours (`PRAGMA application_id`): "mper".
pub(super) const APPLICATION_ID: u32 = 0x6d70_6572;

/// The version that this program writes: the number of migrations.
#[expect(clippy::cast_possible_truncation, reason = "a constant that is small")]
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Step N takes a database of version N to version N + 1. Steps are never changed once released.
pub(super) const MIGRATIONS: &[&str] = &["
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    started_unix_s INTEGER NOT NULL,
    command TEXT NOT NULL,
    profile TEXT,
    plan TEXT,
    runner_version TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_time ON runs (started_unix_s);
CREATE TABLE boots (
    key INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    \"end\" TEXT NOT NULL,
    end_detail TEXT NOT NULL,
    mode TEXT,
    image_hash TEXT,
    bench_running TEXT,
    hello TEXT,
    machine TEXT,
    clock TEXT,
    ledger TEXT,
    crash TEXT,
    crash_frames TEXT NOT NULL,
    log TEXT NOT NULL,
    beacons TEXT NOT NULL,
    damage TEXT NOT NULL,
    transcript TEXT,
    transcript_hash TEXT,
    UNIQUE (run, number)
) STRICT;
CREATE INDEX boots_by_transcript ON boots (transcript_hash);
CREATE TABLE results (
    key INTEGER PRIMARY KEY,
    boot INTEGER NOT NULL REFERENCES boots (key),
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    n INTEGER,
    iterations INTEGER,
    p50 INTEGER,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX results_by_boot ON results (boot);
CREATE INDEX results_by_bench ON results (id, boot);
"];
