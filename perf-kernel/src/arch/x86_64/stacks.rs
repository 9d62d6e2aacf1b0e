//! Stacks of the CPUs that this kernel starts: in a part of the address space of their own, with a page below each that
//! is never mapped, so that one that is full faults instead of overwriting its neighbour.

use core::ops::Range;

use multios_core::memory::{FRAME_BYTES, Frames};
use x86_64::registers::control::Cr3;
use x86_64::structures::paging::{
    FrameAllocator, Mapper, OffsetPageTable, Page, PageTable, PageTableFlags, PhysFrame, Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use super::PhysicalMemory;
use super::descriptors::{self, ExceptionStack};

/// Where they lie: a slot of the top-level table that the loader leaves free.
const BEGIN: u64 = 0xffff_f300_0000_0000;
/// Room for all stacks of one CPU.
const CPU_BYTES: u64 = 1 << 20;
const KERNEL_STACK_BYTES: u64 = 256 << 10;
const EXCEPTION_STACK_BYTES: u64 = descriptors::STACK_BYTES as u64;
const EXCEPTION_STACKS: usize = ExceptionStack::ALL.len();

const _: () = {
    let others = (EXCEPTION_STACK_BYTES + FRAME_BYTES) * EXCEPTION_STACKS as u64;
    assert!(KERNEL_STACK_BYTES + FRAME_BYTES + others <= CPU_BYTES);
};

/// The stacks of one CPU.
#[derive(Clone, Debug)]
pub(super) struct CpuStacks {
    /// What it runs on outside exceptions.
    pub(super) kernel: Range<u64>,
    /// The ends of those for exceptions, in the order of [`ExceptionStack::ALL`].
    pub(super) exceptions: [VirtAddr; EXCEPTION_STACKS],
}

/// Maps stacks in place number `place`, where none are yet, with frames of `frames`; `None` if these run out. What was
/// mapped by then stays.
pub(super) fn map(memory: &PhysicalMemory, frames: &mut Frames, place: u32) -> Option<CpuStacks> {
    let mut mapping = Mapping::open(memory, frames)?;
    // The first page of each stack's room is its guard.
    let mut at = BEGIN + u64::from(place) * CPU_BYTES;
    let mut next = |bytes: u64| {
        let stack = at + FRAME_BYTES..at + FRAME_BYTES + bytes;
        at = stack.end;
        mapping.map(&stack)?;
        Some(stack)
    };
    let kernel = next(KERNEL_STACK_BYTES)?;
    let mut exceptions = [VirtAddr::zero(); EXCEPTION_STACKS];
    for end in &mut exceptions {
        *end = VirtAddr::new(next(EXCEPTION_STACK_BYTES)?.end);
    }
    Some(CpuStacks { kernel, exceptions })
}

/// The loader's page tables, which are added to and never changed: no CPU can have cached what was not there.
struct Mapping<'a> {
    tables: OffsetPageTable<'static>,
    frames: FrameSource<'a>,
}

impl<'a> Mapping<'a> {
    fn open(memory: &PhysicalMemory, frames: &'a mut Frames) -> Option<Self> {
        let root = Cr3::read().0.start_address().as_u64();
        let root = memory.pointer(root, size_of::<PageTable>())?.cast::<PageTable>();
        // SAFETY: the top-level table is mapped, and nobody else holds a reference to it: page tables are changed by
        // the first CPU only, one change at a time.
        let root = unsafe { &mut *root.as_ptr() };
        let offset = VirtAddr::new(memory.offset());
        // SAFETY: all physical memory is mapped at this offset.
        let tables = unsafe { OffsetPageTable::new(root, offset) };
        Some(Self { tables, frames: FrameSource { memory: *memory, frames } })
    }

    fn map(&mut self, stack: &Range<u64>) -> Option<()> {
        let flags = PageTableFlags::PRESENT | PageTableFlags::WRITABLE | PageTableFlags::NO_EXECUTE;
        let mut at = stack.start;
        while at < stack.end {
            let page = Page::<Size4KiB>::from_start_address(VirtAddr::new(at)).ok()?;
            let frame = self.frames.allocate_frame()?;
            // SAFETY: the page was not mapped before, and the frame is nobody else's.
            let mapped = unsafe { self.tables.map_to(page, frame, flags, &mut self.frames) };
            mapped.ok()?.flush();
            at += FRAME_BYTES;
        }
        Some(())
    }
}

struct FrameSource<'a> {
    memory: PhysicalMemory,
    frames: &'a mut Frames,
}

// SAFETY: the allocator gives each frame once, and nothing here gives one back.
unsafe impl FrameAllocator<Size4KiB> for FrameSource<'_> {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        let frame = self.frames.allocate(0).ok()?;
        // Frames that the mapping does not reach would be of no use as page tables.
        self.memory.pointer(frame.address, usize::try_from(FRAME_BYTES).ok()?)?;
        PhysFrame::from_start_address(PhysAddr::try_new(frame.address).ok()?).ok()
    }
}
