//! What the hosted program measures, and from what it allocates.

use perf_kernel::arch::ProcessHeap;
use perf_kernel::run::{Subjects, Suites};

/// The heap under test serves the whole process, as it serves the whole kernel.
#[global_allocator]
static MEMORY: ProcessHeap = ProcessHeap::new();

/// The allocator of all that is not measured.
pub(crate) fn memory() -> &'static ProcessHeap {
    &MEMORY
}

/// The suites with the subsystems beside them.
pub(crate) fn subjects() -> Subjects<'static> {
    Subjects::One(&Suites)
}
