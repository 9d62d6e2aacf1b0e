//! The allocator of an image with two builds of the subsystems: what runs for one side allocates from that side's own
//! heap, as it would in an image of its own, and all else from an allocator that neither side measures.

use core::alloc::{GlobalAlloc, Layout};
use core::mem::MaybeUninit;
use core::slice;
use core::sync::atomic::{AtomicUsize, Ordering};

use multios_core::memory::Heap;

use crate::wire::Side;

/// Both heaps begin at a multiple of this, so that they lie alike in pages, large pages and caches.
const ALIGN: usize = 2 << 20;
/// Neither side is served.
const NOBODY: usize = usize::MAX;
/// An ending has begun: the heaps may be locked or broken, and are not touched again.
const CLOSED: usize = usize::MAX - 1;

/// The heap of a side.
pub type SideHeap = &'static (dyn GlobalAlloc + Sync);

/// Whose heap serves: an index of `HEAPS`, or one of the constants above.
static SERVED: AtomicUsize = AtomicUsize::new(NOBODY);
static HEAPS: [spin::Once<SideHeap>; 2] = [const { spin::Once::new() }; 2];
/// Where the memory of the first heap begins, and that of the second; both have [`HALF_BYTES`].
static BEGIN: AtomicUsize = AtomicUsize::new(0);
static HALF_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The allocator of an image with two builds; `Own` serves whatever is of neither side.
pub struct SidedAllocator<Own> {
    own: Own,
}

impl<Own> SidedAllocator<Own> {
    /// An allocator whose sides have no heaps yet.
    pub const fn new(own: Own) -> Self {
        Self { own }
    }

    /// What serves whatever is of neither side.
    pub const fn own(&self) -> &Own {
        &self.own
    }
}

/// Takes the memory of both sides' heaps from `heap`, for good, in all about three quarters of what is free there. `None` if
/// it does not give that much, or the memory was taken before.
pub fn take_memory(heap: &Heap) -> Option<[&'static mut [MaybeUninit<u8>]; 2]> {
    let half = usize::try_from(heap.usage().free_bytes / 8 * 3).ok()? / ALIGN * ALIGN;
    let layout =
        Layout::from_size_align(half.checked_mul(2)?, ALIGN).ok().filter(|layout| layout.size() > 0)?;
    let is_first = HALF_BYTES.compare_exchange(0, half, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if !is_first {
        return None;
    }
    // SAFETY: the layout is not empty.
    let start = unsafe { heap.alloc(layout) };
    if start.is_null() {
        return None;
    }
    BEGIN.store(start.expose_provenance(), Ordering::SeqCst);
    // SAFETY: the block is that long, nobody else knows it, and it is never freed, so that its memory stays valid.
    let memory = unsafe { slice::from_raw_parts_mut(start.cast::<MaybeUninit<u8>>(), layout.size()) };
    let (base, candidate) = memory.split_at_mut(half);
    Some([base, candidate])
}

/// Makes `heap`, whose memory is that side's part of [`take_memory`], the heap of `side`. The first one stays.
pub fn set_heap(side: Side, heap: SideHeap) {
    HEAPS[side as usize].call_once(|| heap);
}

/// Runs `work` with allocations from the heap of `side`; they come from everybody's if it has none. Blocks go back to
/// where they came from, whoever frees them.
pub fn serve<T>(side: Side, work: impl FnOnce() -> T) -> T {
    /// Ends the serving even if `work` panics.
    struct Served;
    impl Drop for Served {
        fn drop(&mut self) {
            switch(NOBODY);
        }
    }
    switch(side as usize);
    let _served = Served;
    work()
}

/// From now on, neither side's heap is touched.
#[cfg(feature = "kernel")]
pub(super) fn close() {
    SERVED.store(CLOSED, Ordering::SeqCst);
}

/// Serves `whom` from now on, unless the heaps are closed.
fn switch(whom: usize) {
    let change = |served| (served != CLOSED).then_some(whom);
    // A refusal means that they are closed.
    let _ = SERVED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change);
}

/// The heap that serves now. The same instructions find either side's, so that the allocator favours none.
#[inline]
fn served() -> Option<SideHeap> {
    HEAPS.get(SERVED.load(Ordering::Relaxed))?.get().copied()
}

/// The heap that `block` came from; `None` for blocks that are of neither side.
#[inline]
fn owner(block: *mut u8) -> Option<SideHeap> {
    let half = HALF_BYTES.load(Ordering::Relaxed);
    let distance = block.addr().wrapping_sub(BEGIN.load(Ordering::Relaxed));
    if distance >= half * 2 || SERVED.load(Ordering::Relaxed) == CLOSED {
        return None;
    }
    HEAPS[usize::from(distance >= half)].get().copied()
}

// SAFETY: the memory of the three allocators is disjoint, and a block goes back to the one whose memory it lies in. In
// an ending the own allocator leaves blocks that it does not know where they are.
unsafe impl<Own: GlobalAlloc> GlobalAlloc for SidedAllocator<Own> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match served() {
            // SAFETY: the caller keeps the contract of `alloc`.
            Some(heap) => unsafe { heap.alloc(layout) },
            // SAFETY: the caller keeps the contract of `alloc`.
            None => unsafe { self.own.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match owner(block) {
            // SAFETY: the caller keeps the contract of `dealloc`, and the block is of this heap.
            Some(heap) => unsafe { heap.dealloc(block, layout) },
            // SAFETY: the caller keeps the contract of `dealloc`, and the block is of neither side.
            None => unsafe { self.own.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        match owner(block) {
            // SAFETY: the caller keeps the contract of `realloc`, and the block is of this heap.
            Some(heap) => unsafe { heap.realloc(block, layout, bytes) },
            // SAFETY: the caller keeps the contract of `realloc`, and the block is of neither side.
            None => unsafe { self.own.realloc(block, layout, bytes) },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::*;

    static BASE: Heap = Heap::new();
    static CANDIDATE: Heap = Heap::new();

    fn blocks() -> [u64; 2] {
        [&BASE, &CANDIDATE].map(|heap| heap.usage().live_blocks)
    }

    /// One test, as the sides are those of the process.
    #[test]
    fn each_side_allocates_from_its_own_heap_and_blocks_go_back_to_theirs() {
        let allocator = SidedAllocator::new(System);
        let layout = Layout::from_size_align(100, 8).expect("a layout");
        // SAFETY: the layout is not empty.
        let early = unsafe { allocator.alloc(layout) };
        let all = Heap::new();
        let memory = std::vec![MaybeUninit::uninit(); 65 << 20].into_boxed_slice();
        assert!(all.claim_static(std::boxed::Box::leak(memory)));
        let [base, candidate] = take_memory(&all).expect("the test has that much");
        assert_eq!((base.len(), candidate.len()), (24 << 20, 24 << 20));
        assert!(
            base.as_ptr().addr().is_multiple_of(ALIGN) && candidate.as_ptr().addr().is_multiple_of(ALIGN)
        );
        assert!(take_memory(&all).is_none(), "it is taken once");
        assert!(BASE.claim_static(base) && CANDIDATE.claim_static(candidate));
        set_heap(Side::Base, &BASE);
        set_heap(Side::Candidate, &CANDIDATE);

        // SAFETY: the layout is not empty, here and below.
        let of_base = serve(Side::Base, || unsafe { allocator.alloc(layout) });
        // SAFETY: as above.
        let of_candidate = serve(Side::Candidate, || unsafe { allocator.alloc(layout) });
        // SAFETY: as above.
        let of_nobody = unsafe { allocator.alloc(layout) };
        assert_eq!(blocks(), [1, 1]);
        // SAFETY: the block is of this layout and of this allocator, as are those below.
        let of_base = serve(Side::Candidate, || unsafe { allocator.realloc(of_base, layout, 5_000) });
        assert_eq!(blocks(), [1, 1], "a block grows where it lies");
        let larger = Layout::from_size_align(5_000, 8).expect("a layout");
        // SAFETY: as above.
        unsafe { allocator.dealloc(of_base, larger) };
        assert_eq!(blocks(), [0, 1]);
        // SAFETY: as above.
        serve(Side::Base, || unsafe { allocator.dealloc(of_candidate, layout) });
        assert_eq!(blocks(), [0, 0]);
        for block in [early, of_nobody] {
            // SAFETY: as above.
            unsafe { allocator.dealloc(block, layout) };
        }
    }
}
