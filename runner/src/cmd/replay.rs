//! `replay`: kept transcripts read again, and stored if they are not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;

use super::arguments::ReplayOptions;
use super::failure::{CommandError, while_doing};
use super::{output, tracked};
use crate::collect::{Boot, CollectError, Patience, Silent, collect};
use crate::exit_code;
use crate::performance::{crash_frames, take_up};
use crate::progress::note;
use crate::source::FileSource;
use crate::store::{
    Folder, PAIRED, RunHead, SideFile, Store, StoredBoot, TranscriptFile, UnixSeconds, new_run_id,
};

/// A file neither hangs nor takes time.
const PATIENCE: Patience = Patience { hang: Duration::MAX, boot: Duration::MAX, resets_max: 0 };

pub(super) fn replay(options: &ReplayOptions) -> anyhow::Result<u8> {
    let folder = Folder::find(options.output.store.db.as_deref())?;
    let mut store = Store::open(folder.database())?;
    let mut replay =
        Replay { store: &mut store, elf: options.elf.as_deref(), orphans: [None, None], runs: Vec::new() };
    let mut trouble = None;
    for path in &options.transcripts {
        if let Err(error) = replay.file(path) {
            trouble.get_or_insert(error);
        }
    }
    let runs = replay.runs;
    let mut ends = Vec::new();
    for id in &runs {
        let changes = take_up(&mut store, id);
        if !options.output.quiet {
            tracked::tell(&changes);
        }
        let run = store.load(id)?;
        output::report(&run, &options.output)?;
        ends.extend(run.boots.iter().map(|stored| stored.boot.end));
    }
    trouble.map_or(Ok(exit_code::of_ends(ends)), Err)
}

struct Replay<'a> {
    store: &'a mut Store,
    elf: Option<&'a Path>,
    /// The runs of the transcripts that come without a run of their own: of one build, and of two.
    orphans: [Option<RunHead>; 2],
    /// The runs that were met, in order.
    runs: Vec<String>,
}

impl Replay<'_> {
    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let replaying = |error| while_doing(format!("replay {}", path.display()), error);
        let mut source = FileSource::open(path).map_err(replaying)?;
        let bytes = fs::read(path).with_context(|| format!("read the transcript {}", path.display()))?;
        let hash = TranscriptFile::hash_of(&bytes);
        if let Some(run) = self.store.find_transcript(&hash)? {
            note(&format!("{} is stored as run {run} already", path.display()));
            self.note(run);
            return Ok(());
        }
        let collected =
            collect(&mut source, &mut std::io::sink(), &mut Silent, &PATIENCE, &AtomicBool::new(false));
        let (boots, cause) = match collected {
            Ok(boots) => (boots, None),
            Err(CollectError { cause, boots }) => (boots, Some(anyhow::Error::new(cause))),
        };
        let side = side_file(path);
        let is_empty =
            boots.iter().all(|boot| boot.hello.is_none() && boot.benches.is_empty() && boot.crash.is_none());
        if is_empty && side.is_none() {
            let nothing = CommandError::NoRecords { path: path.to_owned() };
            return Err(cause.unwrap_or_else(|| nothing.into()));
        }
        self.store_boots(path, &hash, boots, side)?;
        cause.map_or(Ok(()), Err)
    }

    fn store_boots(
        &mut self,
        path: &Path,
        hash: &str,
        boots: Vec<Boot>,
        side: Option<SideFile>,
    ) -> anyhow::Result<()> {
        let head = match &side {
            Some(side) => side.run.clone(),
            None => self.orphans(&boots)?,
        };
        let seen: Vec<_> = side.iter().flat_map(|side| side.boots_of(hash)).collect();
        for (place, mut boot) in boots.into_iter().enumerate() {
            let side = seen.get(place);
            if let Some(side) = side {
                side.complete(&mut boot);
            }
            let next = self.store.last_boot(&head.id)?.saturating_add(1);
            let mut frames = side.map(|side| side.crash_frames.clone()).unwrap_or_default();
            if frames.is_empty() {
                frames = crash_frames(&boot, self.elf);
            }
            let stored = StoredBoot {
                number: side.map_or(next, |side| side.number),
                boot,
                transcript: fs::canonicalize(path).ok(),
                transcript_hash: Some(hash.to_owned()),
                crash_frames: frames,
            };
            self.store.insert_boot(&head, &stored)?;
        }
        self.note(head.id);
        Ok(())
    }

    /// The run that takes up `boots`.
    fn orphans(&mut self, boots: &[Boot]) -> anyhow::Result<RunHead> {
        let is_paired = boots.iter().flat_map(|boot| &boot.benches).any(|record| record.side.is_some());
        let [single, paired] = &mut self.orphans;
        let (orphans, command) = if is_paired { (paired, PAIRED) } else { (single, "replay") };
        if orphans.is_none() {
            *orphans = Some(RunHead {
                id: new_run_id().context("make a run id")?,
                started: UnixSeconds::now(),
                command: command.to_owned(),
                profile: None,
                plan: None,
                runner_version: env!("CARGO_PKG_VERSION").to_owned(),
                revision: None,
            });
        }
        orphans.clone().context("name the run of these transcripts")
    }

    fn note(&mut self, run: String) {
        if !self.runs.contains(&run) {
            self.runs.push(run);
        }
    }
}

/// What lies beside a transcript called `RUN-BOOT.transcript`, if it is about it.
fn side_file(path: &Path) -> Option<SideFile> {
    let name = path.file_name()?.to_str()?.strip_suffix(".transcript")?;
    let (run, _) = name.rsplit_once('-')?;
    let beside: PathBuf = path.with_file_name(format!("{run}.run.json"));
    SideFile::read(&beside).filter(|side| side.run.id == run)
}
