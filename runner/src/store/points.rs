//! Narrow rows of figures, for everything that looks at more than one run.

use std::collections::HashMap;

use perf_kernel::plan::{self, Plan};
use rusqlite::{Connection, params};

use super::RunHead;
use super::database::status_word;
use super::queries::{optional, parsed};
use crate::analysis::{Figures, Fingerprint};
use crate::collect::{Boot, BootEnd};

/// Keys of the benches that are known, so that a boot that comes in does not look up each.
#[derive(Debug, Default)]
pub(super) struct BenchKeys(HashMap<String, i64>);

impl BenchKeys {
    fn key(&mut self, connection: &Connection, id: &str) -> rusqlite::Result<i64> {
        if let Some(key) = self.0.get(id) {
            return Ok(*key);
        }
        let mut find = connection.prepare_cached("SELECT key FROM benches WHERE id = ?1")?;
        let key = match find.query_row([id], |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                connection.prepare_cached("INSERT INTO benches (id) VALUES (?1)")?.insert([id])?
            }
            found => found?,
        };
        self.0.insert(id.to_owned(), key);
        Ok(key)
    }
}

/// Adds the figures of `boot`, which is stored under `key`. If the transaction fails, `keys` may know benches that the
/// database does not.
pub(super) fn insert(
    connection: &Connection,
    key: i64,
    boot: &Boot,
    keys: &mut BenchKeys,
) -> rusqlite::Result<()> {
    let Some(clock) = &boot.clock else { return Ok(()) };
    // A boot that names a bench twice is damaged; the first record stands, as in every report.
    let sql = "INSERT OR IGNORE INTO points (bench, boot, status, unit, p50) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = connection.prepare_cached(sql)?;
    // One of two builds is a point of no history, whichever command stores it.
    for record in boot.benches.iter().filter(|record| record.side.is_none()) {
        let Some(figures) = Figures::of(record, clock) else { continue };
        let bench = keys.key(connection, &record.id)?;
        let status = status_word(record.status);
        statement.execute(params![bench, key, status, figures.unit.name(), figures.p50])?;
    }
    Ok(())
}

/// The key of the fingerprint of `boot`, which becomes known if it was not; `None` if the boot does not say what it
/// ran on.
pub(super) fn fingerprint_key(
    connection: &Connection,
    head: &RunHead,
    boot: &Boot,
) -> rusqlite::Result<Option<i64>> {
    key_of_boot(connection, boot, head.plan().as_ref())
}

/// Makes the narrow rows of boots that were stored by a version without them. What cannot be read has no figures: it is
/// kept as it is, and keeps nothing else from being read.
pub(super) fn fill_missing(connection: &Connection) -> rusqlite::Result<()> {
    let sql =
        "SELECT boots.key, hello, machine, clock, runs.plan FROM boots JOIN runs ON runs.id = boots.run";
    let mut boots = connection.prepare(sql)?;
    let mut update = connection.prepare("UPDATE boots SET fingerprint = ?2 WHERE key = ?1")?;
    let mut records = connection.prepare("SELECT record FROM results WHERE boot = ?1 ORDER BY key")?;
    let mut rows = boots.query([])?;
    let mut keys = BenchKeys::default();
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let plan = row.get::<_, Option<String>>(4)?.and_then(|text| plan::parse(text.as_bytes()).ok());
        let texts = records.query_map([key], |row| row.get::<_, String>(0))?;
        let texts = texts.collect::<rusqlite::Result<Vec<_>>>()?;
        let boot = Boot {
            hello: optional(row, 1).unwrap_or_default(),
            machine: optional(row, 2).unwrap_or_default(),
            clock: optional(row, 3).unwrap_or_default(),
            benches: texts.iter().filter_map(|text| parsed(0, text).ok()).collect(),
            ..Boot::new(BootEnd::Done)
        };
        update.execute(params![key, key_of_boot(connection, &boot, plan.as_ref())?])?;
        insert(connection, key, &boot, &mut keys)?;
    }
    Ok(())
}

fn key_of_boot(connection: &Connection, boot: &Boot, plan: Option<&Plan>) -> rusqlite::Result<Option<i64>> {
    if boot.machine.is_none() {
        return Ok(None);
    }
    key_of(connection, &Fingerprint::of_boot(boot, plan)).map(Some)
}

/// The key of `fingerprint`, which becomes known if it was not.
pub(super) fn key_of(connection: &Connection, fingerprint: &Fingerprint) -> rusqlite::Result<i64> {
    let name = fingerprint.name();
    let mut find = connection.prepare_cached("SELECT key FROM fingerprints WHERE name = ?1")?;
    match find.query_row([&name], |row| row.get(0)) {
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            let sql = "INSERT INTO fingerprints (name, fields) VALUES (?1, ?2)";
            let fields = super::database::json(fingerprint)?;
            connection.prepare_cached(sql)?.insert(params![name, fields])
        }
        found => found,
    }
}
