//! Stacks of kernel threads: mapped where nothing else lies, each with pages below it that are never mapped.

use alloc::vec::Vec;
use core::ptr::NonNull;

use multios_core::memory::{Frame, Frames};
use spin::Mutex;
use x86_64::registers::control::Cr3;
use x86_64::structures::paging::mapper::CleanUp;
use x86_64::structures::paging::{
    FrameAllocator, FrameDeallocator, Mapper, OffsetPageTable, Page, PageTable, PageTableFlags, PhysFrame,
    Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use super::{PhysicalMemory, Ring0};
use crate::kernel::threads::stack_region::{PLACES, REGION_START, STACK_BYTES, stack_of};

const PAGE_BYTES: u64 = 4096;
const PAGES: u64 = STACK_BYTES / PAGE_BYTES;
/// The order of the block of frames under a stack.
const ORDER: u8 = 3;
const _: () = assert!(PAGE_BYTES << ORDER == STACK_BYTES);
/// Free stacks that are kept mapped: taking one of them and giving it back touches no page table.
const KEPT_MAX: usize = 64;

/// A mapped stack.
#[derive(Debug)]
pub struct Stack {
    place: u32,
    frame: Frame,
}

/// The stacks, and those that are free and still mapped. They are handed out as they were left: only kernel threads use
/// them, which may read all memory anyway.
pub struct GuardedStacks {
    memory: PhysicalMemory,
    frames: &'static Mutex<Frames>,
    pool: Mutex<Pool>,
}

struct Pool {
    kept: Vec<Stack>,
    /// Places that were used and are not mapped.
    places: Vec<u32>,
    next_place: u32,
    usage: StacksUsage,
}

/// What stacks there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StacksUsage {
    /// Mapped: in use, or kept for the next thread.
    pub mapped: u32,
    /// In use.
    pub used: u32,
}

impl GuardedStacks {
    /// No stacks yet; their memory and that of their page tables will come from `frames`.
    pub(super) fn new(_ring0: Ring0, memory: PhysicalMemory, frames: &'static Mutex<Frames>) -> Self {
        let pool =
            Pool { kept: Vec::new(), places: Vec::new(), next_place: 0, usage: StacksUsage::default() };
        Self { memory, frames, pool: Mutex::new(pool) }
    }

    /// What stacks there are.
    pub fn usage(&self) -> StacksUsage {
        self.pool.lock().usage
    }

    pub(super) fn take(&self) -> Option<Stack> {
        let mut pool = self.pool.lock();
        let kept = pool.kept.pop();
        let stack = match kept {
            Some(stack) => stack,
            None => self.map_new(&mut pool)?,
        };
        pool.usage.used += 1;
        Some(stack)
    }

    pub(super) fn give(&self, stack: Stack) {
        let mut pool = self.pool.lock();
        pool.usage.used -= 1;
        if pool.kept.len() < KEPT_MAX {
            pool.kept.push(stack);
        } else {
            self.unmap(&mut pool, stack);
        }
    }

    /// Gives the memory of the stacks that nobody uses back, and that of page tables which are then empty. On one CPU:
    /// others could still have the stacks in their TLBs.
    pub fn trim(&self) {
        let mut pool = self.pool.lock();
        while let Some(stack) = pool.kept.pop() {
            self.unmap(&mut pool, stack);
        }
        pool.kept = Vec::new();
        if pool.usage.used == 0 {
            (pool.places, pool.next_place) = (Vec::new(), 0);
        }
        let last = stack_of(PLACES - 1).end - PAGE_BYTES;
        let region = Page::range_inclusive(page(REGION_START), page(last));
        let mut frames = self.frames.lock();
        if let Some(mut tables) = self.tables() {
            // SAFETY: nothing but stacks is mapped in the region. Spaces share the table at its top alone, which is never
            // empty.
            unsafe { tables.clean_up_addr_range(region, &mut Source(&mut frames)) };
        }
    }

    pub(super) fn top(stack: &Stack) -> NonNull<u8> {
        let end = usize::try_from(stack_of(stack.place).end).unwrap_or(usize::MAX);
        NonNull::new(core::ptr::with_exposed_provenance_mut(end)).unwrap_or(NonNull::dangling())
    }

    fn map_new(&self, pool: &mut Pool) -> Option<Stack> {
        let place = match pool.places.pop() {
            Some(place) => place,
            None if pool.next_place < PLACES => {
                pool.next_place += 1;
                pool.next_place - 1
            }
            None => return None,
        };
        let frame = self.frames.lock().allocate(ORDER).ok();
        let Some(frame) = frame else {
            pool.places.push(place);
            return None;
        };
        let stack = Stack { place, frame };
        if self.map(&stack).is_none() {
            self.unmap(pool, stack);
            return None;
        }
        pool.usage.mapped += 1;
        Some(stack)
    }

    fn map(&self, stack: &Stack) -> Option<()> {
        // Written and never executed.
        let flags = PageTableFlags::PRESENT | PageTableFlags::WRITABLE | PageTableFlags::NO_EXECUTE;
        // An entry above the last level must not forbid what lies below other entries.
        let above = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
        let mut tables = self.tables()?;
        let mut frames = self.frames.lock();
        for number in 0..PAGES {
            let offset = number * PAGE_BYTES;
            let frame = PhysFrame::containing_address(PhysAddr::new(stack.frame.address + offset));
            let page = page(stack_of(stack.place).start + offset);
            let mut source = Source(&mut frames);
            // SAFETY: the frame is the stack's own, and nothing else lies in the region of stacks.
            let mapped = unsafe { tables.map_to_with_table_flags(page, frame, flags, above, &mut source) };
            mapped.ok()?.ignore();
        }
        Some(())
    }

    /// Unmaps a stack as far as it is mapped, and gives its memory back.
    fn unmap(&self, pool: &mut Pool, stack: Stack) {
        let mut is_whole = true;
        if let Some(mut tables) = self.tables() {
            for number in 0..PAGES {
                let unmapped = tables.unmap(page(stack_of(stack.place).start + number * PAGE_BYTES));
                is_whole &= unmapped.map(|(_, flush)| flush.flush()).is_ok();
            }
        }
        if is_whole {
            pool.usage.mapped -= 1;
        }
        pool.places.push(stack.place);
        // A block that its allocator does not know would be a bug of this file; it is left alone.
        let _ = self.frames.lock().release(stack.frame);
    }

    /// The tables that the CPU uses.
    fn tables(&self) -> Option<OffsetPageTable<'_>> {
        let root = Cr3::read().0.start_address().as_u64();
        let table = self.memory.pointer(root, size_of::<PageTable>())?.cast::<PageTable>();
        let offset = VirtAddr::new(self.memory.pointer(0, 1)?.addr().get() as u64);
        // SAFETY: the loader maps all memory, the tables included; they change under the pool's lock alone.
        let table = unsafe { &mut *table.as_ptr() };
        // SAFETY: this is the top table in use, and the offset that of the loader's mapping.
        Some(unsafe { OffsetPageTable::new(table, offset) })
    }
}

fn page(address: u64) -> Page {
    Page::containing_address(VirtAddr::new(address))
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

impl FrameDeallocator<Size4KiB> for Source<'_> {
    unsafe fn deallocate_frame(&mut self, frame: PhysFrame) {
        // As in `unmap`.
        let _ = self.0.release(Frame { address: frame.start_address().as_u64(), order: 0 });
    }
}
