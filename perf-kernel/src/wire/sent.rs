//! Frames that the host may ask for again.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::units::Bytes;

/// The latest sent frames within a budget of bytes, by sequence number.
pub(super) struct SentFrames {
    frames: VecDeque<Box<[u8]>>,
    start: u64,
    bytes: usize,
    bytes_max: usize,
}

impl SentFrames {
    /// Nothing sent yet; `kept` is the budget.
    pub(super) fn new(kept: Bytes) -> Self {
        let bytes_max = usize::try_from(kept.0).unwrap_or(usize::MAX);
        Self { frames: VecDeque::new(), start: 0, bytes: 0, bytes_max }
    }

    /// Takes the next frame and drops the oldest beyond the budget. The newest is kept whatever its length.
    pub(super) fn push(&mut self, frame: Box<[u8]>) -> &[u8] {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        while self.bytes > self.bytes_max && self.frames.len() > 1 {
            let dropped = self.frames.pop_front().map_or(0, |frame| frame.len());
            self.bytes -= dropped;
            self.start += 1;
        }
        self.frames.back().map_or(&[], |frame| frame)
    }

    /// The frame with number `seq`, if it is kept.
    pub(super) fn get(&self, seq: u64) -> Option<&[u8]> {
        let place = usize::try_from(seq.checked_sub(self.start)?).ok()?;
        self.frames.get(place).map(|frame| &**frame)
    }

    /// The lowest number that is kept.
    pub(super) const fn start(&self) -> u64 {
        self.start
    }

    /// The number after the highest that was pushed.
    pub(super) fn end(&self) -> u64 {
        self.start + self.frames.len() as u64
    }
}
