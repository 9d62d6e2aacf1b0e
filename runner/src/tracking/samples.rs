//! Databases with histories, for tests.

use perf_kernel::wire::Mode;
use tempfile::TempDir;

use crate::samples;
use crate::store::Store;
use crate::store::samples::{boot, run};

/// A database in a folder of its own.
pub(crate) struct Diary {
    _folder: TempDir,
    pub(crate) store: Store,
    pub(crate) mode: Mode,
    runs: u32,
}

impl Diary {
    pub(crate) fn new(mode: Mode) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("results.db")).expect("a new database");
        Self { _folder: folder, store, mode, runs: 0 }
    }

    /// Stores a run of one boot with these benches and the ticks of an iteration, an hour after the run before; gives its id.
    pub(crate) fn store(&mut self, benches: &[(&str, u64)]) -> String {
        let revision = format!("{:040x}", self.runs);
        self.store_at(&revision, benches)
    }

    /// The same for a revision.
    pub(crate) fn store_at(&mut self, revision: &str, benches: &[(&str, u64)]) -> String {
        let records = benches.iter().map(|(id, ticks)| samples::bench(id, *ticks, 1)).collect();
        let mut run = run(&format!("{:08x}", 0xa000_0000 + self.runs), vec![boot(self.mode, records)]);
        run.head.revision = Some(revision.to_owned());
        run.head.started.0 += u64::from(self.runs) * 3_600;
        self.runs += 1;
        self.store.insert_boot(&run.head, &run.boots[0]).expect("room");
        run.head.id
    }
}

/// Figures about 10,000 that a step of `step` lifts from run `at` on, with reproducible noise of about 30.
pub(crate) fn noisy(count: u32, at: u32, step: u64) -> Vec<u64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut value = move || {
        let sum: u64 = (0..4)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % 53
            })
            .sum();
        9_900 + sum
    };
    (0..count).map(|i| value() + if i >= at { step } else { 0 }).collect()
}
