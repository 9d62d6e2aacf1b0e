//! Single frames kept at hand, so that a page costs no walk through the buddy allocator.

use spin::{Mutex, MutexGuard};

use super::frames::Frames;

/// Frames that are kept at most.
const HELD_MAX: usize = 64;
/// Frames that go to or come from the allocator at once.
const BATCH: usize = HELD_MAX / 2;

/// A few free frames in front of a buddy allocator, in the way of the per-CPU page lists of other kernels: the frame
/// that was given back last is taken first, while it may still be in a cache. Those that are kept count as allocated;
/// all go back when it is dropped.
pub struct FrameCache<'a> {
    frames: &'a Mutex<Frames>,
    held: Mutex<Held>,
}

struct Held {
    addresses: [u64; HELD_MAX],
    length: usize,
}

/// The right to take and give frames, for as long as it is kept.
pub struct FrameHand<'a> {
    frames: &'a Mutex<Frames>,
    held: MutexGuard<'a, Held>,
}

impl<'a> FrameCache<'a> {
    /// A cache that keeps nothing yet.
    #[must_use]
    pub const fn new(frames: &'a Mutex<Frames>) -> Self {
        Self { frames, held: Mutex::new(Held { addresses: [0; HELD_MAX], length: 0 }) }
    }

    /// Waits for the right to take and give frames.
    #[inline]
    pub fn lock(&self) -> FrameHand<'_> {
        FrameHand { frames: self.frames, held: self.held.lock() }
    }
}

impl FrameHand<'_> {
    /// The physical address of a frame, whatever it holds; `None` if there is no free one.
    #[inline]
    pub fn take(&mut self) -> Option<u64> {
        if self.held.length == 0 {
            self.refill();
        }
        let length = self.held.length.checked_sub(1)?;
        self.held.length = length;
        self.held.addresses.get(length).copied()
    }

    /// Gives back the frame at `address`, which [`Self::take`] has returned.
    #[inline]
    pub fn give(&mut self, address: u64) {
        if self.held.length == HELD_MAX {
            self.drain(HELD_MAX - BATCH);
        }
        let length = self.held.length;
        if let Some(place) = self.held.addresses.get_mut(length) {
            *place = address;
            self.held.length = length + 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        let mut frames = self.frames.lock();
        let taken = core::iter::from_fn(|| frames.allocate(0).ok()).take(BATCH);
        let mut length = 0;
        for (place, frame) in self.held.addresses.iter_mut().zip(taken) {
            *place = frame.address;
            length += 1;
        }
        // The lowest frame is taken first.
        self.held.addresses[..length].reverse();
        self.held.length = length;
    }

    /// Gives frames back to the allocator until `keep` are left.
    #[cold]
    #[inline(never)]
    fn drain(&mut self, keep: usize) {
        let mut frames = self.frames.lock();
        let length = self.held.length;
        for address in self.held.addresses.get(keep..length).unwrap_or_default() {
            let released = frames.release_at(*address, 0);
            debug_assert!(released.is_ok(), "a frame was given back that was not taken: {released:?}");
        }
        self.held.length = length.min(keep);
    }
}

impl Drop for FrameCache<'_> {
    fn drop(&mut self) {
        self.lock().drain(0);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::memory::FRAME_BYTES;

    const FIRST: u64 = 1 << 20;

    fn frames(count: u64) -> Mutex<Frames> {
        let range = FIRST..FIRST + count * FRAME_BYTES;
        Mutex::new(Frames::new(&[range]).expect("memory for the tables"))
    }

    #[test]
    fn every_frame_is_given_once_and_all_go_back() {
        let frames = frames(200);
        let before = frames.lock().usage();
        let cache = FrameCache::new(&frames);
        let mut hand = cache.lock();
        let mut taken: Vec<u64> = core::iter::from_fn(|| hand.take()).collect();
        assert_eq!(taken.len(), 200);
        taken.iter().for_each(|address| hand.give(*address));
        drop(hand);
        drop(cache);
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 200);
        assert_eq!(frames.lock().usage(), before);
    }

    #[test]
    fn the_frame_given_back_last_is_taken_first() {
        let frames = frames(8);
        let cache = FrameCache::new(&frames);
        let mut hand = cache.lock();
        assert_eq!(hand.take(), Some(FIRST));
        let second = hand.take().expect("there are eight");
        hand.give(FIRST);
        hand.give(second);
        assert_eq!(hand.take(), Some(second));
    }

    #[test]
    fn no_more_than_a_few_are_kept() {
        let frames = frames(300);
        let cache = FrameCache::new(&frames);
        let mut hand = cache.lock();
        let taken: Vec<u64> = core::iter::from_fn(|| hand.take()).collect();
        taken.iter().for_each(|address| hand.give(*address));
        assert!(frames.lock().usage().free_frames >= 300 - HELD_MAX as u64);
    }
}
