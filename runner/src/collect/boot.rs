//! Everything that one boot told.

use perf_kernel::units::{Nanoseconds, Ticks};
use perf_kernel::wire::{BenchRecord, Clock, Crash, Hello, Interference, LogLine, Machine};
use serde::{Deserialize, Serialize};

/// Everything that one boot told.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    /// How it ended.
    pub end: BootEnd,
    /// More about the end, for people; may be empty.
    pub end_detail: String,
    /// The first record.
    pub hello: Option<Hello>,
    /// What it ran on.
    pub machine: Option<Machine>,
    /// How its ticks become time.
    pub clock: Option<Clock>,
    /// One record a bench, in the order they ran.
    pub benches: Vec<BenchRecord>,
    /// The bench that had started when the boot ended.
    pub bench_running: Option<String>,
    /// What disturbed the boot as a whole.
    pub ledger: Option<Interference>,
    /// The exception or panic that ended it.
    pub crash: Option<Crash>,
    /// Text for people, from frames and from outside frames.
    pub log: Vec<LogLine>,
    /// Time marks with their arrival.
    pub beacons: Vec<HostBeacon>,
    /// What the line did to the transcript.
    pub damage: Damage,
}

impl Boot {
    /// A boot of which nothing is known but its end.
    #[must_use]
    pub fn new(end: BootEnd) -> Self {
        Self {
            end,
            end_detail: String::new(),
            hello: None,
            machine: None,
            clock: None,
            benches: Vec::new(),
            bench_running: None,
            ledger: None,
            crash: None,
            log: Vec::new(),
            beacons: Vec::new(),
            damage: Damage::default(),
        }
    }
}

/// How a boot ended: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BootEnd {
    /// Every bench of the plan was measured or skipped, and everything arrived.
    Done,
    /// The plan ran to its end; at least one bench failed or is invalid, or a record of it never arrived.
    FailedBenches,
    /// An exception or a panic.
    Crashed,
    /// No frame within the deadline while the machine was on.
    Hung,
    /// The bytes ended without an `end`.
    PowerLost,
    /// The kernel did not understand the plan.
    Refused,
    /// The user stopped the run.
    Interrupted,
}

/// A time mark with its arrival at the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostBeacon {
    /// The kernel's counter when the frame was made.
    pub ticks: Ticks,
    /// Host time since the boot's first byte, on a monotonic clock.
    pub arrival: Nanoseconds,
}

/// What the line did to the transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Frames whose check value was wrong.
    pub frames_damaged: u64,
    /// Frames that came more than once.
    pub frames_repeated: u64,
    /// Sequence numbers that never arrived.
    pub frames_missing: Vec<u64>,
    /// Whether the manifest of `end` agrees with what arrived; `None` without an `end`.
    pub is_manifest_kept: Option<bool>,
}
