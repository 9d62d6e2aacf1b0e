//! The boots of one run: collected, kept, stored.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use perf_kernel::plan::{Plan, trim};
use perf_kernel::run::fingerprint;

use super::{Control, InTurn, Purpose, Target, TestError, TestOutcome, TestRequest};
use crate::collect::{Boot, BootEnd, CollectError, Expected, Patience, collect_expecting};
use crate::image::is_elf_of;
use crate::live::{LiveMark, MarkContent};
use crate::progress::{Progress, note};
use crate::source::Source;
use crate::store::{
    ASIDE, Folder, PAIRED, Run, RunHead, SideFile, Store, StoredBoot, TranscriptFile, UnixSeconds,
    frames_heading,
};
use crate::tracking::Change;
use crate::{store, symbolise, tracking};

/// Bytes of randomness in a nonce.
const NONCE_BYTES: usize = 8;

/// A run that is being made.
pub(super) struct Session<'a> {
    run: Run,
    side: SideFile,
    /// Tells others that the run is being made.
    _mark: LiveMark,
    store: Store,
    plan: Plan,
    image_hashes: InTurn<Option<String>>,
    request: &'a TestRequest,
    control: &'a Control,
    /// Places of boots in the run that are not in the database yet.
    unsaved: Vec<usize>,
    trouble: Option<TestError>,
}

/// One boot, as its source needs to know it.
pub(super) struct Turn {
    /// Its place among the starts of the run, from 1.
    pub(super) number: u32,
    /// The plan with this boot's nonce.
    pub(super) plan: Plan,
    /// Where its bytes will be kept.
    pub(super) transcript: PathBuf,
}

impl<'a> Session<'a> {
    /// Opens the database first: a run that cannot be kept is not begun.
    pub(super) fn begin(request: &'a TestRequest, control: &'a Control) -> Result<Self, TestError> {
        let folder = &request.folder;
        let store = Store::open(folder.database())?;
        let plan = request.target.adapt(request.plan.clone());
        let (kind, profile) = match &request.target {
            Target::Qemu { profile, .. } => ("run", Some(profile.name.clone())),
            Target::Hosted { .. } => ("hosted", None),
        };
        let head = RunHead {
            id: unused_id(&store, folder)?,
            started: UnixSeconds::now(),
            command: match request.purpose {
                Purpose::History => kind,
                Purpose::Aside => ASIDE,
                Purpose::Pair => PAIRED,
            }
            .to_owned(),
            profile,
            plan: Some(plan_text(&plan)?),
            runner_version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: request.revision.clone(),
        };
        LiveMark::sweep(folder);
        let mark = LiveMark::set(folder, &head.id, MarkContent { boots_asked: Some(request.boots) })?;
        let side = SideFile::new(head.clone());
        side.write(&folder.side_file(&head.id))?;
        Ok(Self {
            run: Run { head, boots: Vec::new() },
            side,
            _mark: mark,
            store,
            plan,
            image_hashes: InTurn::one(None),
            request,
            control,
            unsaved: Vec::new(),
            trouble: None,
        })
    }

    /// Has every boot checked to be one of the image with its hash of `hashes`.
    pub(super) fn expect_images(&mut self, hashes: InTurn<Option<String>>) {
        self.image_hashes = hashes;
    }

    /// How often the machine may be reset in the course of a boot.
    pub(super) fn resets_max(&self) -> u32 {
        self.plan.resets_max.into()
    }

    /// Makes all boots, each from a source that `start` gives for its plan; what goes wrong ends the run and is kept
    /// for [`Session::finish`].
    pub(super) fn make<S: Source>(
        &mut self,
        patience: &Patience,
        mut start: impl FnMut(&Turn, &mut Progress) -> Result<S, TestError>,
    ) {
        for turn in 1..=self.request.boots {
            if let Err(error) = self.boot(turn, patience, &mut start) {
                self.trouble.get_or_insert(error);
                break;
            }
            if self.control.stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }

    fn boot<S: Source>(
        &mut self,
        number: u32,
        patience: &Patience,
        start: &mut impl FnMut(&Turn, &mut Progress) -> Result<S, TestError>,
    ) -> Result<(), TestError> {
        let nonce = store::random_hex::<NONCE_BYTES>().map_err(TestError::io("make a nonce"))?;
        let plan = Plan { nonce: nonce.clone(), ..self.plan.clone() };
        let plan_hash = fingerprint(trim(plan_text(&plan)?.as_bytes()));
        let mut progress = Progress::new(self.control.shown, &plan, number, self.request.boots);
        let transcript = self.request.folder.transcript(&self.run.head.id, number);
        let turn = Turn { number, plan, transcript };
        let mut source = start(&turn, &mut progress)?;
        // What the machine says meanwhile waits in its pipe.
        let mut transcript = TranscriptFile::create(&turn.transcript)?;
        let image_hash = self.image_hashes.of(number).clone();
        let expected = Expected { nonce: Some(nonce), plan_hash: Some(plan_hash), image_hash };
        let stop = &self.control.stop;
        let collected =
            collect_expecting(expected, &mut source, &mut transcript, &mut progress, patience, stop);
        drop(progress);
        let hash = transcript.hash();
        let kept = transcript.finish();
        let (boots, cause) = match collected {
            Ok(boots) => (boots, None),
            Err(CollectError { cause, boots }) => (boots, Some(TestError::from(cause))),
        };
        let path = kept.as_ref().ok().cloned();
        for boot in boots {
            self.add(boot, number, path.clone(), &hash);
        }
        self.side.write(&self.request.folder.side_file(&self.run.head.id))?;
        kept?;
        cause.map_or(Ok(()), Err)
    }

    /// Takes a boot of `turn` into the run, and stores it. A database that refuses is tried again at the end.
    fn add(&mut self, boot: Boot, turn: u32, transcript: Option<PathBuf>, hash: &str) {
        let number = u32::try_from(self.run.boots.len()).unwrap_or(u32::MAX).saturating_add(1);
        let mut stored = StoredBoot {
            number,
            boot,
            transcript,
            transcript_hash: Some(hash.to_owned()),
            crash_frames: Vec::new(),
        };
        stored.crash_frames = crash_frames(&stored.boot, self.request.target.elf(turn));
        self.side.add(&stored);
        if self.store.insert_boot(&self.run.head, &stored).is_err() {
            self.unsaved.push(self.run.boots.len());
        }
        self.run.boots.push(stored);
    }

    /// Stores what is left and gives the run. `failed` is what kept boots from being made.
    pub(super) fn finish(mut self, failed: Option<TestError>) -> Result<TestOutcome, TestError> {
        if let Some(error) = failed {
            self.trouble.get_or_insert(error);
        }
        self.store_rest();
        if self.run.boots.is_empty() {
            // Nothing was collected: a file about nothing would only puzzle.
            let _ = std::fs::remove_file(self.request.folder.side_file(&self.run.head.id));
            if let Some(trouble) = self.trouble {
                return Err(trouble);
            }
        }
        let is_stored = self.unsaved.is_empty();
        let changes = if is_stored { take_up(&mut self.store, &self.run.head.id) } else { Vec::new() };
        Ok(TestOutcome { is_stored, changes, run: self.run, trouble: self.trouble })
    }

    fn store_rest(&mut self) {
        for place in std::mem::take(&mut self.unsaved) {
            let Some(stored) = self.run.boots.get(place) else { continue };
            if let Err(error) = self.store.insert_boot(&self.run.head, stored) {
                self.unsaved.push(place);
                let pattern = format!("{}-*.transcript", self.run.head.id);
                let transcripts = self.request.folder.transcripts().join(pattern);
                self.trouble = Some(TestError::NotStored { transcripts, error: Box::new(error) });
            }
        }
    }
}

/// `plan` as the text of plan.toml.
pub(crate) fn plan_text(plan: &Plan) -> Result<String, TestError> {
    Ok(toml::to_string(plan)?)
}

/// Takes a stored run up into the histories. What goes wrong is told: results are kept whatever comes of them.
pub(crate) fn take_up(store: &mut Store, run: &str) -> Vec<Change> {
    tracking::update(store, run).unwrap_or_else(|error| {
        note(&format!(
            "run {run} is kept, but not in the histories yet: failed to {error}; `multios-perf findings` tries again"
        ));
        Vec::new()
    })
}

/// The backtraces of a boot's crashes in words: that of the boot's own, then those of its benches, each under the line of
/// [`frames_heading`]. Empty without one, or without symbols, which the report says by addresses.
pub(crate) fn crash_frames(boot: &Boot, elf: Option<&Path>) -> Vec<String> {
    let own = boot.crash.as_ref().filter(|_| boot.end != BootEnd::Refused);
    let mut of_benches =
        boot.benches.iter().filter_map(|bench| Some((bench, bench.crash.as_deref()?))).peekable();
    let Some(elf) = elf.filter(|_| own.is_some() || of_benches.peek().is_some()) else { return Vec::new() };
    let image_hash = boot.hello.as_ref().map_or("", |hello| hello.image_hash.as_str());
    if !is_elf_of(elf, image_hash) {
        return vec![format!("no functions: {} is not the kernel of this image", elf.display())];
    }
    let words = |crash| symbolise::backtrace(crash, elf).unwrap_or_default();
    let mut frames = own.map(words).unwrap_or_default();
    for (bench, crash) in of_benches {
        frames.push(frames_heading(&bench.id));
        frames.extend(words(crash));
    }
    frames
}

/// A run id that neither the database nor the folder knows.
fn unused_id(store: &Store, folder: &Folder) -> Result<String, TestError> {
    loop {
        let id = store::new_run_id().map_err(TestError::io("make a run id"))?;
        if store.last_boot(&id)? == 0 && !folder.side_file(&id).exists() {
            return Ok(id);
        }
    }
}
