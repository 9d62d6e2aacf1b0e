//! Stacks of kernel threads: mapped where nothing else lies, each with pages below it that are never mapped.

use alloc::vec::Vec;
use core::mem;
use core::ptr::NonNull;

use multios_core::memory::{Frame, Frames};
use spin::Mutex;
use x86_64::instructions::interrupts::without_interrupts;
use x86_64::structures::paging::mapper::CleanUp;
use x86_64::structures::paging::page_table::PageTableEntry;
use x86_64::structures::paging::{
    FrameAllocator, FrameDeallocator, Mapper, OffsetPageTable, Page, PageTable, PageTableFlags, PhysFrame,
    Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use super::recovery::Over;
use super::shootdown::{self, Forget};
use super::user::translations;
use super::{PhysicalMemory, Ring0};
use crate::kernel::threads::stack_region::{PLACES, REGION_START, STACK_BYTES, stack_of};

const PAGE_BYTES: u64 = 4096;
const PAGES: u64 = STACK_BYTES / PAGE_BYTES;
/// The order of the block of frames under a stack.
const ORDER: u8 = 3;
const _: () = assert!(PAGE_BYTES << ORDER == STACK_BYTES);

/// The entry of the region's table that keeps it from being empty; see [`super::user`].
const MARKED: u16 = 511;

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

impl Pool {
    const fn new() -> Self {
        let usage = StacksUsage { mapped: 0, used: 0 };
        Self { kept: Vec::new(), places: Vec::new(), next_place: 0, usage }
    }
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
        Self { memory, frames, pool: Mutex::new(Pool::new()) }
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
        pool.kept.push(stack);
    }

    /// Gives the memory of the stacks that nobody uses back, and that of page tables which are then empty. Called where
    /// other CPUs take interrupts.
    pub fn trim(&self) {
        // Whoever takes a stack meanwhile waits for the lock with interrupts off: other CPUs are asked to forget, and the
        // memory given back, after it is free again.
        let unused = without_interrupts(|| self.unmap_unused());
        shootdown::ask_others(&Forget::Kernel);
        without_interrupts(|| {
            let mut frames = self.frames.lock();
            for frame in unused {
                // A block that its allocator does not know would be a bug of this file; it is left alone.
                let _ = frames.release(frame);
            }
        });
    }

    fn unmap_unused(&self) -> Vec<Frame> {
        let mut pool = self.pool.lock();
        let mut unused = Vec::new();
        while let Some(stack) = pool.kept.pop() {
            unused.push(self.unmap(&mut pool, stack));
        }
        pool.kept = Vec::new();
        if pool.usage.used == 0 {
            (pool.places, pool.next_place) = (Vec::new(), 0);
        }
        let last = stack_of(PLACES - 1).end - PAGE_BYTES;
        let region = Page::range_inclusive(page(REGION_START), page(last));
        if let Some(mut tables) = self.tables() {
            // SAFETY: nothing but stacks is mapped in the region. Spaces share the table at its top alone, which is never
            // empty.
            unsafe { tables.clean_up_addr_range(region, &mut Emptied(&mut unused)) };
        }
        unused
    }

    /// Unmaps all stacks, whatever was done to them, and forgets them. Their memory and that of their page tables is not
    /// given back, nor that of the lists: whoever calls has an account of it.
    pub fn abandon(&self, over: &Over) {
        let mut pool = over.seize(&self.pool);
        mem::forget(mem::replace(&mut *pool, Pool::new()));
        // Without its table, the region has never had a stack.
        let _ = self.empty_region();
        translations::forget_all();
        shootdown::ask_others(&Forget::Kernel);
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
        pool.usage.mapped += 1;
        if self.map(&stack).is_none() {
            // Nobody has used what was mapped of it, so that nobody has it cached.
            let frame = self.unmap(pool, stack);
            let _ = self.frames.lock().release(frame);
            return None;
        }
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

    /// Unmaps a stack as far as it is mapped, and gives its memory, which other CPUs may still have cached.
    fn unmap(&self, pool: &mut Pool, stack: Stack) -> Frame {
        if let Some(mut tables) = self.tables() {
            for number in 0..PAGES {
                let unmapped = tables.unmap(page(stack_of(stack.place).start + number * PAGE_BYTES));
                let _ = unmapped.map(|(_, flush)| flush.flush());
            }
        }
        pool.usage.mapped -= 1;
        pool.places.push(stack.place);
        stack.frame
    }

    /// Empties the table below the top one that the region has to itself, up to its mark.
    fn empty_region(&self) -> Option<()> {
        let tables = self.tables()?;
        let entry = &tables.level_4_table()[page(REGION_START).p4_index()];
        let table = self.memory.pointer(entry.addr().as_u64(), size_of::<PageTable>())?.cast::<PageTable>();
        // SAFETY: the region has its table from the beginning, and tables change under the pool's lock alone.
        let table = unsafe { &mut *table.as_ptr() };
        table.iter_mut().take(usize::from(MARKED)).for_each(PageTableEntry::set_unused);
        Some(())
    }

    /// The kernel's tables.
    fn tables(&self) -> Option<OffsetPageTable<'_>> {
        let root = translations::kernel_root();
        let table = self.memory.pointer(root, size_of::<PageTable>())?.cast::<PageTable>();
        let offset = VirtAddr::new(self.memory.pointer(0, 1)?.addr().get() as u64);
        // SAFETY: the loader maps all memory, the tables included; they change under the pool's lock alone.
        let table = unsafe { &mut *table.as_ptr() };
        // SAFETY: this is a top table, and the offset that of the loader's mapping.
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

/// Page tables that have become empty.
struct Emptied<'unused>(&'unused mut Vec<Frame>);

impl FrameDeallocator<Size4KiB> for Emptied<'_> {
    unsafe fn deallocate_frame(&mut self, frame: PhysFrame) {
        self.0.push(Frame { address: frame.start_address().as_u64(), order: 0 });
    }
}
