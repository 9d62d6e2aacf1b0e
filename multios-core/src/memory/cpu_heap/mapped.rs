//! The heap over memory that a process maps.

use core::ptr::{self, NonNull};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use spin::Once;

use super::check::Unchecked;
use super::extents::{Backing, Extents};
use super::heap::CpuHeap;
use super::pages::Pages;
use super::threads::Threads;

/// Reserved address space; pages come as they are touched. Halved while the system refuses it.
const RESERVED_MAX: usize = 64 << 30;
/// With less there is no memory.
const RESERVED_MIN: usize = 16 << 20;

/// Address space that is reserved at the first use. Memory that is given back goes back to the system.
pub struct Mapped {
    extents: Extents<Discarded>,
    reserved: Once<()>,
}

/// A heap of a process and its threads.
pub type MappedHeap = CpuHeap<Mapped, Threads, Unchecked>;

struct Discarded;

impl Backing for Discarded {
    fn discard(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the stretch is whole pages of our mapping, and what is in it is not needed any more.
        let advised = unsafe { madvise(start.as_ptr().cast(), bytes, Advice::LinuxDontNeed) };
        debug_assert!(advised.is_ok(), "the system does not take its pages back: {advised:?}");
    }
}

impl Mapped {
    /// Nothing is reserved yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { extents: Extents::new(Discarded), reserved: Once::new() }
    }

    fn reserve(&self) {
        let mut bytes = RESERVED_MAX;
        while bytes >= RESERVED_MIN {
            let protection = ProtFlags::READ | ProtFlags::WRITE;
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
            // SAFETY: without an address the mapping takes memory that nothing else uses.
            if let Ok(start) = unsafe { mmap_anonymous(ptr::null_mut(), bytes, protection, flags) } {
                // SAFETY: the mapping is so long, readable, writable, known to nobody else, and never unmapped.
                unsafe { self.extents.claim(start.cast(), bytes) };
                return;
            }
            bytes /= 2;
        }
    }
}

impl Default for Mapped {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the extents keep the contract.
unsafe impl Pages for Mapped {
    fn take(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        self.reserved.call_once(|| self.reserve());
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

impl MappedHeap {
    /// A heap for the threads of this process.
    #[must_use]
    pub const fn mapped() -> Self {
        Self::new(Mapped::new(), Threads)
    }
}
