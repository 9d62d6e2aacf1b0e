//! The state machine between bytes and boots.

use std::time::Duration;

use perf_kernel::wire::{
    Command, Decoder, Event, FORMAT_VERSION, Frame, FrameError, Hello, LogLine, Record, RollingHash,
    checked_json,
};

use super::assembly::{Assembly, Place};
use super::classify::HowClosed;
use super::requests::Requests;
use super::{Boot, CollectCause, Damage, Observer, parts};

/// What the `hello` of every boot must say; a field that is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The nonce of this run's plan.
    pub nonce: Option<String>,
    /// The hash of this run's plan.
    pub plan_hash: Option<String>,
    /// The hash of the kernel in the image that was booted.
    pub image_hash: Option<String>,
}

/// Whether the arrival of bytes tells when they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// They are read as they are sent.
    Live,
    /// They were kept before.
    Replayed,
}

/// Builds boots from the bytes of a transcript, and knows what to ask the kernel for.
///
/// It knows neither source nor clock: host times are given to it, and only their differences count.
pub struct Collector {
    expected: Expected,
    timing: Timing,
    decoder: Decoder,
    assembly: Assembly,
    requests: Requests,
    boots: Vec<Boot>,
    last_progress: Duration,
    /// Starts of the machine before the present one.
    starts: u32,
    /// Why the host has reset the machine, whose next start is waited for.
    reset: Option<HowClosed>,
}

/// What the decoder found, with the digest of its bytes.
struct Found {
    event: Event,
    digest: u64,
    newer_format: Option<u32>,
}

impl Collector {
    /// A collector for a transcript whose first byte is expected from host time `now` on.
    #[must_use]
    pub fn new(expected: Expected, timing: Timing, now: Duration) -> Self {
        Self {
            expected,
            timing,
            decoder: Decoder::new(),
            assembly: Assembly::new(now),
            requests: Requests::default(),
            boots: Vec::new(),
            last_progress: now,
            starts: 0,
            reset: None,
        }
    }

    /// Takes bytes that arrived at host time `now`.
    ///
    /// # Errors
    /// Refuses records of a newer format and of another run. Everything before them is kept.
    pub fn push(
        &mut self,
        bytes: &[u8],
        now: Duration,
        observer: &mut dyn Observer,
    ) -> Result<(), CollectCause> {
        let mut found = Vec::new();
        self.decoder.push_each(bytes, |event, body| {
            let digest = RollingHash::digest(body);
            let newer_format = newer_format(&event, body);
            found.push(Found { event, digest, newer_format });
        });
        found.into_iter().try_for_each(|found| self.take(found, now, observer))
    }

    /// The command that the kernel should be sent at host time `now`, if any.
    #[must_use]
    pub fn request(&mut self, now: Duration) -> Option<Command> {
        self.requests.next(self.assembly.gaps(), self.assembly.has_ended(), now)
    }

    /// Whether the present boot has ended and every frame of it has arrived.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.has_ended() && self.assembly.gaps().next().is_none()
    }

    /// Whether an `end` of the present boot has arrived.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.assembly.has_ended()
    }

    /// Whether what has ended is a part of the present boot only: the kernel resets the machine, and goes on.
    #[must_use]
    pub fn will_go_on(&self) -> bool {
        self.assembly.has_reset()
    }

    /// Resets of the present boot so far; `None` before its `hello`.
    #[must_use]
    pub fn resets(&self) -> Option<u32> {
        self.assembly.hello().map(parts::resets)
    }

    /// Starts of the machine before the present one.
    pub(super) const fn starts(&self) -> u32 {
        self.starts
    }

    /// Notes that the host has reset the machine at host time `now`, as `how` says.
    pub(super) fn note_reset(&mut self, how: HowClosed, now: Duration) {
        self.reset = Some(how);
        self.last_progress = now;
    }

    /// Whether asking for the frames that are missing has been of no use.
    #[must_use]
    pub fn is_asking_exhausted(&self) -> bool {
        self.requests.are_exhausted(self.assembly.gaps())
    }

    /// Host time of the last frame that was new.
    #[must_use]
    pub const fn last_progress(&self) -> Duration {
        self.last_progress
    }

    /// The boots that are closed, because the machine started again.
    #[must_use]
    pub fn closed(&self) -> &[Boot] {
        &self.boots
    }

    /// The records of the present boot that have arrived, in the order in which they were sent.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.assembly.records()
    }

    /// Text of the present boot for people, in the order of arrival.
    #[must_use]
    pub fn log(&self) -> &[LogLine] {
        self.assembly.log()
    }

    /// What the line did to the present boot so far.
    #[must_use]
    pub fn damage(&self) -> Damage {
        self.assembly.damage()
    }

    /// Every boot of the transcript, at least one; the last one is closed as `how` says.
    pub(super) fn finish(mut self, how: &HowClosed, observer: &mut dyn Observer) -> Vec<Boot> {
        for event in self.decoder.finish() {
            match event {
                Event::Text(text) => self.take_text(text, observer),
                // `finish` completes no frame: it lacks its line feed.
                Event::Damaged(_) | Event::Frame(_) => self.assembly.note_damaged(),
            }
        }
        if self.boots.is_empty() || !self.assembly.is_empty() {
            add(&mut self.boots, self.assembly.close(how));
            self.boots.iter().next_back().into_iter().for_each(|boot| observer.closed(boot));
        }
        self.boots
    }

    fn take(&mut self, found: Found, now: Duration, observer: &mut dyn Observer) -> Result<(), CollectCause> {
        if let Some(version) = found.newer_format {
            return Err(CollectCause::NewerFormat { found: version, known: FORMAT_VERSION });
        }
        match found.event {
            Event::Frame(frame) => self.take_frame(*frame, found.digest, now, observer)?,
            Event::Damaged(_) => self.assembly.note_damaged(),
            Event::Text(text) => self.take_text(text, observer),
        }
        Ok(())
    }

    fn take_text(&mut self, text: String, observer: &mut dyn Observer) {
        observer.text(&text);
        self.assembly.note_text(text);
    }

    fn take_frame(
        &mut self,
        frame: Frame,
        digest: u64,
        now: Duration,
        observer: &mut dyn Observer,
    ) -> Result<(), CollectCause> {
        // Number 0 is the `hello` and no other frame is.
        if (frame.seq == 0) != matches!(frame.record, Record::Hello(_)) {
            self.assembly.note_damaged();
            return Ok(());
        }
        if let Record::Hello(hello) = &frame.record {
            self.expected.check(hello)?;
        }
        let mut place = self.assembly.place(frame.seq, digest);
        if place == Place::Taken {
            let is_part = matches!(&frame.record, Record::Hello(hello) if hello.resumes.is_some());
            self.begin_another(now, is_part, observer);
            place = self.assembly.place(frame.seq, digest);
        }
        match place {
            Place::Ahead | Place::InGap => {
                self.tell(&frame.record, place, now, observer);
                self.assembly.insert(frame, digest);
                self.last_progress = now;
            }
            Place::Repeated => self.assembly.note_repeated(frame.seq),
            // After `begin_another` a place can be taken only by one of two frames that contradict each other.
            Place::Taken | Place::Implausible => self.assembly.note_damaged(),
        }
        Ok(())
    }

    /// Closes the present boot, or a part of it: the machine has started again. No kernel sends two frames with one number,
    /// and the check value keeps the line from making one.
    fn begin_another(&mut self, now: Duration, is_part: bool, observer: &mut dyn Observer) {
        let next = self.assembly.split(now);
        let how = self.reset.take().unwrap_or(HowClosed::NextBoot);
        add(&mut self.boots, std::mem::replace(&mut self.assembly, next).close(&how));
        if let Some(boot) = self.boots.last().filter(|_| !is_part) {
            observer.closed(boot);
        }
        self.requests = Requests::default();
        self.starts += 1;
    }

    fn tell(&mut self, record: &Record, place: Place, now: Duration, observer: &mut dyn Observer) {
        match record {
            Record::Hello(hello) => observer.hello(hello),
            Record::Machine(machine) => observer.machine(machine),
            Record::Clock(clock) => observer.clock(clock),
            Record::Start(start) => observer.start(start),
            Record::Bench(bench) => observer.bench(bench),
            Record::Log(line) => observer.log(line),
            Record::Crash(crash) => observer.crash(crash),
            Record::Refused(refused) => observer.refused(refused),
            Record::End(end) => observer.end(end),
            Record::Beacon(beacon) => {
                if place == Place::Ahead && self.timing == Timing::Live {
                    self.assembly.note_beacon(beacon.ticks, now);
                }
            }
            Record::Ledger(_) | Record::Unknown => {}
        }
    }
}

/// Adds `boot` to those before it, or to the last of them if it goes on with that.
fn add(boots: &mut Vec<Boot>, boot: Boot) {
    let goes_on = |hello| boots.last().is_some_and(|last| parts::goes_on_with(last, hello));
    if !boot.hello.as_ref().is_some_and(goes_on) {
        boots.push(boot);
    } else if let Some(last) = boots.pop() {
        boots.push(parts::join(last, boot));
    }
}

impl Expected {
    fn check(&self, hello: &Hello) -> Result<(), CollectCause> {
        if hello.format_version > FORMAT_VERSION {
            return Err(CollectCause::NewerFormat { found: hello.format_version, known: FORMAT_VERSION });
        }
        let fields = [
            ("nonce", &self.nonce, &hello.nonce),
            ("plan hash", &self.plan_hash, &hello.plan_hash),
            ("image hash", &self.image_hash, &hello.image_hash),
        ];
        for (what, expected, found) in fields {
            if let Some(expected) = expected.as_ref().filter(|expected| *expected != found) {
                let (expected, found) = (expected.clone(), found.clone());
                return Err(CollectCause::OtherRun { what, expected, found });
            }
        }
        Ok(())
    }
}

/// The format version of a `hello` that this program cannot even read, if it is newer than the one it knows.
fn newer_format(event: &Event, body: &[u8]) -> Option<u32> {
    let Event::Damaged(FrameError::Syntax(_)) = event else { return None };
    let value: serde_json::Value = serde_json::from_slice(checked_json(body).ok()?).ok()?;
    let version = u32::try_from(value.get("format_version")?.as_u64()?).ok()?;
    (value.get("kind")? == "hello" && version > FORMAT_VERSION).then_some(version)
}
