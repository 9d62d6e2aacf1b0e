//! The allocator of the kernel: the heap under test, and memory apart for the report of a crash.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::Range;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicBool, Ordering};

use multios_core::memory::Heap;
use x86_64::instructions::interrupts::without_interrupts;

use super::PhysicalMemory;
use super::arena::Arena;

/// Enough for the crash record, the manifest, and requests to send again.
const EMERGENCY_BYTES: usize = 256 * 1024;

static IS_EMERGENCY: AtomicBool = AtomicBool::new(false);
static EMERGENCY: Arena<EMERGENCY_BYTES> = Arena::new();

/// The heap as the global allocator. In an emergency, when the heap may be locked, full or broken, allocations come
/// from memory apart, and blocks of the heap are left where they are. Whoever holds its lock is not interrupted: a thread
/// that comes in between would wait for it.
pub struct KernelAllocator {
    heap: Heap,
    is_claimed: AtomicBool,
}

impl KernelAllocator {
    /// An allocator without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { heap: Heap::new(), is_claimed: AtomicBool::new(false) }
    }

    /// The heap.
    #[must_use]
    pub const fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Gives the physical memory in `range` to the heap. Whoever else is told of the usable regions must leave it
    /// out. `None` if this was done before, or if `range` is not usable memory.
    pub fn claim(&self, memory: &PhysicalMemory, range: &Range<u64>) -> Option<()> {
        let is_usable = memory.usable().any(|usable| usable.start <= range.start && range.end <= usable.end);
        if !is_usable || self.is_claimed.swap(true, Ordering::SeqCst) {
            return None;
        }
        let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        let start = memory.pointer(range.start, length)?;
        // SAFETY: the loader says that nobody uses the memory, and it is given away once.
        unsafe { self.heap.claim(start.as_ptr(), length) }.then_some(())
    }
}

impl Default for KernelAllocator {
    fn default() -> Self {
        Self::new()
    }
}

/// From now on, allocations come from memory apart.
pub(super) fn use_emergency_memory() {
    IS_EMERGENCY.store(true, Ordering::SeqCst);
}

// SAFETY: both parts hand out blocks that overlap no other; a block goes back to the part that it came from.
unsafe impl GlobalAlloc for KernelAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_EMERGENCY.load(Ordering::Relaxed) {
            return EMERGENCY.allocate(layout).map_or(null_mut(), NonNull::as_ptr);
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        without_interrupts(|| unsafe { self.heap.alloc(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if IS_EMERGENCY.load(Ordering::Relaxed) {
            EMERGENCY.free(block, layout);
            return;
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc`; before an emergency all blocks are the heap's.
        without_interrupts(|| unsafe { self.heap.dealloc(block, layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if !IS_EMERGENCY.load(Ordering::Relaxed) {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`.
            return without_interrupts(|| unsafe { self.heap.realloc(block, layout, bytes) });
        }
        let Ok(larger) = Layout::from_size_align(bytes, layout.align()) else { return null_mut() };
        EMERGENCY.free(block, layout);
        let Some(moved) = EMERGENCY.allocate(larger) else { return null_mut() };
        // SAFETY: both blocks are valid for the shorter length; they may be one, as the newest block grows in place.
        unsafe { core::ptr::copy(block, moved.as_ptr(), layout.size().min(bytes)) };
        moved.as_ptr()
    }
}
