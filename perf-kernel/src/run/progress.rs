//! Who watches a boot besides the wire.

use crate::wire::{BenchRecord, EndReason, Start};

/// Who watches a boot besides the wire, as the framebuffer does. Called between benches only.
pub trait Progress {
    /// The clock is calibrated, and the first bench comes next; what the probes cost by then, in thousandths of a tick.
    fn began(&mut self, _probes: &[(&'static str, u64)]) {}

    /// A bench is about to start.
    fn started(&mut self, start: &Start);

    /// A bench has ended, whatever its outcome.
    fn finished(&mut self, record: &BenchRecord);

    /// The host has been sent what came of the bench.
    fn told(&mut self) {}

    /// The plan has run to its end.
    fn ended(&mut self, reason: EndReason);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn started(&mut self, _start: &Start) {}

    fn finished(&mut self, _record: &BenchRecord) {}

    fn ended(&mut self, _reason: EndReason) {}
}
