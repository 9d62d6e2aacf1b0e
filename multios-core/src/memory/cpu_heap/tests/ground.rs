//! Memory and CPUs for the tests.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::boxed::Box;

use crate::memory::cpu_heap::{CACHES, Checks, CpuHeap, CurrentCpu, Entered, Extents, Pages, Resident};

/// Memory that is there as long as this, and gives nothing any more from some moment on.
pub(super) struct Ground {
    extents: Extents<Resident>,
    /// Requests that are still served.
    served: AtomicUsize,
    start: *mut u8,
    bytes: usize,
}

// SAFETY: the memory is used through the extents alone.
unsafe impl Sync for Ground {}

impl Ground {
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes + (128 << 10);
        let start = Box::into_raw(Box::<[u8]>::new_uninit_slice(bytes)).cast();
        let ground =
            Self { extents: Extents::new(Resident), served: AtomicUsize::new(usize::MAX), start, bytes };
        // SAFETY: the memory lives as long as the extents, and nothing else uses it.
        assert!(unsafe { ground.extents.claim(start, bytes) });
        ground
    }

    /// All of it is free again. What was taken is not used any more.
    pub(super) fn restart(&self) {
        // SAFETY: as when it was claimed; what was taken is not used any more.
        assert!(unsafe { self.extents.restart(self.start, self.bytes) });
    }

    /// From now on, so many requests are served.
    pub(super) fn serve(&self, requests: usize) {
        self.served.store(requests, Ordering::Relaxed);
    }

    /// Units that are taken.
    pub(super) fn taken(&self) -> usize {
        self.extents.units().1
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let memory: *mut [MaybeUninit<u8>] =
            core::ptr::slice_from_raw_parts_mut(self.start.cast(), self.bytes);
        // SAFETY: the memory comes from a box, and its user goes with it.
        drop(unsafe { Box::from_raw(memory) });
    }
}

// SAFETY: the extents keep the contract.
unsafe impl Pages for Ground {
    fn take(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let less = |left: usize| if left == usize::MAX { Some(left) } else { left.checked_sub(1) };
        self.served.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        self.extents.take(bytes, align)
    }

    unsafe fn give(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller keeps the contract.
        unsafe { self.extents.give(start, bytes) };
    }

    fn may_own(&self, address: usize) -> bool {
        self.extents.may_own(address)
    }
}

/// One thread that says which CPU it is.
pub(super) struct Chosen(AtomicUsize);

impl Chosen {
    pub(super) const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }
}

pub(super) struct EnteredChosen(usize);

impl Entered for EnteredChosen {
    fn number(&self) -> usize {
        self.0
    }
}

// SAFETY: tests that use this have one thread, which is in one heap function at a time.
unsafe impl CurrentCpu for Chosen {
    type Entered = EnteredChosen;

    fn enter(&self) -> EnteredChosen {
        EnteredChosen(self.0.load(Ordering::Relaxed))
    }
}

/// A heap whose CPU is chosen.
pub(super) type TestHeap<C> = CpuHeap<Ground, Chosen, C>;

/// Goes on as another CPU.
pub(super) fn go_to<C: Checks>(heap: &TestHeap<C>, cpu: usize) {
    heap.cpus.0.store(cpu, Ordering::Relaxed);
}

/// Gives up everything that the first `cpus` CPUs keep, as if each asked for memory, and what they then send each other.
pub(super) fn settle<C: Checks>(heap: &TestHeap<C>, cpus: usize) {
    for _ in 0..2 {
        for cpu in (0..cpus).chain([CACHES]) {
            go_to(heap, cpu);
            heap.reclaim();
        }
    }
}

pub(super) fn layout(bytes: usize, align: usize) -> Layout {
    Layout::from_size_align(bytes, align).expect("a valid layout")
}

/// Whether all bytes are `byte`. Compares as a whole: tests are not optimised.
pub(super) fn is_filled(bytes: &[u8], byte: u8) -> bool {
    bytes.first().is_none_or(|first| *first == byte && bytes[1..] == bytes[..bytes.len() - 1])
}
