//! Baselines in the database, and the boots that they are chosen by.

use std::collections::BTreeMap;

use perf_kernel::wire::{Clock, Interference, Status};
use rusqlite::{Row, params};

use super::database::status_word;
use super::queries::{optional, parsed};
use super::series::ORDINARY;
use super::{Store, StoreError, points};
use crate::baseline::{Baseline, BaselineName, BootFigures, complaints};
use crate::collect::{BootEnd, Damage};

/// Which boots of a machine to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others<'a> {
    /// All.
    All,
    /// Those of runs that were stored before this one.
    Before(&'a str),
    /// Those of all runs but this one.
    Except(&'a str),
}

impl Store {
    /// Keeps `baselines`, each instead of the one that its machine had under its name, all or none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn put_baselines(&mut self, baselines: &[Baseline]) -> Result<(), StoreError> {
        let path = self.path.clone();
        let failed = |error| StoreError::of("store a baseline in", &path, error);
        let transaction = self.connection.transaction().map_err(failed)?;
        for baseline in baselines {
            let fingerprint = points::key_of(&transaction, &baseline.fingerprint).map_err(failed)?;
            let set = i64::try_from(baseline.set.0).unwrap_or(i64::MAX);
            let sql = "INSERT INTO baselines (name, fingerprint, kind, unix_s, content) VALUES (?1, ?2, ?3, ?4, ?5) \
                       ON CONFLICT (name, fingerprint) DO UPDATE SET \
                       kind = excluded.kind, unix_s = excluded.unix_s, content = excluded.content";
            let kind = baseline.kind.name();
            let row = params![baseline.name.as_str(), fingerprint, kind, set, baseline.to_stored()];
            transaction.execute(sql, row).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// The baselines called `name`, one for each machine, by the name of its fingerprint; all of them without a name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn baselines(&self, name: Option<&BaselineName>) -> Result<Vec<Baseline>, StoreError> {
        let rows = self.reading(|store| {
            let sql = "SELECT baselines.name, content FROM baselines \
                       JOIN fingerprints ON fingerprints.key = baselines.fingerprint \
                       WHERE ?1 IS NULL OR baselines.name = ?1 ORDER BY baselines.name, fingerprints.name";
            let mut statement = store.connection.prepare_cached(sql)?;
            let rows = statement.query_map([name.map(BaselineName::as_str)], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let unusable = |reason: String| StoreError::Unusable {
            doing: "read a baseline of",
            path: self.path.clone(),
            reason,
        };
        let read = |(name, text): (String, String)| {
            let name: BaselineName = name.parse().map_err(|_| unusable(format!("\"{name}\" is no name")))?;
            Baseline::from_stored(&name, &text).map_err(|error| unusable(error.to_string()))
        };
        rows.into_iter().map(read).collect()
    }

    /// Forgets the baselines called `name`, or only that of the machine whose fingerprint is called `machine`; how many
    /// that were.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn remove_baselines(
        &mut self,
        name: &BaselineName,
        machine: Option<&str>,
    ) -> Result<usize, StoreError> {
        let path = &self.path;
        let sql = "DELETE FROM baselines WHERE name = ?1 AND (?2 IS NULL OR fingerprint IN \
                   (SELECT key FROM fingerprints WHERE name = ?2))";
        let removed = self.connection.execute(sql, params![name.as_str(), machine]);
        removed.map_err(|error| StoreError::of("remove a baseline from", path, error))
    }

    /// The newest boots of the machine whose fingerprint is called `machine`, the newest first and at most `boots_max`.
    /// Those that measured two cores at once are not among them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn newest_boots(
        &self,
        machine: &str,
        others: Others<'_>,
        boots_max: u32,
    ) -> Result<Vec<BootFigures>, StoreError> {
        let (condition, run) = match others {
            Others::All => ("?2 IS NULL", None),
            Others::Before(run) => ("runs.rowid < (SELECT rowid FROM runs WHERE id = ?2)", Some(run)),
            Others::Except(run) => ("runs.id <> ?2", Some(run)),
        };
        self.reading(|store| {
            let sql = format!(
                "SELECT boots.key, runs.id, number, \"end\", clock, damage, ledger FROM fingerprints \
                 JOIN boots ON boots.fingerprint = fingerprints.key JOIN runs ON runs.id = boots.run \
                 WHERE fingerprints.name = ?1 AND {condition} AND {ORDINARY} \
                 ORDER BY runs.rowid DESC, number DESC LIMIT ?3"
            );
            let mut statement = store.connection.prepare_cached(&sql)?;
            let boots = statement.query_map(params![machine, run, boots_max], without_medians)?;
            let filled = boots.map(|boot| {
                let (key, boot) = boot?;
                Ok(BootFigures { medians: store.medians(key)?, ..boot })
            });
            filled.collect()
        })
    }

    fn medians(&self, boot: i64) -> rusqlite::Result<BTreeMap<String, f64>> {
        let sql = "SELECT benches.id, p50 FROM points JOIN benches ON benches.key = points.bench \
                   WHERE points.boot = ?1 AND status = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let measured = status_word(Status::Measured);
        let rows = statement.query_map(params![boot, measured], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }
}

fn without_medians(row: &Row<'_>) -> rusqlite::Result<(i64, BootFigures)> {
    let end: String = row.get(3)?;
    let end: BootEnd = parsed(3, &format!("\"{end}\""))?;
    let (clock, ledger): (Option<Clock>, Option<Interference>) = (optional(row, 4)?, optional(row, 6)?);
    let damage: Damage = parsed(5, row.get_ref(5)?.as_str()?)?;
    let boot = BootFigures {
        run: row.get(1)?,
        number: row.get(2)?,
        complaints: complaints(end, clock.as_ref(), &damage, ledger.as_ref()),
        medians: BTreeMap::new(),
    };
    Ok((row.get(0)?, boot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{BaselineKind, trimmed};
    use crate::samples;
    use crate::store::samples::{boot, run};
    use crate::store::{Run, UnixSeconds};
    use perf_kernel::wire::Mode;

    fn a_run(id: &str, mode: Mode, ticks: u64) -> Run {
        let benches = || vec![samples::bench("env/pause", ticks, 1), samples::skipped("env/l1-load", "no")];
        run(id, vec![boot(mode, benches()), boot(mode, benches())])
    }

    fn store_of(runs: &[Run]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        for run in runs {
            for stored in &run.boots {
                store.insert_boot(&run.head, stored).expect("room");
            }
        }
        (folder, store)
    }

    fn name(text: &str) -> BaselineName {
        text.parse().expect("a name")
    }

    fn pinned(text: &str, run: &Run) -> Baseline {
        Baseline {
            name: name(text),
            fingerprint: run.fingerprint(),
            set: UnixSeconds(1_800_000_000),
            accepted: None,
            kind: BaselineKind::Pinned(Box::new(trimmed(run))),
        }
    }

    #[test]
    fn a_name_holds_one_baseline_for_each_machine_and_the_last_one_stays() {
        let (kvm, tcg) = (a_run("aa000001", Mode::Kvm, 100), a_run("aa000002", Mode::Tcg, 100));
        let (_folder, mut store) = store_of(&[]);
        store.put_baselines(&[pinned("main", &kvm), pinned("main", &tcg)]).expect("room");
        let rolling = Baseline { kind: BaselineKind::Rolling { boots: 7 }, ..pinned("main", &tcg) };
        store.put_baselines(std::slice::from_ref(&rolling)).expect("room");
        let found = store.baselines(Some(&name("main"))).expect("stored");
        assert_eq!(found.len(), 2);
        assert!(found.contains(&rolling) && found.contains(&pinned("main", &kvm)));
        assert_eq!(store.baselines(Some(&name("other"))).expect("none"), []);
    }

    #[test]
    fn one_machine_of_a_name_can_be_forgotten() {
        let (kvm, tcg) = (a_run("aa000001", Mode::Kvm, 100), a_run("aa000002", Mode::Tcg, 100));
        let (_folder, mut store) = store_of(&[]);
        store.put_baselines(&[pinned("main", &kvm), pinned("main", &tcg), pinned("b", &tcg)]).expect("room");
        let machine = kvm.fingerprint().name();
        assert_eq!(store.remove_baselines(&name("main"), Some(&machine)).expect("there"), 1);
        assert_eq!(store.baselines(None).expect("stored"), [pinned("b", &tcg), pinned("main", &tcg)]);
        assert_eq!(store.remove_baselines(&name("main"), None).expect("there"), 1);
        assert_eq!(store.remove_baselines(&name("main"), None).expect("there"), 0);
    }

    #[test]
    fn the_newest_boots_of_a_machine_come_with_their_medians_and_complaints() {
        let mut bad = a_run("aa000002", Mode::Kvm, 300);
        bad.boots[0].boot.end = BootEnd::Hung;
        let mut paired = a_run("aa000003", Mode::Kvm, 400);
        paired.head.command = "ab".into();
        let runs = [
            a_run("aa000001", Mode::Kvm, 200),
            bad,
            paired,
            a_run("aa000004", Mode::Kvm, 500),
            a_run("aa000005", Mode::Tcg, 600),
        ];
        let (_folder, store) = store_of(&runs);
        let machine = runs[0].fingerprint().name();
        let boots = |others, most| -> Vec<(String, u32, bool, f64)> {
            let boots = store.newest_boots(&machine, others, most).expect("stored");
            let of = |boot: BootFigures| {
                assert_eq!(boot.medians.len(), 1, "{boot:?}");
                (boot.run, boot.number, boot.complaints.is_empty(), boot.medians["env/pause"])
            };
            boots.into_iter().map(of).collect()
        };
        let (old, new) = ("aa000001".to_owned(), "aa000002".to_owned());
        let before = boots(Others::Before("aa000004"), 9);
        assert_eq!(
            before,
            [
                (new.clone(), 2, true, 150.0),
                (new.clone(), 1, false, 150.0),
                (old.clone(), 2, true, 100.0),
                (old, 1, true, 100.0)
            ]
        );
        assert_eq!(boots(Others::Except("aa000004"), 1), [(new, 2, true, 150.0)]);
    }
}
