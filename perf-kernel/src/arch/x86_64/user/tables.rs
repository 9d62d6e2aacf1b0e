//! Page tables in the loader's mapping of physical memory.

use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use multios_core::memory::FRAME_BYTES;
use multios_core::memory::paging::PageHardware;

use super::translations;
use crate::arch::PhysicalMemory;

/// Frames and tables by their physical addresses. Not visible outside: its addresses are believed.
#[derive(Clone, Copy)]
pub(super) struct PhysicalTables {
    offset: u64,
}

impl PhysicalTables {
    pub(super) const fn new(memory: &PhysicalMemory) -> Self {
        Self { offset: memory.offset() }
    }

    /// Where the bytes at a physical address are mapped.
    #[inline]
    pub(super) fn pointer(self, address: u64) -> *mut u8 {
        // An address fits: this is a 64-bit machine.
        let address = usize::try_from(self.offset.wrapping_add(address)).unwrap_or(0);
        ptr::with_exposed_provenance_mut(address)
    }

    #[inline]
    fn entry<'a>(self, table: u64, index: usize) -> &'a AtomicU64 {
        let place = self.pointer(table).cast::<u64>().wrapping_add(index);
        // SAFETY: tables are frames of an address space or the loader's tables, in the mapping, aligned, and reached
        // through atomics alone, and the index is below 512.
        unsafe { AtomicU64::from_ptr(place) }
    }
}

impl PageHardware for PhysicalTables {
    #[inline]
    fn load(&self, table: u64, index: usize) -> u64 {
        self.entry(table, index).load(Ordering::Relaxed)
    }

    #[inline]
    fn store(&self, table: u64, index: usize, entry: u64) {
        self.entry(table, index).store(entry, Ordering::Relaxed);
    }

    #[inline]
    fn clear(&self, frame: u64) {
        const BYTES: usize = 4096;
        const { assert!(BYTES as u64 == FRAME_BYTES) };
        // SAFETY: the frame comes from the frame allocator, lies in the mapping, and nobody else has it.
        unsafe { self.pointer(frame).write_bytes(0, BYTES) };
    }

    #[inline]
    fn invalidate(&self, root: u64, pages: Range<u64>) {
        translations::invalidate(root, pages);
    }

    fn retire(&self, root: u64) {
        translations::retire(root);
    }
}
