//! Memory whose content is meant to be there after a reset.

use core::arch::x86_64::{_mm_clflush, _mm_mfence};
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use super::PhysicalMemory;

/// What one CLFLUSH takes at the least; a line may be longer (Intel SDM volume 2, CLFLUSH).
const LINE_BYTES: usize = 32;

static IS_CLAIMED: AtomicBool = AtomicBool::new(false);

/// Memory whose content is meant to be there after a reset: it is read as it is found, and what is written does not stay in
/// the caches.
#[derive(Debug)]
pub struct KeptMemory {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to this value alone, whatever CPU it is used on.
unsafe impl Send for KeptMemory {}

impl KeptMemory {
    /// The memory at `range`. Whoever else is told of the usable regions must leave it out. `None` if some was claimed
    /// before, or if it is not usable.
    #[must_use]
    pub fn claim(memory: &PhysicalMemory, range: &Range<u64>) -> Option<Self> {
        let is_usable = |usable: Range<u64>| usable.start <= range.start && range.end <= usable.end;
        if !memory.usable().any(is_usable) || IS_CLAIMED.swap(true, Ordering::SeqCst) {
            return None;
        }
        let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        Some(Self { start: memory.pointer(range.start, length)?, length })
    }

    /// Bytes of it.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Copies what lies at `offset` into `bytes`; `None`, and nothing copied, if it does not lie in here.
    #[must_use]
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Option<()> {
        let start = self.place(offset, bytes.len())?;
        for (index, byte) in bytes.iter_mut().enumerate() {
            // SAFETY: `place` has checked the whole range.
            let place = unsafe { start.add(index) };
            // SAFETY: the memory is mapped and nobody else's; a volatile read makes no claim on what lies there.
            *byte = unsafe { place.read_volatile() };
        }
        Some(())
    }

    /// Writes `bytes` to `offset`; `None`, and nothing written, if they do not fit.
    #[must_use]
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Option<()> {
        let start = self.place(offset, bytes.len())?;
        for (index, byte) in bytes.iter().enumerate() {
            // SAFETY: `place` has checked the whole range.
            let place = unsafe { start.add(index) };
            // SAFETY: the memory is mapped and nobody else's.
            unsafe { place.write_volatile(*byte) };
        }
        // After a reset the caches are invalid, whatever was in them (Intel SDM volume 3, "Processor State After Reset").
        for index in (0..bytes.len()).step_by(LINE_BYTES).chain(bytes.len().checked_sub(1)) {
            // SAFETY: `place` has checked the whole range.
            let place = unsafe { start.add(index) };
            // SAFETY: every 64-bit processor has CLFLUSH, which changes no memory.
            unsafe { _mm_clflush(place.as_ptr()) };
        }
        // SAFETY: every 64-bit processor has MFENCE, which only waits.
        unsafe { _mm_mfence() };
        Some(())
    }

    fn place(&self, offset: usize, length: usize) -> Option<NonNull<u8>> {
        let end = offset.checked_add(length)?;
        // SAFETY: the offset is at most the length of the memory.
        (end <= self.length).then(|| unsafe { self.start.add(offset) })
    }
}
