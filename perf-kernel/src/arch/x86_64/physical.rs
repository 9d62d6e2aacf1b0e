//! Physical memory through the loader's mapping of all of it.

use core::ops::Range;
use core::ptr::NonNull;

use bootloader_api::info::{MemoryRegion, MemoryRegionKind};

use super::{Mmio, Ring0};

/// The lowest end of the loader's mapping: it always reaches over the devices below 4 GiB.
const MAPPED_BYTES_MIN: u64 = 1 << 32;

/// A word wherever it lies.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned(u64);

/// All physical memory, mapped at one offset.
#[derive(Clone, Copy, Debug)]
pub struct PhysicalMemory {
    offset: u64,
    regions: &'static [MemoryRegion],
}

impl PhysicalMemory {
    /// The mapping at `offset` of a machine with `regions`.
    ///
    /// # Safety
    /// The loader has mapped physical address 0 to the larger of 4 GiB and the end of the last region at `offset`,
    /// readable and writable, and the mapping stays.
    #[must_use]
    pub const unsafe fn new(_ring0: Ring0, offset: u64, regions: &'static [MemoryRegion]) -> Self {
        Self { offset, regions }
    }

    /// The usable regions, as the loader gives them.
    pub fn usable(&self) -> impl Iterator<Item = Range<u64>> + use<> {
        let regions = self.regions.iter().filter(|region| region.kind == MemoryRegionKind::Usable);
        regions.map(|region| region.start..region.end)
    }

    /// Every region with its kind.
    #[must_use]
    pub const fn regions(&self) -> &'static [MemoryRegion] {
        self.regions
    }

    /// Copies the bytes at `address` into `bytes`; `None`, and nothing copied, if they are not mapped.
    #[must_use]
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Option<()> {
        let start = self.pointer(address, bytes.len())?;
        // In words, as far as they go: the image alone has millions of bytes.
        let mut words = bytes.chunks_exact_mut(size_of::<u64>());
        let mut offset = 0;
        for word in &mut words {
            // SAFETY: the offset is below the length that `pointer` has checked.
            let place = unsafe { start.add(offset) }.cast::<Unaligned>();
            // SAFETY: the place is mapped; a volatile read makes no claim on what lies there.
            word.copy_from_slice(&unsafe { place.read_volatile() }.0.to_ne_bytes());
            offset += size_of::<u64>();
        }
        for byte in words.into_remainder() {
            // SAFETY: the offset is below the length that `pointer` has checked.
            let place = unsafe { start.add(offset) };
            // SAFETY: the place is mapped; a volatile read makes no claim on what lies there.
            *byte = unsafe { place.read_volatile() };
            offset += 1;
        }
        Some(())
    }

    /// The device registers at `address`; `None` if they are not mapped or if memory lies there.
    #[must_use]
    pub fn registers(&self, address: u64, length: usize) -> Option<Mmio> {
        let start = self.pointer(address, length)?;
        let end = address.checked_add(u64::try_from(length).ok()?)?;
        let is_memory = |region: &MemoryRegion| {
            let is_ours = matches!(region.kind, MemoryRegionKind::Usable | MemoryRegionKind::Bootloader);
            is_ours && region.start < end && address < region.end
        };
        if self.regions.iter().any(is_memory) {
            return None;
        }
        // SAFETY: the range is mapped, and no memory that the loader or this kernel uses lies in it.
        Some(unsafe { Mmio::new(start, length) })
    }

    /// Where physical address 0 is mapped.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Where `length` bytes at `address` are mapped.
    pub(super) fn pointer(&self, address: u64, length: usize) -> Option<NonNull<u8>> {
        let end = address.checked_add(u64::try_from(length).ok()?)?;
        let mapped = self.regions.iter().map(|region| region.end).fold(MAPPED_BYTES_MIN, u64::max);
        if end > mapped {
            return None;
        }
        let address = usize::try_from(self.offset.checked_add(address)?).ok()?;
        NonNull::new(core::ptr::with_exposed_provenance_mut(address))
    }

    /// The physical address of what lies at `pointer` of this mapping; `None` if it lies elsewhere.
    pub(super) fn address_of<T>(&self, pointer: *const T) -> Option<u64> {
        let address = u64::try_from(pointer.expose_provenance()).ok()?.checked_sub(self.offset)?;
        self.pointer(address, size_of::<T>()).map(|_| address)
    }
}
