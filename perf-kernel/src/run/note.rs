//! What a boot leaves behind for the start after a reset.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::wire::{BenchRecord, Crash, Resumes, Start, Status, decode_frame, encode_frame};

/// The version of the note's fields. A kernel reads its own only: image and note belong together.
const VERSION: u32 = 1;
const FRAME_START: u8 = 0x1e;
const FRAME_END: u8 = b'\n';

/// What a boot leaves behind for the start after a reset. It is kept as a frame of the wire, whose check value says whether
/// it is whole, and it counts for the image and plan only that it was written under; the plan holds the nonce.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    version: u32,
    image_hash: String,
    plan_hash: String,
    /// Resets of the boot so far.
    resets: u32,
    /// Place in the plan's order of the bench that runs, else of the next one.
    next: u32,
    /// The bench at that place, if it runs.
    running: Option<String>,
    /// Why the kernel could not go on, if it had the time to say.
    crash: Option<Box<Crash>>,
    /// Benches that are not run again.
    quarantined: Vec<String>,
    /// Whether a bench that is over was not good.
    has_failed: bool,
    /// What the probes cost at the start of the boot, in thousandths of a tick.
    probes: Vec<(String, u64)>,
    /// Bytes of results that are kept beside the note.
    kept_bytes: u64,
}

/// What to do with one measurement of the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step<'a> {
    /// It is over, or its bench is quarantined.
    PassOver,
    /// It was running when the machine was reset, with what the kernel could say.
    Report(Option<&'a Crash>),
    /// It is to be run.
    Run,
}

impl Note {
    /// The note of a boot of `image_hash` and `plan_hash` that begins.
    #[must_use]
    pub fn new(image_hash: String, plan_hash: String) -> Self {
        Self {
            version: VERSION,
            image_hash,
            plan_hash,
            resets: 0,
            next: 0,
            running: None,
            crash: None,
            quarantined: Vec::new(),
            has_failed: false,
            probes: Vec::new(),
            kept_bytes: 0,
        }
    }

    /// The note as it is kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_frame(self)
    }

    /// The note that `bytes` begin with; `None` if there is none, or one that is not whole.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (start, rest) = bytes.split_first()?;
        let length = rest.iter().position(|byte| *byte == FRAME_END)?;
        let note: Self = (*start == FRAME_START).then(|| decode_frame(rest.get(..length)?).ok()).flatten()?;
        (note.version == VERSION).then_some(note)
    }

    /// The note for the start that found `self`; `None` if it is of another image or plan.
    #[must_use]
    pub fn resumed(mut self, image_hash: &str, plan_hash: &str) -> Option<Self> {
        if image_hash.is_empty() || self.image_hash != image_hash || self.plan_hash != plan_hash {
            return None;
        }
        self.resets = self.resets.saturating_add(1);
        if let Some(id) = &self.running
            && !self.quarantined.contains(id)
        {
            self.quarantined.push(id.clone());
        }
        Some(self)
    }

    /// What `hello` says of a start with this note.
    #[must_use]
    pub fn resumes(&self) -> Resumes {
        Resumes { resets: self.resets, from: self.next, quarantined: self.running.clone() }
    }

    /// Resets of the boot so far.
    #[must_use]
    pub const fn resets(&self) -> u32 {
        self.resets
    }

    /// The bench that runs.
    #[must_use]
    pub fn running(&self) -> Option<&str> {
        self.running.as_deref()
    }

    /// Bytes of results that are kept beside the note.
    #[must_use]
    pub const fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    /// Notes what the probes cost at the start of the boot; a later start finds it there.
    pub fn begin(&mut self, probes: &[(&'static str, u64)]) {
        if self.resets == 0 {
            self.probes = probes.iter().map(|(id, cost)| ((*id).into(), *cost)).collect();
        }
    }

    /// Notes that a bench is about to start. Of one that is only reported, what is known stays.
    pub fn start(&mut self, start: &Start) {
        if self.next != start.index || self.running.as_ref() != Some(&start.id) {
            self.crash = None;
        }
        self.next = start.index;
        self.running = Some(start.id.clone());
    }

    /// Notes that the bench is over, with `kept_bytes` of results kept by now.
    pub fn finish(&mut self, record: &BenchRecord, kept_bytes: u64) {
        self.has_failed |= !matches!(record.status, Status::Measured | Status::Skipped);
        self.next = self.next.saturating_add(1);
        self.running = None;
        self.crash = None;
        self.kept_bytes = kept_bytes;
    }

    /// Notes what the running bench is ended for; whether it is that bench's.
    pub fn crash(&mut self, crash: &Crash) -> bool {
        let is_its = self.running.is_some() && self.running == crash.bench;
        if is_its {
            self.crash = Some(Box::new(crash.clone()));
        }
        is_its
    }

    pub(super) fn step(&self, index: u32, id: &str) -> Step<'_> {
        let is_running = index == self.next && self.running.as_deref() == Some(id);
        if is_running {
            Step::Report(self.crash.as_deref())
        } else if index < self.next || self.quarantined.iter().any(|quarantined| quarantined == id) {
            Step::PassOver
        } else {
            Step::Run
        }
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.has_failed
    }

    pub(super) fn probes(&self) -> &[(String, u64)] {
        &self.probes
    }

    /// How the boot ends if no further start may go on with it.
    pub(super) fn last_crash(&self) -> Crash {
        self.crash.as_deref().cloned().unwrap_or_else(|| Crash {
            cause: String::from("reset"),
            message: String::from("the machine was reset, and the plan allows no more of it"),
            bench: self.running.clone(),
            cpu: 0,
            registers: None,
            backtrace: Vec::new(),
            image_base: 0,
            ticks: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::units::Ticks;

    fn start(index: u32, id: &str) -> Start {
        Start { id: id.to_string(), index, total: 9 }
    }

    fn crash(id: &str) -> Crash {
        Crash {
            cause: "#PF".to_string(),
            message: "read at 0x0".to_string(),
            bench: Some(id.to_string()),
            cpu: 1,
            registers: Some(crate::wire::Registers { rip: 7, ..Default::default() }),
            backtrace: vec![1, u64::MAX],
            image_base: 5,
            ticks: Some(Ticks(11)),
        }
    }

    fn record(id: &str, status: Status) -> BenchRecord {
        BenchRecord::new(id.to_string(), status)
    }

    fn note() -> Note {
        let mut note = Note::new("image".to_string(), "plan".to_string());
        note.begin(&[("env/l1-load", 4_000)]);
        note.start(&start(0, "env/pause"));
        note.finish(&record("env/pause", Status::Measured), 100);
        note.start(&start(1, "fault/spin"));
        note
    }

    fn resumed(note: Note) -> Note {
        note.resumed("image", "plan").expect("it is of this image and plan")
    }

    #[test]
    fn the_bench_that_ran_is_reported_and_the_others_are_run_behind_it() {
        let mut before = note();
        assert!(before.crash(&crash("fault/spin")));
        let after = resumed(Note::decode(&before.encode()).expect("it is whole"));
        let resumes = Resumes { resets: 1, from: 1, quarantined: Some("fault/spin".to_string()) };
        assert_eq!(after.resumes(), resumes);
        assert_eq!(after.step(0, "env/pause"), Step::PassOver);
        assert_eq!(after.step(1, "fault/spin"), Step::Report(Some(&crash("fault/spin"))));
        assert_eq!(after.step(2, "fault/spin"), Step::PassOver, "another round of it");
        assert_eq!(after.step(2, "env/timer-pair"), Step::Run);
        assert_eq!((after.probes(), after.kept_bytes()), (&[("env/l1-load".to_string(), 4_000)][..], 100));
    }

    #[test]
    fn a_start_that_ends_before_it_has_reported_leaves_that_to_the_next_one() {
        let mut before = note();
        assert!(before.crash(&crash("fault/spin")));
        let mut again = resumed(resumed(before));
        assert_eq!(again.resets(), 2);
        again.start(&start(1, "fault/spin"));
        let mut again = resumed(again);
        assert_eq!(again.step(1, "fault/spin"), Step::Report(Some(&crash("fault/spin"))));
        again.start(&start(1, "fault/spin"));
        again.finish(&record("fault/spin", Status::Failed), 200);
        let later = resumed(again);
        assert_eq!(later.resumes(), Resumes { resets: 4, from: 2, quarantined: None });
        assert!(later.has_failed());
        assert_eq!(later.step(2, "env/timer-pair"), Step::Run);
    }

    #[test]
    fn a_crash_of_the_kernel_is_no_crash_of_the_bench() {
        let mut note = note();
        assert!(!note.crash(&Crash { bench: None, ..crash("") }));
        note.finish(&record("fault/spin", Status::Measured), 0);
        assert!(!note.crash(&Crash { bench: None, ..crash("") }));
        assert_eq!(note.last_crash().cause, "reset");
    }

    #[test]
    fn a_note_of_another_image_or_plan_does_not_count() {
        assert_eq!(note().resumed("image", "other"), None);
        assert_eq!(note().resumed("other", "plan"), None);
        let unknown = Note::new(String::new(), "plan".to_string());
        assert_eq!(unknown.resumed("", "plan"), None, "images without a hash cannot be told apart");
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let mut note = note();
        note.crash(&crash("fault/spin"));
        let bytes = note.encode();
        for place in 0..bytes.len() {
            for change in 1..=u8::MAX {
                let mut changed = bytes.clone();
                changed[place] ^= change;
                // Whatever lies behind it in memory.
                changed.extend([0x1e, b'{', b'\n', 0xff]);
                assert_eq!(Note::decode(&changed), None, "byte {place} xor {change:#x}");
            }
        }
    }

    #[test]
    fn a_note_of_another_version_does_not_count() {
        let other = Note { version: VERSION + 1, ..note() };
        assert_eq!(Note::decode(&other.encode()), None);
    }

    proptest! {
        #[test]
        fn a_note_reads_back_whatever_lies_behind_it(
            next in any::<u32>(),
            resets in any::<u32>(),
            ids in prop::collection::vec(".{0,20}", 0..4),
            costs in prop::collection::vec((".{0,20}", any::<u64>()), 0..4),
            behind in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let note = Note {
                next,
                resets,
                running: ids.first().cloned(),
                quarantined: ids,
                probes: costs,
                ..note()
            };
            let mut bytes = note.encode();
            bytes.extend(behind);
            prop_assert_eq!(Note::decode(&bytes), Some(note));
        }

        #[test]
        fn a_note_that_was_cut_does_not_count(length in any::<prop::sample::Index>(), fill in any::<u8>()) {
            let mut bytes = note().encode();
            let length = length.index(bytes.len());
            let end = bytes.len() + 10;
            bytes.truncate(length);
            // The line feed and the check value may be missing, but are not made up by what is filled in.
            prop_assume!(fill != b'\n' || length + 1 < note().encode().len());
            bytes.resize(end, fill);
            prop_assert_eq!(Note::decode(&bytes), None);
        }

        #[test]
        fn noise_is_no_note(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Note::decode(&bytes), None);
        }
    }
}
