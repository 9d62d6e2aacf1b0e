//! The messages of a boot, from `hello` to `end`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::{BenchRecord, Clock, Crash, Interference, Machine};
use crate::units::Ticks;

/// The version of the record types. A reader refuses a higher one.
pub const FORMAT_VERSION: u32 = 1;

/// A record with its place in the boot's sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Counts up by one from 0, the `hello`, without gaps.
    pub seq: u64,
    /// The message.
    #[serde(flatten)]
    pub record: Record,
}

/// One message from the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The first record of every boot.
    Hello(Hello),
    /// What the image runs on.
    Machine(Machine),
    /// How ticks become time.
    Clock(Clock),
    /// A bench is about to start.
    Start(Start),
    /// A bench has ended, whatever its outcome.
    Bench(Box<BenchRecord>),
    /// A time mark: the host notes when it arrives.
    Beacon(Beacon),
    /// What disturbed the boot from its first bench to its last.
    Ledger(Interference),
    /// Text for people.
    Log(LogLine),
    /// The kernel ended in an exception or a panic.
    Crash(Box<Crash>),
    /// The kernel will not run the plan.
    Refused(Refused),
    /// The last record of every boot.
    End(End),
    /// A kind that this reader does not know, sent by a newer kernel.
    #[serde(other)]
    Unknown,
}

impl Record {
    /// The kinds that this reader knows.
    pub const KINDS: [&'static str; 11] =
        ["hello", "machine", "clock", "start", "bench", "beacon", "ledger", "log", "crash", "refused", "end"];

    /// The name of the record's kind, as it stands in `kind` on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Machine(_) => "machine",
            Self::Clock(_) => "clock",
            Self::Start(_) => "start",
            Self::Bench(_) => "bench",
            Self::Beacon(_) => "beacon",
            Self::Ledger(_) => "ledger",
            Self::Log(_) => "log",
            Self::Crash(_) => "crash",
            Self::Refused(_) => "refused",
            Self::End(_) => "end",
            Self::Unknown => "unknown",
        }
    }
}

/// Opens a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`FORMAT_VERSION`] of the sender.
    pub format_version: u32,
    /// The plan's nonce: ties the transcript to the run that asked for it.
    pub nonce: String,
    /// XXH3-128 of the kernel file as it lies in memory (of the executable when hosted), 32 hex digits.
    pub image_hash: String,
    /// XXH3-128 of the plan text without its padding, 32 hex digits.
    pub plan_hash: String,
    /// The version of the perf-kernel package.
    pub version: String,
    /// The compiler that built it, as it names itself; empty from kernels that did not say yet.
    #[serde(default)]
    pub compiler: String,
    /// Benches that the plan selects, `skipped` ones included.
    pub benches_planned: u32,
    /// Counter ticks since the kernel's first instruction (since process start when hosted).
    pub entry_ticks: Ticks,
    /// What this start goes on with; `None` for the first start of a boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<Resumes>,
}

/// The boot that a start after a reset goes on with: same image, same plan, same nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumes {
    /// Resets of the boot so far, the one before this start included.
    pub resets: u32,
    /// Place in the plan's order of the first bench that this start tells of.
    pub from: u32,
    /// The bench at that place, if it ran when the machine was reset: it is reported as failed, and not run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
}

/// Announces a bench, so that a silent hang has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Bench id with its scale.
    pub id: String,
    /// Place in the plan's order, from 0.
    pub index: u32,
    /// Benches in the plan.
    pub total: u32,
}

/// A time mark between benches: host arrival times of beacons are an independent clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beacon {
    /// The counter when the frame was made.
    pub ticks: Ticks,
}

/// Text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// One line without a line feed.
    pub text: String,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Of use when something else went wrong.
    Info,
    /// Figures may be less good than they should be.
    Warning,
}

/// The kernel will not run the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What is wrong, where, and what to do, in one sentence.
    pub reason: String,
}

/// Closes a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Why the boot ended.
    pub reason: EndReason,
    /// What should have arrived.
    pub manifest: Manifest,
}

/// Why a boot ended, as the kernel sees it. The runner adds `hung` and `power_lost` for boots without an `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Every bench of the plan was measured or skipped.
    Done,
    /// Every bench of the plan ran; at least one failed or is invalid.
    FailedBenches,
    /// An exception or a panic; the record before this one tells.
    Crashed,
    /// The plan was not understood; the record before this one tells.
    Refused,
    /// As `Crashed`, and the kernel now resets the machine to go on behind the bench that ran: this is the end of a part
    /// of the boot only.
    Resets,
    /// A reason that this reader does not know.
    #[serde(other)]
    Unknown,
}

/// What a complete transcript holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Records sent before this one, by kind.
    pub records: BTreeMap<String, u64>,
    /// Rolling hash over the frames before this one, 16 hex digits; see [`super::RollingHash`].
    pub rolling_hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_kinds_are_those_that_are_read() {
        // A known kind without its fields is an error, an unknown one is passed over.
        let read = |kind: &str| serde_json::from_value::<Record>(serde_json::json!({ "kind": kind }));
        for kind in Record::KINDS {
            assert!(!matches!(read(kind), Ok(Record::Unknown)), "{kind}");
        }
        assert_eq!(read("weather").ok(), Some(Record::Unknown));
    }
}
