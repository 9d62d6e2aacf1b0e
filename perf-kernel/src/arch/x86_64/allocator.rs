//! The allocator of the kernel: a heap for what a boot keeps, the heap under test, and memory apart for the report of a
//! crash.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::Range;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use multios_core::memory::Heap;
use x86_64::instructions::interrupts::without_interrupts;

use super::arena::Arena;
use super::recovery::Over;
use super::{PhysicalMemory, per_cpu};

/// Enough for the crash record, the manifest, and requests to send again.
const EMERGENCY_BYTES: usize = 256 * 1024;

/// Allocations come from the kernel's own heap.
const KERNEL: u8 = 0;
/// They come from the heap under test.
const BENCH: u8 = 1;
/// They come from memory apart.
const EMERGENCY: u8 = 2;

static SOURCE: AtomicU8 = AtomicU8::new(KERNEL);
/// CPUs, as bits, that are in a function of the kernel's own heap.
static IN_KERNEL_HEAP: AtomicU64 = AtomicU64::new(0);
static EMERGENCY_MEMORY: Arena<EMERGENCY_BYTES> = Arena::new();

/// Two heaps as the global allocator: what a boot keeps lies in the kernel's own, what a bench allocates in the heap under
/// test, which is as new for every bench. A block goes back to where it came from, whoever frees it. Whoever holds the
/// lock of one is not interrupted: a thread that comes in between would wait for it.
///
/// In an emergency, when the heaps may be locked, full or broken, allocations come from memory apart, and their blocks are
/// left where they are.
pub struct KernelAllocator {
    kernel: Heap,
    bench: Heap,
    /// Where the memory of the heap under test begins, and its bytes; none in an emergency.
    bench_start: AtomicUsize,
    bench_bytes: AtomicUsize,
}

impl KernelAllocator {
    /// An allocator without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            kernel: Heap::new(),
            bench: Heap::new(),
            bench_start: AtomicUsize::new(0),
            bench_bytes: AtomicUsize::new(0),
        }
    }

    /// The heap under test.
    #[must_use]
    pub const fn heap(&self) -> &Heap {
        &self.bench
    }

    /// Gives the physical memory in `kernel` to the kernel's own heap, and that in `bench` to the heap under test. Whoever
    /// else is told of the usable regions must leave both out. `None` if this was done before, if the two overlap, or if
    /// they are not usable memory.
    pub fn claim(&self, memory: &PhysicalMemory, kernel: &Range<u64>, bench: &Range<u64>) -> Option<()> {
        let is_usable = |range: &Range<u64>| {
            memory.usable().any(|usable| usable.start <= range.start && range.end <= usable.end)
        };
        let is_apart = kernel.end <= bench.start || bench.end <= kernel.start;
        let place = |range: &Range<u64>| {
            let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
            Some((memory.pointer(range.start, length)?, length))
        };
        if !is_apart || !is_usable(kernel) || !is_usable(bench) {
            return None;
        }
        let ((kernel, kernel_bytes), (bench, bench_bytes)) = (place(kernel)?, place(bench)?);
        self.bench_bytes.compare_exchange(0, bench_bytes, Ordering::SeqCst, Ordering::SeqCst).ok()?;
        self.bench_start.store(bench.as_ptr().expose_provenance(), Ordering::SeqCst);
        // SAFETY: the loader says that nobody uses the memory, and it is given away once.
        let has_kernel = unsafe { self.kernel.claim(kernel.as_ptr(), kernel_bytes) };
        // SAFETY: as above.
        let has_bench = unsafe { self.bench.claim(bench.as_ptr(), bench_bytes) };
        (has_kernel && has_bench).then_some(())
    }

    /// Makes the heap under test as it was when it was claimed. What was made in it must be dropped or forgotten. Whether it
    /// took its memory again.
    #[must_use]
    pub fn renew(&self, _over: &Over) -> bool {
        let start = core::ptr::with_exposed_provenance_mut(self.bench_start.load(Ordering::Relaxed));
        // SAFETY: the memory was claimed for this heap, which only serves what is over.
        unsafe { self.bench.restart(start, self.bench_bytes.load(Ordering::Relaxed)) }
    }

    // The kernel's own heap, apart, so that benches pay nothing for what they do not use.

    /// # Safety
    /// That of `GlobalAlloc`.
    #[cold]
    #[inline(never)]
    unsafe fn alloc_of_kernel(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        in_kernel_heap(|| unsafe { self.kernel.alloc(layout) })
    }

    /// # Safety
    /// That of `GlobalAlloc`; the block is of this heap.
    #[cold]
    #[inline(never)]
    unsafe fn dealloc_of_kernel(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        in_kernel_heap(|| unsafe { self.kernel.dealloc(block, layout) });
    }

    /// # Safety
    /// That of `GlobalAlloc`; the block is of this heap.
    #[cold]
    #[inline(never)]
    unsafe fn realloc_of_kernel(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        in_kernel_heap(|| unsafe { self.kernel.realloc(block, layout, bytes) })
    }

    /// Whether `block` is the heap's under test.
    #[inline]
    fn is_of_bench(&self, block: *mut u8) -> bool {
        let distance = block.addr().wrapping_sub(self.bench_start.load(Ordering::Relaxed));
        distance < self.bench_bytes.load(Ordering::Relaxed)
    }
}

impl Default for KernelAllocator {
    fn default() -> Self {
        Self::new()
    }
}

/// From now on, allocations come from the heap under test.
pub(super) fn use_bench_heap() {
    SOURCE.store(BENCH, Ordering::SeqCst);
}

/// From now on, allocations come from the kernel's own heap.
pub(super) fn use_kernel_heap() {
    SOURCE.store(KERNEL, Ordering::SeqCst);
}

/// From now on, allocations come from memory apart.
pub(super) fn use_emergency_memory() {
    SOURCE.store(EMERGENCY, Ordering::SeqCst);
}

/// Whether the calling CPU is in a function of the kernel's own heap, which is not made as new: it must come to its end.
pub(super) fn is_in_kernel_heap() -> bool {
    IN_KERNEL_HEAP.load(Ordering::SeqCst) & 1 << per_cpu::index() != 0
}

/// Calls `work`, which uses the kernel's own heap.
#[inline]
fn in_kernel_heap<T>(work: impl FnOnce() -> T) -> T {
    without_interrupts(|| {
        let bit = 1 << per_cpu::index();
        IN_KERNEL_HEAP.fetch_or(bit, Ordering::SeqCst);
        let result = work();
        IN_KERNEL_HEAP.fetch_and(!bit, Ordering::SeqCst);
        result
    })
}

#[inline]
fn is_emergency() -> bool {
    SOURCE.load(Ordering::Relaxed) == EMERGENCY
}

// SAFETY: all parts hand out blocks that overlap no other; a block goes back to the part that it came from.
unsafe impl GlobalAlloc for KernelAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match SOURCE.load(Ordering::Relaxed) {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`.
            BENCH => without_interrupts(|| unsafe { self.bench.alloc(layout) }),
            // SAFETY: as above.
            KERNEL => unsafe { self.alloc_of_kernel(layout) },
            _ => EMERGENCY_MEMORY.allocate(layout).map_or(null_mut(), NonNull::as_ptr),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_emergency() {
            EMERGENCY_MEMORY.free(block, layout);
        } else if self.is_of_bench(block) {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`, and the block is of this heap.
            without_interrupts(|| unsafe { self.bench.dealloc(block, layout) })
        } else {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`, and the block is of this heap.
            unsafe { self.dealloc_of_kernel(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if !is_emergency() {
            return if self.is_of_bench(block) {
                // SAFETY: the caller keeps the contract of `GlobalAlloc`, and the block is of this heap.
                without_interrupts(|| unsafe { self.bench.realloc(block, layout, bytes) })
            } else {
                // SAFETY: the caller keeps the contract of `GlobalAlloc`, and the block is of this heap.
                unsafe { self.realloc_of_kernel(block, layout, bytes) }
            };
        }
        let Ok(larger) = Layout::from_size_align(bytes, layout.align()) else { return null_mut() };
        EMERGENCY_MEMORY.free(block, layout);
        let Some(moved) = EMERGENCY_MEMORY.allocate(larger) else { return null_mut() };
        // SAFETY: both blocks are valid for the shorter length; they may be one, as the newest block grows in place.
        unsafe { core::ptr::copy(block, moved.as_ptr(), layout.size().min(bytes)) };
        moved.as_ptr()
    }
}
