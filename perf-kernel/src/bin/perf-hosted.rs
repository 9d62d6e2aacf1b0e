//! The benchmark suites as a Linux process. Exit codes: 0 the plan ran to its end, 2 the command line or the plan's
//! file is wrong, 3 the plan was refused, 4 records could not be written, 5 a panic ended the plan.

use perf_kernel::arch::ProcessHeap;
use perf_kernel::platform::hosted::run;

/// The heap under test serves the whole process, as it serves the whole kernel.
#[global_allocator]
static MEMORY: ProcessHeap = ProcessHeap::new();

fn main() -> std::process::ExitCode {
    run(std::env::args_os().skip(1), &MEMORY).into()
}
