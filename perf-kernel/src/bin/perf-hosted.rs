//! The benchmark suites as a Linux process. Exit codes: 0 the plan ran to its end, 2 the command line or the plan's
//! file is wrong, 3 the plan was refused, 4 records could not be written, 5 a panic ended the plan.

// Another file takes the place of this module where two builds are measured side by side.
#[path = "../subjects/hosted.rs"]
mod subjects;

fn main() -> std::process::ExitCode {
    perf_kernel::platform::hosted::run(std::env::args_os().skip(1), subjects::memory(), subjects::subjects())
        .into()
}
