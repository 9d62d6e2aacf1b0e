//! What an A/B kernel measures, and from what it allocates.

use perf_kernel::arch::allocator::KernelAllocator;
use perf_kernel::arch::sides::SidedAllocator;

pub(crate) use pair::subjects;

mod pair;

#[global_allocator]
static ALLOCATOR: SidedAllocator<KernelAllocator> = SidedAllocator::new(KernelAllocator::new());

/// The allocator of all that is not measured.
pub(crate) fn allocator() -> &'static KernelAllocator {
    ALLOCATOR.own()
}
