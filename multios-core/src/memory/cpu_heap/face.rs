//! Faces of the heap: global allocator, blocks, and accounts of subsystems.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};

use super::accounts::Tag;
use super::check::Checks;
use super::heap::CpuHeap;
use super::local::CurrentCpu;
use super::pages::Pages;
use crate::memory::block::{Block, RawHeap};
use crate::memory::heap::OutOfMemory;

/// A heap in the name of a subsystem: what is allocated here is booked under its tag. A block goes back by the account that
/// it came from.
pub struct Account<'heap, P: Pages, L: CurrentCpu, C: Checks> {
    heap: &'heap CpuHeap<P, L, C>,
    tag: Tag,
}

impl<P: Pages, L: CurrentCpu, C: Checks> CpuHeap<P, L, C> {
    /// A block whose bytes are not written yet. A block of no bytes takes no memory.
    ///
    /// # Errors
    /// There is no memory for it.
    #[inline]
    pub fn allocate(&self, layout: Layout) -> Result<Block<'_, Self>, OutOfMemory> {
        Block::allocate(self, layout)
    }

    /// A block of zeros.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn allocate_zeroed(&self, layout: Layout) -> Result<Block<'_, Self>, OutOfMemory> {
        let mut block = self.allocate(layout)?;
        block.fill_spare(0);
        Ok(block)
    }

    /// The heap in the name of a subsystem.
    pub const fn account(&self, tag: Tag) -> Account<'_, P, L, C> {
        Account { heap: self, tag }
    }
}

impl<P: Pages, L: CurrentCpu, C: Checks> Account<'_, P, L, C> {
    /// A block whose bytes are not written yet. A block of no bytes takes no memory.
    ///
    /// # Errors
    /// There is no memory for it.
    #[inline]
    pub fn allocate(&self, layout: Layout) -> Result<Block<'_, Self>, OutOfMemory> {
        Block::allocate(self, layout)
    }
}

// SAFETY: magazines, spans, `talc` and the source give memory to one owner at a time, aligned and as long as the layout asks.
unsafe impl<P: Pages, L: CurrentCpu, C: Checks> RawHeap for CpuHeap<P, L, C> {
    #[inline]
    unsafe fn allocate_raw(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a size.
        unsafe { self.allocate_for(layout, None) }
    }

    #[inline]
    unsafe fn deallocate_raw(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller guarantees a live block, which was allocated without a tag.
        unsafe { self.deallocate_for(start, layout, None) };
    }

    unsafe fn reallocate_raw(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a live block, which was allocated without a tag, and a new size.
        unsafe { self.reallocate_for(start, old, new, None) }
    }
}

// SAFETY: as above.
unsafe impl<P: Pages, L: CurrentCpu, C: Checks> RawHeap for Account<'_, P, L, C> {
    #[inline]
    unsafe fn allocate_raw(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a size.
        unsafe { self.heap.allocate_for(layout, Some(self.tag)) }
    }

    #[inline]
    unsafe fn deallocate_raw(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller guarantees a live block of this account.
        unsafe { self.heap.deallocate_for(start, layout, Some(self.tag)) };
    }

    unsafe fn reallocate_raw(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a live block of this account and a new size.
        unsafe { self.heap.reallocate_for(start, old, new, Some(self.tag)) }
    }
}

// SAFETY: as for `RawHeap`; nothing here unwinds unless a report of a fault does.
unsafe impl<P: Pages, L: CurrentCpu, C: Checks> GlobalAlloc for CpuHeap<P, L, C> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the contract of `alloc` guarantees a size.
        unsafe { self.allocate_raw(layout) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the contract of `dealloc` guarantees a live block, which never lies at null.
        let start = unsafe { NonNull::new_unchecked(start) };
        // SAFETY: the contract of `dealloc` guarantees a live block with this layout.
        unsafe { self.deallocate_raw(start, layout) };
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the contract of `realloc` guarantees a live block, which never lies at null.
        let start = unsafe { NonNull::new_unchecked(start) };
        // SAFETY: the contract of `realloc` guarantees that `bytes` does not overflow when rounded up to the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(bytes, layout.align()) };
        // SAFETY: the contract of `realloc` guarantees a live block and a size above zero; the alignment is the same.
        unsafe { self.reallocate_raw(start, layout, new) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }
}
