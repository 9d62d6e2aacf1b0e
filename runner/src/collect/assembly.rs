//! A boot under construction: frames in any order, sorted when the boot is closed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use perf_kernel::units::{Nanoseconds, Ticks};
use perf_kernel::wire::{End, EndReason, Frame, Hello, Level, LogLine, Manifest, Record, RollingHash};

use super::classify::{HowClosed, classify};
use super::{Boot, BootEnd, Damage, HostBeacon};

/// Most frames that may be missing. A frame further ahead than that is not believed, so that no sequence number makes
/// a collector set memory aside.
const MISSING_MAX: u64 = 1 << 20;

/// What came of one boot so far.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    frames: BTreeMap<u64, Arrived>,
    /// Numbers below the highest that have not arrived: first to last.
    gaps: BTreeMap<u64, u64>,
    log: Vec<LogLine>,
    beacons: Vec<HostBeacon>,
    frames_damaged: u64,
    frames_repeated: u64,
    /// Repeated frames since the last new one: should they turn out to be the beginning of another boot, they are its.
    rewound: Vec<u64>,
    end_seq: Option<u64>,
    /// Host time of the boot's first byte.
    began: Duration,
}

#[derive(Clone, Debug)]
struct Arrived {
    digest: u64,
    record: Record,
}

/// What a frame is to a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The next one, or further ahead.
    Ahead,
    /// One that was missing.
    InGap,
    /// One that is there.
    Repeated,
    /// The place is taken by another frame: this one belongs to another boot.
    Taken,
    /// So far ahead that it cannot be.
    Implausible,
}

impl Assembly {
    /// A boot whose first byte arrives at host time `began`.
    pub(super) fn new(began: Duration) -> Self {
        Self { began, ..Self::default() }
    }

    /// Where frame `seq` with `digest` belongs.
    pub(super) fn place(&self, seq: u64, digest: u64) -> Place {
        let arrived = self.frames.len() as u64;
        match self.frames.get(&seq) {
            Some(frame) if frame.digest == digest => Place::Repeated,
            Some(_) => Place::Taken,
            None if seq < self.next_seq() => Place::InGap,
            None if seq - arrived > MISSING_MAX => Place::Implausible,
            None => Place::Ahead,
        }
    }

    /// Takes a frame whose place is [`Place::Ahead`] or [`Place::InGap`].
    pub(super) fn insert(&mut self, frame: Frame, digest: u64) {
        let Frame { seq, record } = frame;
        let next = self.next_seq();
        if seq >= next {
            self.rewound.clear();
            if seq > next {
                self.gaps.insert(next, seq - 1);
            }
        } else {
            self.close_gap(seq);
        }
        match &record {
            Record::Log(line) => self.log.push(line.clone()),
            Record::End(_) => self.end_seq = self.end_seq.max(Some(seq)),
            _ => {}
        }
        self.frames.insert(seq, Arrived { digest, record });
    }

    /// Notes when a time mark arrived. One that had to be asked for again says nothing about time.
    pub(super) fn note_beacon(&mut self, ticks: Ticks, now: Duration) {
        let since_began = now.saturating_sub(self.began).as_nanos();
        let arrival = Nanoseconds(u64::try_from(since_began).unwrap_or(u64::MAX));
        self.beacons.push(HostBeacon { ticks, arrival });
    }

    /// Notes a frame that came again.
    pub(super) fn note_repeated(&mut self, seq: u64) {
        self.frames_repeated += 1;
        self.rewound.push(seq);
    }

    /// Notes bytes that began as a frame and are none, or a frame that cannot be.
    pub(super) fn note_damaged(&mut self) {
        self.frames_damaged += 1;
    }

    /// Keeps a line from outside frames.
    pub(super) fn note_text(&mut self, text: String) {
        self.log.push(LogLine { level: Level::Info, text });
    }

    /// Another boot that begins at host time `now`, with the frames that seemed to be repeats.
    pub(super) fn split(&mut self, now: Duration) -> Self {
        let mut other = Self::new(now);
        for seq in std::mem::take(&mut self.rewound) {
            let Some(arrived) = self.frames.get(&seq).cloned() else { continue };
            self.frames_repeated -= 1;
            if matches!(other.place(seq, arrived.digest), Place::Ahead | Place::InGap) {
                other.insert(Frame { seq, record: arrived.record }, arrived.digest);
            }
        }
        other
    }

    /// The numbers that have not arrived, in ascending order.
    pub(super) fn gaps(&self) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        self.gaps.iter().map(|(from, to)| *from..=*to)
    }

    /// Whether an `end` has arrived.
    pub(super) const fn has_ended(&self) -> bool {
        self.end_seq.is_some()
    }

    /// Whether the `end` is that of a part: the machine is being reset.
    pub(super) fn has_reset(&self) -> bool {
        self.end().is_some_and(|(_, end)| end.reason == EndReason::Resets)
    }

    /// The first record.
    pub(super) fn hello(&self) -> Option<&Hello> {
        match &self.frames.get(&0)?.record {
            Record::Hello(hello) => Some(hello),
            _ => None,
        }
    }

    /// Whether nothing at all has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.log.is_empty() && self.frames_damaged == 0
    }

    /// The records that have arrived, in the order in which they were sent.
    pub(super) fn records(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.frames.values().map(|arrived| &arrived.record)
    }

    /// Text for people, in the order of arrival.
    pub(super) fn log(&self) -> &[LogLine] {
        &self.log
    }

    /// What the line did so far.
    pub(super) fn damage(&self) -> Damage {
        Damage {
            frames_damaged: self.frames_damaged,
            frames_repeated: self.frames_repeated,
            frames_missing: self.gaps().flatten().collect(),
            is_manifest_kept: self.end().map(|(seq, end)| self.keeps(seq, &end.manifest)),
        }
    }

    /// The boot as it is when nothing more comes.
    pub(super) fn close(self, how: &HowClosed) -> Boot {
        let mut boot = Boot::new(BootEnd::PowerLost);
        boot.damage = self.damage();
        (boot.log, boot.beacons) = (self.log, self.beacons);
        let mut end = None;
        let mut refused = None;
        for arrived in self.frames.into_values() {
            match arrived.record {
                Record::Hello(hello) => boot.hello = Some(hello),
                Record::Machine(machine) => boot.machine = Some(machine),
                Record::Clock(clock) => boot.clock = Some(clock),
                Record::Start(start) => boot.bench_running = Some(start.id),
                Record::Bench(bench) => {
                    boot.bench_running.take_if(|id| *id == bench.id);
                    boot.benches.push(*bench);
                }
                Record::Ledger(ledger) => boot.ledger = Some(ledger),
                Record::Crash(crash) => boot.crash = Some(*crash),
                Record::Refused(record) => refused = Some(record),
                Record::End(record) => end = Some(record.reason),
                Record::Beacon(_) | Record::Log(_) | Record::Unknown => {}
            }
        }
        (boot.end, boot.end_detail) = classify(&boot, end, refused.as_ref(), how);
        boot
    }

    fn next_seq(&self) -> u64 {
        self.frames.last_key_value().map_or(0, |(seq, _)| seq.saturating_add(1))
    }

    fn close_gap(&mut self, seq: u64) {
        let Some((from, to)) = self.gaps.range(..=seq).next_back().map(|(from, to)| (*from, *to)) else {
            return;
        };
        self.gaps.remove(&from);
        if from < seq {
            self.gaps.insert(from, seq - 1);
        }
        if seq < to {
            self.gaps.insert(seq + 1, to);
        }
    }

    fn end(&self) -> Option<(u64, &End)> {
        let seq = self.end_seq?;
        match &self.frames.get(&seq)?.record {
            Record::End(end) => Some((seq, end)),
            _ => None,
        }
    }

    /// Whether the frames before `end_seq` are those that `manifest` lists.
    fn keeps(&self, end_seq: u64, manifest: &Manifest) -> bool {
        if self.gaps.keys().next().is_some_and(|gap| *gap < end_seq) {
            return false;
        }
        let mut hash = RollingHash::new();
        let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
        for arrived in self.frames.range(..end_seq).map(|(_, arrived)| arrived) {
            hash.update(arrived.digest);
            *counted.entry(arrived.record.kind()).or_default() += 1;
        }
        // Kinds that only a newer kernel knows have names in its manifest, and none here.
        let unknown = counted.remove(Record::Unknown.kind()).unwrap_or(0);
        let listed_unknown: u64 = manifest
            .records
            .iter()
            .filter(|(kind, _)| !Record::KINDS.contains(&kind.as_str()))
            .fold(0, |sum, (_, count)| sum.saturating_add(*count));
        let are_counts_kept = Record::KINDS.iter().all(|kind| {
            let listed = manifest.records.get(*kind).copied().unwrap_or(0);
            listed == counted.get(kind).copied().unwrap_or(0)
        });
        are_counts_kept && listed_unknown == unknown && hash.to_hex() == manifest.rolling_hash
    }
}
