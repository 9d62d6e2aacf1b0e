//! What the kernel measures, and from what it allocates.

use perf_kernel::arch::allocator::KernelAllocator;
use perf_kernel::run::{Subjects, Suites};

#[global_allocator]
static ALLOCATOR: KernelAllocator = KernelAllocator::new();

/// The allocator of all that is not measured.
pub(crate) fn allocator() -> &'static KernelAllocator {
    &ALLOCATOR
}

/// The suites with the subsystems beside them.
pub(crate) fn subjects() -> Subjects<'static> {
    Subjects::One(&Suites)
}
