//! Device registers in memory.

use core::ptr::NonNull;

/// A block of device registers. Offsets are checked; reads outside give zero and writes outside do nothing.
#[derive(Debug)]
pub struct Mmio {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the registers belong to a device, not to a CPU.
unsafe impl Send for Mmio {}

macro_rules! mmio_access {
    ($read:ident, $write:ident, $word:ty, $name:literal) => {
        #[doc = concat!("Reads ", $name, " at `offset`.")]
        #[must_use]
        pub fn $read(&self, offset: usize) -> $word {
            self.place::<$word>(offset).map_or(0, |place| {
                // SAFETY: `place` lies in the registers, which `new` was promised, and is aligned.
                unsafe { place.read_volatile() }
            })
        }

        #[doc = concat!("Writes ", $name, " at `offset`.")]
        pub fn $write(&mut self, offset: usize, value: $word) {
            if let Some(place) = self.place::<$word>(offset) {
                // SAFETY: `place` lies in the registers, which `new` was promised, and is aligned.
                unsafe { place.write_volatile(value) }
            }
        }
    };
}

impl Mmio {
    /// The `length` bytes of registers from `start`.
    ///
    /// # Safety
    /// The bytes are mapped for good and belong to a device, not to memory that Rust knows of.
    pub(super) const unsafe fn new(start: NonNull<u8>, length: usize) -> Self {
        Self { start, length }
    }

    /// The `bytes` of registers from `offset` on; `None` if they reach beyond the end.
    pub(crate) fn part(self, offset: u32, bytes: u32) -> Option<Self> {
        let (offset, length) = (usize::try_from(offset).ok()?, usize::try_from(bytes).ok()?);
        if offset.checked_add(length)? > self.length {
            return None;
        }
        // SAFETY: `offset` is at most the length of the block.
        let start = unsafe { self.start.add(offset) };
        Some(Self { start, length })
    }

    mmio_access!(read_u8, write_u8, u8, "a byte");
    mmio_access!(read_u16, write_u16, u16, "two bytes");
    mmio_access!(read_u32, write_u32, u32, "four bytes");
    mmio_access!(read_u64, write_u64, u64, "eight bytes");

    fn place<Word>(&self, offset: usize) -> Option<NonNull<Word>> {
        let end = offset.checked_add(size_of::<Word>())?;
        if end > self.length {
            return None;
        }
        // SAFETY: `offset` is inside the block.
        let place = unsafe { self.start.add(offset) }.cast::<Word>();
        place.is_aligned().then_some(place)
    }
}
