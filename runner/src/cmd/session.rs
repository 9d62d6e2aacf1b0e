//! The boots of one run: collected, kept, stored, reported.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Error};
use perf_kernel::plan::{Plan, trim};
use perf_kernel::run::fingerprint;

use super::arguments::OutputOptions;
use super::{interrupt, output, planning};
use crate::collect::{Boot, BootEnd, CollectError, Expected, Patience, collect_expecting};
use crate::exit_code;
use crate::image::is_elf_of;
use crate::progress::{Progress, Shown};
use crate::source::Source;
use crate::store::{Folder, Run, RunHead, SideFile, Store, StoredBoot, TranscriptFile, UnixSeconds};
use crate::{store, symbolise};

/// Bytes of randomness in a nonce.
const NONCE_BYTES: usize = 8;

/// A run that is being made.
pub(super) struct Session<'a> {
    run: Run,
    side: SideFile,
    folder: Folder,
    store: Store,
    stop: Arc<AtomicBool>,
    plan: Plan,
    boots: u32,
    elf: Option<PathBuf>,
    image_hash: Option<String>,
    options: &'a OutputOptions,
    /// Places of boots in the run that are not in the database yet.
    unsaved: Vec<usize>,
    trouble: Option<Error>,
}

/// What makes a run, besides its boots.
pub(super) struct Request<'a> {
    /// The command.
    pub(super) command: &'static str,
    /// The profile of qemu.toml.
    pub(super) profile: Option<String>,
    /// The checked plan.
    pub(super) plan: Plan,
    /// Boots asked for.
    pub(super) boots: u32,
    /// The program with its debug information.
    pub(super) elf: Option<PathBuf>,
    /// The hash of what is measured, if it is known beforehand.
    pub(super) image_hash: Option<String>,
    /// Where results go.
    pub(super) output: &'a OutputOptions,
}

/// One boot, as its source needs to know it.
pub(super) struct Turn {
    /// The boot's place in the run, from 1.
    pub(super) number: u32,
    /// The plan with this boot's nonce.
    pub(super) plan: Plan,
    /// Where its bytes will be kept.
    pub(super) transcript: PathBuf,
}

impl<'a> Session<'a> {
    /// Opens the database first: a run that cannot be kept is not begun.
    pub(super) fn begin(request: Request<'a>) -> anyhow::Result<Self> {
        let folder = Folder::find(request.output.store.db.as_deref())?;
        let store = Store::open(folder.database())?;
        let head = RunHead {
            id: unused_id(&store, &folder)?,
            started: UnixSeconds::now(),
            command: request.command.to_owned(),
            profile: request.profile,
            plan: Some(planning::text(&request.plan)?),
            runner_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let side = SideFile::new(head.clone());
        side.write(&folder.side_file(&head.id))?;
        Ok(Self {
            run: Run { head, boots: Vec::new() },
            side,
            folder,
            store,
            stop: interrupt::stop_flag()?,
            plan: request.plan,
            boots: request.boots,
            elf: request.elf,
            image_hash: request.image_hash,
            options: request.output,
            unsaved: Vec::new(),
            trouble: None,
        })
    }

    /// Makes all boots, each from a source that `start` gives for its plan, and says how it went by the exit code.
    pub(super) fn make<S: Source>(
        mut self,
        patience: &Patience,
        start: impl FnMut(&Turn, &mut Progress) -> anyhow::Result<S>,
    ) -> anyhow::Result<u8> {
        self.take_boots(patience, start);
        self.finish()
    }

    /// Makes all boots like [`Self::make`], and gives the run instead of reporting it.
    pub(super) fn collect<S: Source>(
        mut self,
        patience: &Patience,
        start: impl FnMut(&Turn, &mut Progress) -> anyhow::Result<S>,
    ) -> anyhow::Result<Run> {
        self.take_boots(patience, start);
        self.store_rest();
        match self.trouble {
            Some(error) => Err(error),
            None => Ok(self.run),
        }
    }

    fn take_boots<S: Source>(
        &mut self,
        patience: &Patience,
        mut start: impl FnMut(&Turn, &mut Progress) -> anyhow::Result<S>,
    ) {
        for turn in 1..=self.boots {
            if let Err(error) = self.boot(turn, patience, &mut start) {
                self.trouble.get_or_insert(error);
                break;
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }

    fn boot<S: Source>(
        &mut self,
        turn: u32,
        patience: &Patience,
        start: &mut impl FnMut(&Turn, &mut Progress) -> anyhow::Result<S>,
    ) -> anyhow::Result<()> {
        let nonce = store::random_hex::<NONCE_BYTES>().context("make a nonce")?;
        let plan = Plan { nonce: nonce.clone(), ..self.plan.clone() };
        let plan_hash = fingerprint(trim(planning::text(&plan)?.as_bytes()));
        let shown = if self.options.quiet { Shown::Never } else { Shown::Live };
        let mut progress = Progress::new(shown, &plan, turn, self.boots);
        let turn = Turn { number: turn, plan, transcript: self.folder.transcript(&self.run.head.id, turn) };
        let mut source = start(&turn, &mut progress)?;
        // What the machine says meanwhile waits in its pipe.
        let mut transcript = TranscriptFile::create(&turn.transcript)?;
        let expected =
            Expected { nonce: Some(nonce), plan_hash: Some(plan_hash), image_hash: self.image_hash.clone() };
        let collected =
            collect_expecting(expected, &mut source, &mut transcript, &mut progress, patience, &self.stop);
        drop(progress);
        let hash = transcript.hash();
        let kept = transcript.finish();
        let (boots, cause) = match collected {
            Ok(boots) => (boots, None),
            Err(CollectError { cause, boots }) => (boots, Some(Error::new(cause))),
        };
        let path = kept.as_ref().ok().cloned();
        for boot in boots {
            self.add(boot, path.clone(), &hash);
        }
        self.side.write(&self.folder.side_file(&self.run.head.id))?;
        kept?;
        cause.map_or(Ok(()), Err)
    }

    /// Takes a boot into the run, and stores it. A database that refuses is tried again at the end.
    fn add(&mut self, boot: Boot, transcript: Option<PathBuf>, hash: &str) {
        let number = u32::try_from(self.run.boots.len()).unwrap_or(u32::MAX).saturating_add(1);
        let mut stored = StoredBoot {
            number,
            boot,
            transcript,
            transcript_hash: Some(hash.to_owned()),
            crash_frames: Vec::new(),
        };
        stored.crash_frames = crash_frames(&stored.boot, self.elf.as_deref());
        self.side.add(&stored);
        if self.store.insert_boot(&self.run.head, &stored).is_err() {
            self.unsaved.push(self.run.boots.len());
        }
        self.run.boots.push(stored);
    }

    /// Stores what is left, reports, and gives the exit code.
    fn finish(mut self) -> anyhow::Result<u8> {
        self.store_rest();
        if self.run.boots.is_empty() {
            // Nothing was collected: a file about nothing would only puzzle.
            let _ = std::fs::remove_file(self.folder.side_file(&self.run.head.id));
            return self.trouble.map_or(Ok(exit_code::OK), Err);
        }
        let reported = output::report(&self.run, self.options);
        if self.unsaved.is_empty() && !self.options.quiet {
            let database = self.folder.database().display();
            output::note(&format!("kept as run {} in {database}", self.run.head.id));
        }
        let ends = self.run.boots.iter().map(|stored| stored.boot.end);
        match self.trouble {
            Some(error) => Err(error),
            None => reported.map(|code| match exit_code::of_ends(ends) {
                exit_code::OK => code,
                of_boots => of_boots,
            }),
        }
    }

    fn store_rest(&mut self) {
        for place in std::mem::take(&mut self.unsaved) {
            let Some(stored) = self.run.boots.get(place) else { continue };
            if let Err(error) = self.store.insert_boot(&self.run.head, stored) {
                self.unsaved.push(place);
                let transcripts =
                    self.folder.transcripts().join(format!("{}-*.transcript", self.run.head.id));
                let again = format!(
                    "keep everything (nothing is lost: `multios-perf replay {}` stores it later)",
                    transcripts.display()
                );
                self.trouble = Some(Error::new(error).context(again));
            }
        }
    }
}

/// The backtrace of a crash in words; empty without one, or without symbols, which the report says by addresses.
pub(super) fn crash_frames(boot: &Boot, elf: Option<&std::path::Path>) -> Vec<String> {
    let crash = boot.crash.as_ref().filter(|_| boot.end != BootEnd::Refused);
    let Some((crash, elf)) = crash.zip(elf) else { return Vec::new() };
    let image_hash = boot.hello.as_ref().map_or("", |hello| hello.image_hash.as_str());
    if !is_elf_of(elf, image_hash) {
        return vec![format!("no functions: {} is not the kernel of this image", elf.display())];
    }
    symbolise::backtrace(crash, elf).unwrap_or_default()
}

/// A run id that neither the database nor the folder knows.
fn unused_id(store: &Store, folder: &Folder) -> anyhow::Result<String> {
    loop {
        let id = store::new_run_id().context("make a run id")?;
        if store.last_boot(&id)? == 0 && !folder.side_file(&id).exists() {
            return Ok(id);
        }
    }
}
