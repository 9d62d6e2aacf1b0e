//! Memory for when nothing else can be relied on.

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Memory handed out front to back; only the newest block can be had again.
pub(super) struct Arena<const BYTES: usize> {
    memory: UnsafeCell<[u8; BYTES]>,
    used: AtomicUsize,
}

// SAFETY: every byte is handed out to one owner at a time.
unsafe impl<const BYTES: usize> Sync for Arena<BYTES> {}

impl<const BYTES: usize> Arena<BYTES> {
    /// An arena with nothing handed out.
    pub(super) const fn new() -> Self {
        Self { memory: UnsafeCell::new([0; BYTES]), used: AtomicUsize::new(0) }
    }

    /// A block that nobody else has; `None` if too little is left.
    pub(super) fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        let memory = self.memory.get().cast::<u8>();
        let place = |used: usize| {
            let start = memory.addr().checked_add(used)?.checked_next_multiple_of(layout.align())?;
            let start = start - memory.addr();
            let end = start.checked_add(layout.size())?;
            (end <= BYTES).then_some((start, end))
        };
        let next = |used| place(used).map(|(_, end)| end);
        let used = self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok()?;
        let (start, _) = place(used)?;
        NonNull::new(memory.wrapping_add(start))
    }

    /// Takes `block` back if it is the newest.
    pub(super) fn free(&self, block: *mut u8, layout: Layout) {
        let Some(start) = block.addr().checked_sub(self.memory.get().addr()) else { return };
        let end = start.saturating_add(layout.size());
        // Any other block, be it one of the heap, stays where it is.
        let _ = self.used.compare_exchange(end, start, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use core::ptr::null_mut;

    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).expect("a layout")
    }

    #[test]
    fn blocks_are_aligned_and_do_not_overlap() {
        let arena = Arena::<256>::new();
        let first = arena.allocate(layout(3, 1)).expect("there is room").addr().get();
        let second = arena.allocate(layout(16, 16)).expect("there is room").addr().get();
        assert!(second >= first + 3);
        assert_eq!(second % 16, 0);
    }

    #[test]
    fn a_full_arena_refuses() {
        let arena = Arena::<64>::new();
        assert!(arena.allocate(layout(60, 1)).is_some());
        assert!(arena.allocate(layout(5, 1)).is_none());
        assert!(arena.allocate(layout(usize::MAX / 2, 1)).is_none());
        assert!(arena.allocate(layout(4, 1)).is_some());
    }

    #[test]
    fn only_the_newest_block_can_be_had_again() {
        let arena = Arena::<64>::new();
        let first = arena.allocate(layout(8, 1)).expect("there is room");
        let second = arena.allocate(layout(8, 1)).expect("there is room");
        arena.free(first.as_ptr(), layout(8, 1));
        assert!(arena.allocate(layout(56, 1)).is_none());
        arena.free(second.as_ptr(), layout(8, 1));
        assert_eq!(arena.allocate(layout(8, 1)), Some(second));
        arena.free(null_mut(), layout(8, 1));
    }
}
