//! Blocks of any global allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

use super::block::{Block, RawHeap};
use super::heap::OutOfMemory;

/// A global allocator, known only by that, as a heap of [`Block`]s.
#[derive(Clone, Copy)]
pub struct AnyHeap(pub &'static (dyn GlobalAlloc + Sync));

impl AnyHeap {
    /// A block whose bytes are not written yet. A block of no bytes takes no memory.
    ///
    /// # Errors
    /// The allocator has no memory for it.
    #[inline]
    pub fn allocate(&self, layout: Layout) -> Result<Block<'_, Self>, OutOfMemory> {
        Block::allocate(self, layout)
    }
}

// SAFETY: the contract of `GlobalAlloc` is that of a heap.
unsafe impl RawHeap for AnyHeap {
    #[inline]
    unsafe fn allocate_raw(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a size.
        NonNull::new(unsafe { self.0.alloc(layout) })
    }

    #[inline]
    unsafe fn deallocate_raw(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller guarantees a live block with this layout.
        unsafe { self.0.dealloc(start.as_ptr(), layout) };
    }

    unsafe fn reallocate_raw(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a live block, the same alignment, and a new size above zero.
        NonNull::new(unsafe { self.0.realloc(start.as_ptr(), old, new.size()) })
    }
}
