//! What a boot keeps for the start after a reset: its note, and the results so far.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::restart::{ClockPorts, ResetMeans};
use super::witness;
use crate::arch::ending::{Ending, Seizable};
use crate::arch::{KeptMemory, Ports};
use crate::plan::Plan;
use crate::run::Note;
use crate::units::Hertz;
use crate::wire::{BenchRecord, Crash, Decoder, Event, Frame, Record, Resumes, Start, encode_frame};

/// The note lies at the beginning; results lie behind that.
const NOTE_BYTES_MAX: usize = 64 * 1024;

/// What this boot keeps, if it does.
static KEPT: Seizable<Option<Kept>> = Seizable::new(None);

/// What a boot keeps for the start after a reset.
pub(super) struct Kept {
    memory: KeptMemory,
    note: Note,
    means: ResetMeans,
    resets_max: u32,
    /// Bytes of results behind the note.
    bytes: usize,
}

/// What the start before this one, of the same image and plan, has left.
pub(super) struct Before {
    memory: Option<KeptMemory>,
    image_hash: String,
    plan_hash: String,
    /// Its note, for this start.
    note: Option<Note>,
    /// The results that it kept.
    results: Vec<BenchRecord>,
    /// Whether the kernel has reset a machine that then lost the note.
    is_forgetful: bool,
}

impl Before {
    /// Looks into `memory`, if there is some that is kept, for what a start of `image_hash` and `plan_hash` has left.
    pub(super) fn look(
        memory: Option<KeptMemory>,
        ports: Ports,
        image_hash: String,
        plan_hash: String,
    ) -> Self {
        let note = memory.as_ref().and_then(read_note);
        let note = note.and_then(|note| note.resumed(&image_hash, &plan_hash));
        let is_forgetful = witness::take(&ClockPorts(ports)) && note.is_none();
        let results = memory.as_ref().zip(note.as_ref());
        let results = results.map_or_else(Vec::new, |(memory, note)| results_in(memory, note));
        Self { memory, image_hash, plan_hash, note, results, is_forgetful }
    }

    /// What `hello` says of it.
    pub(super) fn resumes(&self) -> Option<Resumes> {
        self.note.as_ref().map(Note::resumes)
    }

    /// Goes on keeping, for a boot of `plan` on a machine that is reset by `means`; what was found, and a line for people
    /// where nothing can be kept.
    pub(super) fn keep(
        self,
        plan: &Plan,
        means: ResetMeans,
    ) -> (Option<Note>, Vec<BenchRecord>, Option<String>) {
        let Self { memory, image_hash, plan_hash, note, results, is_forgetful } = self;
        let Some(mut memory) = memory.filter(|_| !image_hash.is_empty()) else {
            return (None, Vec::new(), None);
        };
        if plan.resets_max == 0 || is_forgetful {
            wipe(&mut memory);
            let line =
                "no resets: the memory of this machine does not outlast one, so that a crash ends the boot";
            return (None, Vec::new(), is_forgetful.then(|| String::from(line)));
        }
        let kept = note.clone().unwrap_or_else(|| Note::new(image_hash, plan_hash));
        let bytes = usize::try_from(kept.kept_bytes()).unwrap_or(usize::MAX);
        let mut kept = Kept { memory, note: kept, means, resets_max: plan.resets_max.into(), bytes };
        kept.write();
        *KEPT.lock() = Some(kept);
        (note, results, None)
    }
}

fn read_note(memory: &KeptMemory) -> Option<Note> {
    let mut bytes = vec![0; NOTE_BYTES_MAX.min(memory.length())];
    memory.read(0, &mut bytes)?;
    Note::decode(&bytes)
}

fn results_in(memory: &KeptMemory, note: &Note) -> Vec<BenchRecord> {
    let length = usize::try_from(note.kept_bytes()).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length.min(memory.length())];
    if memory.read(NOTE_BYTES_MAX, &mut bytes).is_none() {
        return Vec::new();
    }
    // Each has a check value of its own.
    let record = |event| match event {
        Event::Frame(frame) => match *frame {
            Frame { record: Record::Bench(record), .. } => Some(*record),
            _ => None,
        },
        _ => None,
    };
    Decoder::new().push(&bytes).into_iter().filter_map(record).collect()
}

/// Notes what the probes cost at the start.
pub(super) fn note_begin(probes: &[(&'static str, u64)]) {
    change(|kept| kept.note.begin(probes));
}

/// Notes that a bench is about to start.
pub(super) fn note_start(start: &Start) {
    change(|kept| kept.note.start(start));
}

/// Keeps what came of a bench; the note follows when the host has been told, by [`note_told`].
pub(super) fn keep_result(record: &BenchRecord) {
    let mut kept = KEPT.lock();
    let Some(kept) = kept.as_mut() else { return };
    let slim = BenchRecord { raw: None, ..record.clone() };
    // The number is nobody's: what is kept is for the screen.
    let frame = encode_frame(&Frame { seq: 0, record: Record::Bench(slim.into()) });
    // What does not fit is not on the screen after a reset, and is on the wire all the same.
    if kept.memory.write(NOTE_BYTES_MAX.saturating_add(kept.bytes), &frame).is_some() {
        kept.bytes += frame.len();
    }
    kept.note.finish(record, u64::try_from(kept.bytes).unwrap_or(0));
}

/// Writes down that the latest result has been told.
pub(super) fn note_told() {
    change(|_| {});
}

/// Notes what the kernel ends for; whether the machine is to be reset, to go on behind the bench that ran.
pub(super) fn note_crash(ending: &Ending, crash: &Crash) -> bool {
    let mut kept = KEPT.seize(ending);
    let Some(kept) = kept.as_mut() else { return false };
    let may_reset = kept.note.resets() < kept.resets_max && kept.note.crash(crash);
    // Without the mark a machine that forgets would be reset for ever.
    may_reset && kept.write() && witness::set(&ClockPorts(Ports::new(kept.means.ring0)))
}

/// Resets the machine.
pub(super) fn reset(ending: &Ending, frequency: Hertz) {
    let means = KEPT.seize(ending).as_ref().map(|kept| kept.means);
    if let Some(means) = means {
        means.reset(frequency);
    }
}

/// Resets the machine if the report of a crash has itself come to grief while a bench ran: the note names the bench.
pub(super) fn reset_in_trouble(ending: &Ending, frequency: Hertz) {
    let kept = KEPT.seize(ending);
    let Some(kept) = kept.as_ref() else { return };
    let may_reset = kept.note.resets() < kept.resets_max && kept.note.running().is_some();
    if may_reset && witness::set(&ClockPorts(Ports::new(kept.means.ring0))) {
        kept.means.reset(frequency);
    }
}

/// Forgets everything: the boot has ended, and the next start is that of another.
pub(super) fn forget(ending: Option<&Ending>) {
    let mut kept = match ending {
        Some(ending) => KEPT.seize(ending),
        None => KEPT.lock(),
    };
    if let Some(mut kept) = kept.take() {
        wipe(&mut kept.memory);
    }
}

fn change(change: impl FnOnce(&mut Kept)) {
    if let Some(kept) = KEPT.lock().as_mut() {
        change(kept);
        kept.write();
    }
}

impl Kept {
    /// Whether the note is in memory.
    fn write(&mut self) -> bool {
        let note = self.note.encode();
        let is_written = note.len() <= NOTE_BYTES_MAX && self.memory.write(0, &note).is_some();
        if !is_written {
            wipe(&mut self.memory);
        }
        is_written
    }
}

fn wipe(memory: &mut KeptMemory) {
    // What lies there is no note then; memory that takes none has none.
    let _ = memory.write(0, &[0]);
}
