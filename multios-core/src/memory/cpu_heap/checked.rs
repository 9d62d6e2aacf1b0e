//! Allocation where checks are on.
//!
//! Behind each block lies a red zone that is looked at when the block is freed. A free small block is full of a pattern that
//! is looked at when it is used again, and its span notes which blocks are live. Of longer blocks only the red zone can
//! tell: as long as nothing else lies there, also whether they are freed twice.

use core::alloc::Layout;
use core::ptr::NonNull;
use core::slice;

use super::accounts::Tag;
use super::check::{
    Book, CANARY, Checks, Fault, GONE, LINK_BYTES, Misuse, POISON, RED_ZONE_BYTES, look_at_poison,
    look_at_red_zone,
};
use super::class::Class;
use super::heap::CpuHeap;
use super::local::CurrentCpu;
use super::pages::Pages;
use super::span::SpanRef;

impl<P: Pages, L: CurrentCpu, C: Checks> CpuHeap<P, L, C> {
    /// # Safety
    /// `layout` has a size.
    #[cold]
    pub(super) unsafe fn allocate_checked(&self, layout: Layout, tag: Option<Tag>) -> Option<NonNull<u8>> {
        let padded = padded(layout)?;
        let Some(class) = Class::of(padded) else {
            // SAFETY: the size is not zero.
            let block = unsafe { self.allocate_long(padded, tag) }?;
            // SAFETY: the block is so long, and not handed out yet.
            unsafe { fill(block, layout.size(), padded.size(), CANARY) };
            return Some(block);
        };
        loop {
            let block = self.allocate_small(class, layout.size(), tag)?;
            // SAFETY: small blocks lie in spans.
            let span = unsafe { SpanRef::<C>::of(block) };
            let was_freed = span.grain(block, class).is_some_and(|grain| span.book().begin(grain));
            if was_freed {
                // SAFETY: the block is that long, was filled when it was freed, and is not handed out yet.
                let left = unsafe { bytes(block, LINK_BYTES, class.bytes()) };
                if let Some(misuse) = look_at_poison(left, LINK_BYTES) {
                    // The block stays live in the accounts: somebody writes to it.
                    self.tell(block, class.bytes(), misuse);
                    continue;
                }
            }
            // SAFETY: the block is so long, and not handed out yet.
            unsafe { fill(block, layout.size(), class.bytes(), CANARY) };
            return Some(block);
        }
    }

    /// # Safety
    /// `start` and `layout` are a live block of this heap that is not used any more, or one of the mistakes that the checks
    /// find.
    #[cold]
    pub(super) unsafe fn deallocate_checked(&self, start: NonNull<u8>, layout: Layout, tag: Option<Tag>) {
        let Some(padded) = padded(layout) else { return };
        let Some(class) = Class::of(padded) else {
            // SAFETY: the caller guarantees a block, whose red zone was filled.
            let zone = unsafe { bytes(start, layout.size(), padded.size()) };
            if let Some(misuse) = look_at_red_zone(zone, layout.size()) {
                return self.tell(start, padded.size(), misuse);
            }
            // SAFETY: the caller gives the block up.
            unsafe { fill(start, 0, layout.size(), POISON) };
            // SAFETY: as above.
            unsafe { fill(start, layout.size(), padded.size(), GONE) };
            // SAFETY: the block was allocated with this layout.
            return unsafe { self.deallocate_long(start, padded, tag) };
        };
        if !self.pages.may_own(start.addr().get()) {
            return self.tell(start, class.bytes(), Misuse::NotABlock);
        }
        // SAFETY: what the source has given begins at multiples of a span, so that there is something to read at least.
        let span = unsafe { SpanRef::<C>::of(start) };
        let Some(grain) = span.grain(start, class) else {
            return self.tell(start, class.bytes(), Misuse::NotABlock);
        };
        if !span.book().end(grain) {
            return self.tell(start, class.bytes(), Misuse::DoubleFree);
        }
        // SAFETY: the block is that long, and its red zone was filled.
        let zone = unsafe { bytes(start, layout.size(), class.bytes()) };
        if let Some(misuse) = look_at_red_zone(zone, layout.size()) {
            // The block stays live in the accounts: somebody may write beyond it again.
            return self.tell(start, class.bytes(), misuse);
        }
        // SAFETY: the caller gives the block up.
        unsafe { fill(start, 0, class.bytes(), POISON) };
        // SAFETY: the block is a live one of this class.
        unsafe { self.deallocate_small(start, class, layout.size(), tag) };
    }

    fn tell(&self, block: NonNull<u8>, class_bytes: usize, misuse: Misuse) {
        self.checks.report(&Fault { block: block.addr().get(), class_bytes, misuse });
    }
}

/// A layout with room for a red zone.
fn padded(layout: Layout) -> Option<Layout> {
    Layout::from_size_align(layout.size().checked_add(RED_ZONE_BYTES)?, layout.align()).ok()
}

/// # Safety
/// The block has `end` bytes, which nobody else uses.
unsafe fn fill(block: NonNull<u8>, from: usize, end: usize, byte: u8) {
    // SAFETY: the caller guarantees the length.
    let start = unsafe { block.add(from) };
    // SAFETY: as above; nobody else uses the bytes.
    unsafe { start.write_bytes(byte, end - from) };
}

/// # Safety
/// The block has `end` bytes, those from `from` on are written, and nobody writes to them meanwhile.
unsafe fn bytes<'a>(block: NonNull<u8>, from: usize, end: usize) -> &'a [u8] {
    // SAFETY: the caller guarantees the length.
    let start = unsafe { block.add(from) };
    // SAFETY: as above; the bytes are written.
    unsafe { slice::from_raw_parts(start.as_ptr(), end - from) }
}
