//! The tables, and how older ones become them.

use rusqlite::Connection;

use super::points;

/// Marks a file as ours (`PRAGMA application_id`): "mper".
pub(super) const APPLICATION_ID: u32 = 0x6d70_6572;

/// The version that this program writes: the number of migrations.
#[expect(clippy::cast_possible_truncation, reason = "a constant that is small")]
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Step N takes a database of version N to version N + 1. Steps are never changed once released.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { sql: FIRST, fill: None },
    Migration { sql: HISTORIES, fill: Some(points::fill_missing) },
    Migration { sql: APPENDED, fill: None },
];

/// One step from a version of the tables to the next.
pub(super) struct Migration {
    /// Changes the tables.
    pub(super) sql: &'static str,
    /// Fills new tables from old ones, where SQL cannot.
    pub(super) fill: Option<fn(&Connection) -> rusqlite::Result<()>>,
}

const FIRST: &str = "
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
";

/// Narrow rows for everything that looks at more than one run, and what was concluded from them.
const HISTORIES: &str = "
DROP INDEX results_by_bench;
ALTER TABLE runs ADD COLUMN revision TEXT;
CREATE TABLE fingerprints (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    fields TEXT NOT NULL
) STRICT;
ALTER TABLE boots ADD COLUMN fingerprint INTEGER REFERENCES fingerprints (key);
CREATE INDEX boots_by_fingerprint ON boots (fingerprint);
CREATE TABLE benches (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE points (
    bench INTEGER NOT NULL REFERENCES benches (key),
    boot INTEGER NOT NULL REFERENCES boots (key),
    status TEXT NOT NULL,
    unit TEXT NOT NULL,
    p50 REAL NOT NULL,
    PRIMARY KEY (bench, boot)
) STRICT, WITHOUT ROWID;
CREATE TABLE series (
    key INTEGER PRIMARY KEY,
    bench INTEGER NOT NULL REFERENCES benches (key),
    fingerprint INTEGER NOT NULL REFERENCES fingerprints (key),
    state TEXT NOT NULL,
    UNIQUE (bench, fingerprint)
) STRICT;
CREATE TABLE tracked_runs (
    key INTEGER PRIMARY KEY,
    fingerprint INTEGER NOT NULL REFERENCES fingerprints (key),
    run TEXT NOT NULL,
    commit_name TEXT,
    UNIQUE (fingerprint, run)
) STRICT;
CREATE TABLE tracked_points (
    series INTEGER NOT NULL REFERENCES series (key),
    run INTEGER NOT NULL REFERENCES tracked_runs (key),
    value REAL NOT NULL,
    unit TEXT NOT NULL,
    PRIMARY KEY (series, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE findings (
    id TEXT PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series (key),
    state TEXT NOT NULL,
    finding TEXT NOT NULL
) STRICT;
CREATE INDEX findings_by_series ON findings (series);
CREATE TABLE finding_events (
    key INTEGER PRIMARY KEY,
    finding TEXT NOT NULL REFERENCES findings (id),
    run TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX finding_events_by_finding ON finding_events (finding);
CREATE TABLE acknowledgements (
    finding TEXT PRIMARY KEY REFERENCES findings (id),
    unix_s INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE baselines (
    name TEXT NOT NULL,
    fingerprint INTEGER NOT NULL REFERENCES fingerprints (key),
    kind TEXT NOT NULL,
    unix_s INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (name, fingerprint)
) STRICT;
";

/// The narrow rows of a boot lie together: a boot that comes in is then appended, and does not touch the page of every
/// bench. What lists show of a boot is counted when it is stored.
const APPENDED: &str = "
ALTER TABLE points RENAME TO points_by_bench;
CREATE TABLE points (
    bench INTEGER NOT NULL REFERENCES benches (key),
    boot INTEGER NOT NULL REFERENCES boots (key),
    status TEXT NOT NULL,
    unit TEXT NOT NULL,
    p50 REAL NOT NULL,
    PRIMARY KEY (boot, bench)
) STRICT, WITHOUT ROWID;
INSERT INTO points SELECT bench, boot, status, unit, p50 FROM points_by_bench ORDER BY boot, bench;
DROP TABLE points_by_bench;
DROP INDEX boots_by_fingerprint;
CREATE INDEX boots_by_fingerprint ON boots (fingerprint, run);
ALTER TABLE boots ADD COLUMN measured INTEGER NOT NULL DEFAULT 0;
UPDATE boots SET measured = (SELECT count(*) FROM results WHERE boot = boots.key AND status = 'measured');
";
