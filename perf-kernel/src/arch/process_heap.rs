//! The heap under test as the allocator of a process, as it is that of the kernel.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;

use multios_core::memory::Heap;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use crate::units::Bytes;

/// Reserved for the heap; pages come as they are touched. Halved while the system refuses it.
const RESERVED_MAX: usize = 1 << 30;
/// With less there is no heap.
const RESERVED_MIN: usize = 16 << 20;

/// The heap under test over memory that the process reserves when it first allocates.
pub struct ProcessHeap {
    heap: Heap,
    reserved: spin::Once<usize>,
}

impl ProcessHeap {
    /// A heap that has reserved nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { heap: Heap::new(), reserved: spin::Once::new() }
    }

    /// The heap.
    #[must_use]
    pub const fn heap(&self) -> &Heap {
        &self.heap
    }

    /// What was reserved for it.
    #[must_use]
    pub fn reserved(&self) -> Bytes {
        Bytes(u64::try_from(self.reserve()).unwrap_or(u64::MAX))
    }

    /// Reserves memory at the first call and says how much there is.
    fn reserve(&self) -> usize {
        *self.reserved.call_once(|| {
            let mut bytes = RESERVED_MAX;
            while bytes >= RESERVED_MIN {
                if self.claim(bytes) {
                    return bytes;
                }
                bytes /= 2;
            }
            0
        })
    }

    fn claim(&self, bytes: usize) -> bool {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: without an address the mapping takes memory that nothing else uses.
        let Ok(start) = (unsafe { mmap_anonymous(ptr::null_mut(), bytes, protection, flags) }) else {
            return false;
        };
        // SAFETY: the mapping is `bytes` long, readable, writable, known to nobody else, and never unmapped.
        unsafe { self.heap.claim(start.cast(), bytes) }
    }
}

impl Default for ProcessHeap {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: every block comes from and goes back to the heap, which keeps the contract itself; reserving memory
// allocates nothing and does not unwind.
unsafe impl GlobalAlloc for ProcessHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.reserve();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { self.heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the block is of this heap.
        unsafe { self.heap.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `realloc`, and the block is of this heap.
        unsafe { self.heap.realloc(start, layout, bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_reserved_once_and_given_out() {
        let process = ProcessHeap::new();
        assert_eq!(process.heap().usage().claimed_bytes, 0);
        let reserved = process.reserved();
        assert!(reserved >= Bytes(u64::try_from(RESERVED_MIN).unwrap()));
        let layout = Layout::from_size_align(4096, 64).unwrap();
        let mut block = process.heap().allocate_zeroed(layout).expect("there is room");
        block.as_mut_slice()[4095] = 7;
        assert_eq!(process.reserved(), reserved);
    }
}
