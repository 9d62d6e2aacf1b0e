//! Registers of devices beyond the loader's mapping of physical memory: UEFI firmware puts them there.

use multios_core::memory::Frames;
use spin::Mutex;
use x86_64::registers::control::Cr3;
use x86_64::structures::paging::mapper::MapToError;
use x86_64::structures::paging::{
    FrameAllocator, Mapper, OffsetPageTable, Page, PageTable, PageTableFlags, PhysFrame, Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use super::user::uses_kernel_tables;
use super::{Mmio, PhysicalMemory};

/// Where they are mapped: an entry of the top page table that the loader leaves empty.
const REGION_START: u64 = 0xffff_f400_0000_0000;
/// Bytes of that entry. Physical addresses that differ by a multiple of it have one place.
const REGION_BYTES: u64 = 1 << 39;
const PAGE_BYTES: u64 = 4096;

/// One mapping at a time changes tables.
static MAPPING: Mutex<()> = Mutex::new(());

impl PhysicalMemory {
    /// The device registers at `address`, mapped for good with page tables from `frames` where the loader's mapping does
    /// not reach; `None` if memory lies there, if there is none for tables, or if other registers have their place.
    pub(crate) fn registers_anywhere(
        &self,
        frames: &Mutex<Frames>,
        address: u64,
        length: usize,
    ) -> Option<Mmio> {
        if self.pointer(address, length).is_some() {
            return self.registers(address, length);
        }
        let bytes = u64::try_from(length).ok()?;
        let end = address.checked_add(bytes)?;
        let place = REGION_START + address % REGION_BYTES;
        // All memory is below the end of the loader's mapping: what reaches across it may be memory.
        let is_beyond = self.pointer(address, 0).is_none();
        let has_place = address % REGION_BYTES + bytes <= REGION_BYTES;
        // Another address space would have the mapping to itself.
        if !is_beyond || !has_place || !uses_kernel_tables() {
            return None;
        }
        let _turn = MAPPING.lock();
        let mut tables = self.tables_in_use()?;
        let mut frames = frames.lock();
        for page in (address / PAGE_BYTES..end.div_ceil(PAGE_BYTES)).map(|page| page * PAGE_BYTES) {
            map(&mut tables, &mut frames, page)?;
        }
        let start = core::ptr::with_exposed_provenance_mut(usize::try_from(place).ok()?);
        // SAFETY: the bytes are mapped for good, and no memory is at these physical addresses.
        Some(unsafe { Mmio::new(core::ptr::NonNull::new(start)?, length) })
    }

    fn tables_in_use(&self) -> Option<OffsetPageTable<'_>> {
        let root = Cr3::read().0.start_address().as_u64();
        let table = self.pointer(root, size_of::<PageTable>())?.cast::<PageTable>();
        // SAFETY: the loader maps all memory, the tables included; this part of them changes under `MAPPING` alone.
        let table = unsafe { &mut *table.as_ptr() };
        // SAFETY: this is the top table in use, and the offset that of the loader's mapping.
        Some(unsafe { OffsetPageTable::new(table, VirtAddr::new(self.offset())) })
    }
}

/// Maps the page of registers at `address`, which may be mapped already.
fn map(tables: &mut OffsetPageTable<'_>, frames: &mut Frames, address: u64) -> Option<()> {
    // Neither executed nor cached: with both bits, the page attribute table as it is after a reset says "uncacheable"
    // (Intel SDM volume 3, section 12.12.4).
    let flags = PageTableFlags::PRESENT
        | PageTableFlags::WRITABLE
        | PageTableFlags::NO_EXECUTE
        | PageTableFlags::NO_CACHE
        | PageTableFlags::WRITE_THROUGH;
    let above = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
    let frame = PhysFrame::<Size4KiB>::containing_address(PhysAddr::new(address));
    let page = Page::containing_address(VirtAddr::new(REGION_START + address % REGION_BYTES));
    // SAFETY: nothing else is mapped in the region, and no memory is at these physical addresses.
    let mapped = unsafe { tables.map_to_with_table_flags(page, frame, flags, above, &mut Source(frames)) };
    match mapped {
        Ok(flush) => {
            flush.flush();
            Some(())
        }
        Err(MapToError::PageAlreadyMapped(there)) => (there == frame).then_some(()),
        Err(_) => None,
    }
}

/// Single frames for page tables.
struct Source<'frames>(&'frames mut Frames);

// SAFETY: the allocator hands out a block to one owner.
unsafe impl FrameAllocator<Size4KiB> for Source<'_> {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        let frame = self.0.allocate(0).ok()?;
        Some(PhysFrame::containing_address(PhysAddr::new(frame.address)))
    }
}
