//! Blocks that are stretches of their own.

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use super::pages::{Pages, UNIT_BYTES};

/// The accounts of large blocks; they themselves are the source's.
pub(super) struct Large {
    live_blocks: AtomicU64,
    allocations_total: AtomicU64,
    live_bytes: AtomicU64,
    unit_bytes: AtomicU64,
}

impl Large {
    pub(super) const fn new() -> Self {
        Self {
            live_blocks: AtomicU64::new(0),
            allocations_total: AtomicU64::new(0),
            live_bytes: AtomicU64::new(0),
            unit_bytes: AtomicU64::new(0),
        }
    }

    /// Forgets all blocks.
    pub(super) fn restart(&self) {
        let counters = [&self.live_blocks, &self.allocations_total, &self.live_bytes, &self.unit_bytes];
        counters.into_iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
    }

    /// A block; `None` if there is no memory for it.
    pub(super) fn allocate(&self, layout: Layout, pages: &impl Pages) -> Option<NonNull<u8>> {
        let bytes = layout.size().checked_next_multiple_of(UNIT_BYTES)?;
        let block = pages.take(bytes, layout.align().max(UNIT_BYTES))?;
        self.live_blocks.fetch_add(1, Ordering::Relaxed);
        self.allocations_total.fetch_add(1, Ordering::Relaxed);
        self.live_bytes.fetch_add(layout.size() as u64, Ordering::Relaxed);
        self.unit_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Some(block)
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It is a live block of this, which is not used any more.
    pub(super) unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout, pages: &impl Pages) {
        let bytes = layout.size().next_multiple_of(UNIT_BYTES);
        // SAFETY: the stretch was taken with this size.
        unsafe { pages.give(block, bytes) };
        self.live_blocks.fetch_sub(1, Ordering::Relaxed);
        self.live_bytes.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        self.unit_bytes.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    /// Changes the size of a block where it lies, and says whether its units are as many as before.
    pub(super) fn resize(&self, old_bytes: usize, bytes: usize) -> bool {
        let is_same = old_bytes.div_ceil(UNIT_BYTES) == bytes.div_ceil(UNIT_BYTES);
        if is_same {
            self.live_bytes.fetch_add((bytes as u64).wrapping_sub(old_bytes as u64), Ordering::Relaxed);
        }
        is_same
    }

    /// Live blocks, allocations since the beginning, bytes in live blocks as they were asked for, and in whole units.
    pub(super) fn usage(&self) -> (u64, u64, u64, u64) {
        let [blocks, total, bytes, units] =
            [&self.live_blocks, &self.allocations_total, &self.live_bytes, &self.unit_bytes]
                .map(|counter| counter.load(Ordering::Relaxed));
        (blocks, total, bytes, units)
    }
}
