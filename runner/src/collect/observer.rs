//! Who watches a boot while it runs.

use perf_kernel::wire::{BenchRecord, Clock, Crash, End, Hello, LogLine, Machine, Refused, Start};

use super::Boot;

/// Hears of everything as it arrives, each record once, for live progress. What arrives late, because it had to be
/// asked for again, is told late.
pub trait Observer {
    /// A boot has begun.
    fn hello(&mut self, _hello: &Hello) {}

    /// What it runs on.
    fn machine(&mut self, _machine: &Machine) {}

    /// How its ticks become time.
    fn clock(&mut self, _clock: &Clock) {}

    /// A bench is about to start.
    fn start(&mut self, _start: &Start) {}

    /// A bench has ended.
    fn bench(&mut self, _bench: &BenchRecord) {}

    /// A line for people from the kernel.
    fn log(&mut self, _line: &LogLine) {}

    /// A line outside frames, from firmware or a kernel in trouble.
    fn text(&mut self, _line: &str) {}

    /// The kernel ended in an exception or a panic.
    fn crash(&mut self, _crash: &Crash) {}

    /// The kernel will not run the plan.
    fn refused(&mut self, _refused: &Refused) {}

    /// The kernel has said its last word.
    fn end(&mut self, _end: &End) {}

    /// The boot is closed: nothing will be added to it.
    fn closed(&mut self, _boot: &Boot) {}
}

/// Watches without a word.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
