//! What the kernel and the runner say to each other: records, and the frames that carry them.
//!
//! `docs/WIRE.md` describes the format for readers in other languages. The types here are its only definition.

mod bench;
mod command;
mod crash;
mod decoder;
mod frame;
mod machine;
#[cfg(test)]
mod properties;
mod record;
mod samples;
mod sender;
mod sent;
#[cfg(test)]
mod tests;

pub use bench::{
    BenchRecord, CheckOutcome, ErrorCount, Figure, Interference, MemoryUse, PmuCounts, PmuEmptySample,
    PmuPass, Probe, Side, Status, SystemUse, ValidityCheck, WarmUp,
};
pub use command::Command;
pub use crash::{Crash, Registers};
pub use decoder::{Decoder, Event, TEXT_LENGTH_MAX};
pub use frame::{FRAME_LENGTH_MAX, FrameError, RollingHash, checked_json, decode_frame, encode_frame};
pub use machine::{CacheLevel, Clock, ClockSource, Console, Cpu, Firmware, Machine, Mode};
pub use record::{
    Beacon, End, EndReason, FORMAT_VERSION, Frame, Hello, Level, LogLine, Manifest, Record, Refused, Resumes,
    Start,
};
pub use samples::{ColdFigures, Histogram, Interruption, SampleSummary, SlowSample, Windows};
pub use sender::{KEPT_BYTES_DEFAULT, Link, LinkError, NoLink, RESEND_FRAMES_MAX, Sender};
