//! What an A/B process measures, and from what it allocates.

use perf_kernel::arch::ProcessHeap;
use perf_kernel::arch::sides::SidedAllocator;

pub(crate) use pair::subjects;

mod pair;

#[global_allocator]
static MEMORY: SidedAllocator<ProcessHeap> = SidedAllocator::new(ProcessHeap::new());

/// The allocator of all that is not measured.
pub(crate) fn memory() -> &'static ProcessHeap {
    MEMORY.own()
}
