//! A heap over memory that it is given, with exact accounting.
//!
//! `talc` finds and joins the blocks. Its lock type guards its own state only; here the most bytes ever live stand
//! under the same lock as the blocks, so that no reader sees one without the other.

use core::alloc::{GlobalAlloc, Layout};
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;

use super::block::{Block, RawHeap};

/// Blocks longer than this are copied with the lock open when they must move: a copy of this many bytes takes about
/// as long as the other CPUs can be made to wait.
const COPY_UNDER_LOCK_BYTES_MAX: usize = 16 * 1024;

/// A heap that every CPU may use, as the global allocator or through [`Block`]s.
///
/// A spin lock guards it: an interrupt handler that allocates would wait for itself.
pub struct Heap {
    state: spin::Mutex<State>,
}

/// What the lock guards.
struct State {
    talc: Talc<Manual, DefaultBinning>,
    peak_bytes: usize,
}

/// What a heap holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapUsage {
    /// Bytes in live blocks, as they were asked for.
    pub live_bytes: u64,
    /// Most bytes in live blocks at once since [`Heap::reset_peak`], old and new place of a moving block included.
    pub peak_bytes: u64,
    /// Live blocks. Those of no bytes take no memory and are not counted.
    pub live_blocks: u64,
    /// Allocations since the heap began; a block that moves when it is resized counts again.
    pub allocations_total: u64,
    /// Bytes claimed, as far as they are usable: claims are rounded inward to whole chunks.
    pub claimed_bytes: u64,
    /// Bytes in no block, the largest request being smaller wherever they lie apart.
    pub free_bytes: u64,
    /// Contiguous stretches that the free bytes lie in.
    pub free_stretches: u64,
}

/// No free block is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("allocate {bytes} bytes: no free block is that large")]
pub struct OutOfMemory {
    /// What was asked for.
    pub bytes: usize,
}

impl Heap {
    /// An empty heap: every allocation fails until memory is claimed.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: spin::Mutex::new(State::new()) }
    }

    /// Gives memory to the heap for good. It need not adjoin what was given before; no block spans two claims.
    ///
    /// Says whether the heap took it. It refuses, and does not touch, a range too short to be of use: one that has no
    /// room for a block or, the first time, for the table of free blocks (about 1 KiB).
    ///
    /// # Safety
    /// The `bytes` bytes at `start` are valid for reads and writes as long as the heap or any block of it is, and
    /// nothing else uses them meanwhile.
    #[must_use]
    pub unsafe fn claim(&self, start: *mut u8, bytes: usize) -> bool {
        let mut state = self.state.lock();
        // SAFETY: the caller gives the memory away for good; `Manual` leaves heap management to us.
        unsafe { state.talc.claim(start, bytes) }.is_some()
    }

    /// Forgets every block and every claim, and begins anew with the `bytes` bytes at `start`, as [`claim`](Self::claim) does
    /// on an empty heap; whatever was done before leaves no trace.
    ///
    /// # Safety
    /// As for [`claim`](Self::claim), and no block of the heap is used any more. Whoever is in one of the heap's functions,
    /// and may hold its lock, never goes on.
    #[must_use]
    pub unsafe fn restart(&self, start: *mut u8, bytes: usize) -> bool {
        // SAFETY: the caller says that a holder never goes on.
        unsafe { self.state.force_unlock() };
        // What the state was may be half changed, and has no destructor that would look at it.
        *self.state.lock() = State::new();
        // SAFETY: the caller gives the memory away.
        unsafe { self.claim(start, bytes) }
    }

    /// Gives memory that nobody else can ever use to the heap. Otherwise as [`claim`](Self::claim).
    #[must_use]
    pub fn claim_static(&self, memory: &'static mut [MaybeUninit<u8>]) -> bool {
        // SAFETY: the exclusive borrow never ends, so the memory stays valid and ours.
        unsafe { self.claim(memory.as_mut_ptr().cast(), memory.len()) }
    }

    /// A block whose bytes are not written yet. A block of no bytes takes no memory.
    ///
    /// # Errors
    /// No free block is large enough.
    #[inline]
    pub fn allocate(&self, layout: Layout) -> Result<Block<'_>, OutOfMemory> {
        Block::allocate(self, layout)
    }

    /// A block of zeros.
    ///
    /// # Errors
    /// No free block is large enough.
    pub fn allocate_zeroed(&self, layout: Layout) -> Result<Block<'_>, OutOfMemory> {
        let mut block = self.allocate(layout)?;
        block.fill_spare(0);
        Ok(block)
    }

    /// What the heap holds now.
    #[must_use]
    pub fn usage(&self) -> HeapUsage {
        let state = self.state.lock();
        let counters = state.talc.counters();
        HeapUsage {
            live_bytes: counters.allocated_bytes as u64,
            peak_bytes: state.peak_bytes as u64,
            live_blocks: counters.allocation_count as u64,
            allocations_total: counters.total_allocation_count,
            claimed_bytes: counters.claimed_bytes as u64,
            free_bytes: counters.available_bytes as u64,
            free_stretches: counters.fragment_count as u64,
        }
    }

    /// Sets the peak to what is live now.
    pub fn reset_peak(&self) {
        let mut state = self.state.lock();
        state.peak_bytes = state.talc.counters().allocated_bytes;
    }
}

// SAFETY: blocks come from `talc`, which gives memory of the claims to one owner at a time; the lock makes that hold across
// CPUs.
unsafe impl RawHeap for Heap {
    unsafe fn allocate_raw(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a size.
        unsafe { self.state.lock().allocate(layout) }
    }

    unsafe fn deallocate_raw(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller guarantees a live block with this layout.
        unsafe { self.state.lock().talc.deallocate(start.as_ptr(), layout) }
    }

    unsafe fn reallocate_raw(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        let mut state = self.state.lock();
        // SAFETY: the caller guarantees a live block and a new size above zero.
        if unsafe { state.resize_in_place(start, old, new.size()) } {
            return Some(start);
        }
        // SAFETY: the caller guarantees a size.
        let moved = unsafe { state.allocate(new) }?;
        if old.size() > COPY_UNDER_LOCK_BYTES_MAX {
            drop(state);
            // SAFETY: only growing can fail in place, so both blocks are at least `old.size()` long; they are live
            // and distinct, and nobody else uses either.
            unsafe { ptr::copy_nonoverlapping(start.as_ptr(), moved.as_ptr(), old.size()) };
            state = self.state.lock();
        } else {
            // SAFETY: as above.
            unsafe { ptr::copy_nonoverlapping(start.as_ptr(), moved.as_ptr(), old.size()) };
        }
        // SAFETY: the caller gave up the old block, whose contents are copied.
        unsafe { state.talc.deallocate(start.as_ptr(), old) };
        Some(moved)
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    const fn new() -> Self {
        Self { talc: Talc::new(Manual), peak_bytes: 0 }
    }

    /// # Safety
    /// `layout` has a size.
    #[inline]
    unsafe fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a size.
        let start = unsafe { self.talc.allocate(layout) };
        self.note_peak();
        start
    }

    /// # Safety
    /// `start` and `layout` are a live block; `bytes` is not zero.
    #[inline]
    unsafe fn resize_in_place(&mut self, start: NonNull<u8>, layout: Layout, bytes: usize) -> bool {
        // SAFETY: the caller guarantees a live block and a size above zero.
        let is_resized = unsafe { self.talc.try_realloc_in_place(start.as_ptr(), layout, bytes) };
        self.note_peak();
        is_resized
    }

    #[inline]
    fn note_peak(&mut self) {
        self.peak_bytes = self.peak_bytes.max(self.talc.counters().allocated_bytes);
    }
}

// SAFETY: blocks come from `talc`, which gives memory of the claims to one owner at a time, aligned and as long as the
// layout asks; the lock makes that hold across CPUs; nothing here unwinds.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the contract of `alloc` guarantees a size.
        unsafe { self.allocate_raw(layout) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use core::ops::Range;
    use std::boxed::Box;
    use std::vec::Vec;

    /// Memory for a heap: several ranges apart from each other. Drop the heap's blocks before it.
    pub(in crate::memory) struct Ground(pub(in crate::memory) Vec<Vec<MaybeUninit<u8>>>);

    impl Ground {
        pub(in crate::memory) fn new(sizes: &[usize]) -> Self {
            Self(sizes.iter().map(|size| std::vec![MaybeUninit::uninit(); *size]).collect())
        }

        /// A heap that has claimed every range.
        pub(in crate::memory) fn heap(&mut self) -> Heap {
            let heap = Heap::new();
            for range in &mut self.0 {
                // SAFETY: the range outlives the heap in every test, and nothing else uses it.
                let is_claimed = unsafe { heap.claim(range.as_mut_ptr().cast(), range.len()) };
                assert!(is_claimed, "a range of {} bytes is refused", range.len());
            }
            heap
        }
    }

    pub(in crate::memory) fn layout(bytes: usize, align: usize) -> Layout {
        Layout::from_size_align(bytes, align).expect("a valid layout")
    }

    /// A block of a size that is there, filled.
    fn filled(heap: &Heap, layout: Layout, byte: u8) -> Block<'_> {
        let mut block = heap.allocate(layout).expect("a block");
        block.fill_spare(byte);
        block
    }

    pub(in crate::memory) fn addresses(block: &Block<'_>) -> Range<usize> {
        let start = block.as_slice().as_ptr().addr();
        start..start + block.layout().size()
    }

    /// The largest block that can be had.
    pub(in crate::memory) fn largest(heap: &Heap) -> usize {
        let (mut fits, mut fails) = (0, usize::MAX / 4);
        while fails - fits > 1 {
            let middle = fits + (fails - fits) / 2;
            match heap.allocate(layout(middle, 1)) {
                Ok(_) => fits = middle,
                Err(_) => fails = middle,
            }
        }
        fits
    }

    #[test]
    fn a_heap_without_memory_refuses() {
        let heap = Heap::new();
        assert_eq!(heap.allocate(layout(1, 1)).err(), Some(OutOfMemory { bytes: 1 }));
        assert_eq!(heap.usage(), HeapUsage::default());
    }

    #[test]
    fn a_range_too_short_for_the_tables_is_refused_and_left_alone() {
        let mut ground = [7_u8; 256];
        let heap = Heap::new();
        // SAFETY: the range outlives the heap, and nothing else uses it.
        assert!(!unsafe { heap.claim(ground.as_mut_ptr(), ground.len()) });
        assert_eq!(heap.usage(), HeapUsage::default());
        assert_eq!(ground, [7; 256]);
    }

    #[test]
    fn memory_that_is_leaked_can_be_claimed_without_unsafe_code() {
        let heap = Heap::new();
        assert!(heap.claim_static(Box::leak(std::vec![MaybeUninit::uninit(); 8 << 10].into_boxed_slice())));
        assert!(heap.allocate(layout(4 << 10, 8)).is_ok());
    }

    #[test]
    fn every_claim_is_used_and_none_is_spanned() {
        let mut ground = Ground::new(&[8 << 10, 64 << 10, 16 << 10]);
        let heap = ground.heap();
        let largest = largest(&heap);
        assert!((63 << 10..64 << 10).contains(&largest), "{largest}");
        let blocks: Vec<_> = core::iter::from_fn(|| heap.allocate(layout(4 << 10, 8)).ok()).collect();
        assert!(blocks.len() >= 1 + 15 + 3, "{}", blocks.len());
        let usage = heap.usage();
        assert_eq!(usage.live_bytes, (blocks.len() as u64) << 12);
        assert!(usage.claimed_bytes > 87 << 10 && usage.claimed_bytes <= 88 << 10, "{usage:?}");
    }

    #[test]
    fn blocks_of_no_bytes_take_nothing_and_can_grow() {
        let mut ground = Ground::new(&[64 << 10]);
        let heap = ground.heap();
        let mut block = heap.allocate_zeroed(layout(0, 64)).expect("no bytes");
        assert_eq!(addresses(&block).start % 64, 0);
        assert_eq!(heap.usage().live_blocks, 0);
        block.resize(100).expect("100 bytes");
        assert_eq!(block.append(&[1; 30]), 30);
        assert_eq!(block.append(&[2; 100]), 70);
        assert_eq!((block.as_slice().len(), block.as_slice()[29..31].to_vec()), (100, std::vec![1, 2]));
        assert_eq!((heap.usage().live_blocks, heap.usage().live_bytes), (1, 100));
        block.resize(0).expect("no bytes");
        drop(block);
        assert_eq!((heap.usage().live_blocks, heap.usage().live_bytes), (0, 0));
    }

    #[test]
    fn a_resize_that_fails_leaves_the_block_as_it_was() {
        let mut ground = Ground::new(&[32 << 10]);
        let heap = ground.heap();
        let mut block = filled(&heap, layout(1000, 16), 9);
        let before = heap.usage();
        assert_eq!(block.resize(1 << 20), Err(OutOfMemory { bytes: 1 << 20 }));
        assert_eq!(block.resize(usize::MAX), Err(OutOfMemory { bytes: usize::MAX }));
        assert_eq!(block.as_slice(), [9; 1000]);
        assert_eq!(heap.usage(), before);
    }

    #[test]
    fn the_peak_is_the_most_that_was_live_since_its_reset() {
        let mut ground = Ground::new(&[64 << 10]);
        let heap = ground.heap();
        let first = heap.allocate(layout(10_000, 8)).expect("10,000 bytes");
        drop(heap.allocate(layout(5_000, 8)).expect("5,000 bytes"));
        assert_eq!(heap.usage().peak_bytes, 15_000);
        heap.reset_peak();
        assert_eq!(heap.usage().peak_bytes, 10_000);
        drop(first);
        assert_eq!(heap.usage().peak_bytes, 10_000);
        assert_eq!(heap.usage().allocations_total, 2);
    }

    #[test]
    fn the_global_allocator_interface_keeps_contents_when_a_block_moves() {
        let mut ground = Ground::new(&[256 << 10]);
        let heap = ground.heap();
        let old = layout(20_000, 32);
        // SAFETY: the layout has a size.
        let start = unsafe { heap.alloc_zeroed(old) };
        assert!(!start.is_null());
        let obstacle = heap.allocate(layout(64, 8)).expect("64 bytes");
        // SAFETY: the block is live, and the new size is not zero.
        let moved = unsafe { heap.realloc(start, old, 40_000) };
        assert!(!moved.is_null() && moved != start);
        // SAFETY: the first 20,000 bytes of the block are written.
        assert!(unsafe { core::slice::from_raw_parts(moved, 20_000) }.iter().all(|byte| *byte == 0));
        // SAFETY: the block is live with this layout.
        unsafe { heap.dealloc(moved, layout(40_000, 32)) };
        drop(obstacle);
        assert_eq!(heap.usage().live_blocks, 0);
    }

    #[test]
    fn a_heap_that_is_restarted_is_as_new_whatever_it_held_and_whoever_held_its_lock() {
        let mut ground = Ground::new(&[64 << 10]);
        let (start, bytes) = (ground.0[0].as_mut_ptr().cast::<u8>(), ground.0[0].len());
        let heap = ground.heap();
        let new = heap.usage();
        let first = addresses(&heap.allocate(layout(100, 8)).expect("100 bytes"));
        for number in 1..40 {
            core::mem::forget(heap.allocate(layout(number * 10, 16)).expect("a block"));
        }
        core::mem::forget(heap.state.lock());
        // SAFETY: the range outlives the heap, its blocks are forgotten, and the lock's holder is gone.
        assert!(unsafe { heap.restart(start, bytes) });
        assert_eq!(heap.usage(), new);
        assert_eq!(addresses(&heap.allocate(layout(100, 8)).expect("100 bytes")), first);
    }

    #[test]
    fn cpus_share_a_heap() {
        let mut ground = Ground::new(&[1 << 20]);
        let heap = ground.heap();
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let heap = &heap;
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    for round in 0..2_000_usize {
                        kept.push(filled(heap, layout(1 + round % 500, 8), thread));
                        if kept.len() > 50 {
                            let block = kept.swap_remove(round % kept.len());
                            assert!(block.as_slice().iter().all(|byte| *byte == thread));
                        }
                    }
                });
            }
        });
        assert_eq!((heap.usage().live_blocks, heap.usage().live_bytes), (0, 0));
        assert_eq!(heap.usage().allocations_total, 8_000);
    }
}
