//! What the transcripts of a run do not tell, in a file beside them, so that `replay` brings everything back.

use std::fs;
use std::path::Path;

use perf_kernel::units::{Nanoseconds, Ticks};
use serde::{Deserialize, Serialize};

use super::{RunHead, StoreError, StoredBoot};
use crate::collect::{Boot, BootEnd, HostBeacon};

/// A run as the host saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideFile {
    /// What was asked.
    pub run: RunHead,
    /// Its boots, in order.
    pub boots: Vec<SideBoot>,
}

/// A boot as the host saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideBoot {
    /// Place in the run, from 1.
    pub number: u32,
    /// XXH3-128 of its transcript.
    pub transcript_hash: Option<String>,
    /// How it ended: silence and Ctrl-C leave no bytes.
    pub end: BootEnd,
    /// More about the end.
    pub end_detail: String,
    /// Ticks and arrival in nanoseconds of its time marks.
    pub beacons: Vec<(u64, u64)>,
    /// The crash's backtrace in words, from the ELF file of that day.
    pub crash_frames: Vec<String>,
}

impl SideFile {
    /// A run without boots.
    #[must_use]
    pub const fn new(run: RunHead) -> Self {
        Self { run, boots: Vec::new() }
    }

    /// Notes a boot.
    pub fn add(&mut self, stored: &StoredBoot) {
        let boot = &stored.boot;
        self.boots.push(SideBoot {
            number: stored.number,
            transcript_hash: stored.transcript_hash.clone(),
            end: boot.end,
            end_detail: boot.end_detail.clone(),
            beacons: boot.beacons.iter().map(|mark| (mark.ticks.0, mark.arrival.0)).collect(),
            crash_frames: stored.crash_frames.clone(),
        });
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        let failed = |error| StoreError::io(format!("write {}", path.display()), error);
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let new = path.with_extension("json.new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, path)).map_err(failed)
    }

    /// Reads the file; `None` if it is missing or not understood, since a transcript is worth replaying without.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// The boots whose bytes have `hash`, in order: more than one if the machine started again by itself.
    pub fn boots_of<'a>(&'a self, hash: &'a str) -> impl Iterator<Item = &'a SideBoot> {
        self.boots.iter().filter(move |boot| boot.transcript_hash.as_deref() == Some(hash))
    }
}

impl SideBoot {
    /// Gives `boot`, read from bytes alone, what only the host saw.
    pub fn complete(&self, boot: &mut Boot) {
        boot.end = self.end;
        boot.end_detail.clone_from(&self.end_detail);
        let mark = |&(ticks, arrival)| HostBeacon { ticks: Ticks(ticks), arrival: Nanoseconds(arrival) };
        boot.beacons = self.beacons.iter().map(mark).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::Mode;

    #[test]
    fn what_only_the_host_saw_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("transcripts/3f2a91bc.run.json");
        let mut run = run("3f2a91bc", vec![boot(Mode::Tcg, Vec::new())]);
        run.boots[0].transcript_hash = Some("77".into());
        run.boots[0].boot.end = BootEnd::Interrupted;
        run.boots[0].boot.beacons = vec![HostBeacon { ticks: Ticks(5), arrival: Nanoseconds(6) }];
        let mut side = SideFile::new(run.head.clone());
        side.add(&run.boots[0]);
        side.write(&path).expect("room");
        let side = SideFile::read(&path).expect("just written");
        let mut replayed = boot(Mode::Tcg, Vec::new());
        side.boots_of("77").next().expect("noted").complete(&mut replayed);
        assert_eq!((side.run, replayed), (run.head, run.boots[0].boot.clone()));
    }
}
