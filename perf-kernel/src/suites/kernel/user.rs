//! What benches of user mode have in common.

use alloc::boxed::Box;
use alloc::format;

use multios_core::memory::paging::MapError;

use crate::measure::{Batch, BenchError, Bencher};
use crate::platform::{Ending, UserFault, UserMode, UserProcess};
use crate::units::Ticks;

/// Calls `bench` with the means to run programs, and makes sure that no frame is lost.
///
/// # Errors
/// That of `bench`; `failed` if frames are missing after it.
pub(in crate::suites) fn with_user_mode<'a>(
    bencher: &mut Bencher<'a>,
    bench: impl FnOnce(&mut Bencher<'a>, &(dyn UserMode + 'a)) -> Result<(), BenchError>,
) -> Result<(), BenchError> {
    let platform = bencher.platform();
    let before = platform.frames().lock().usage();
    let Some(machine) = platform.user_mode() else {
        return Err(BenchError::Skipped("this platform runs no programs in user mode".into()));
    };
    let result = bench(bencher, &*machine);
    drop(machine);
    let after = platform.frames().lock().usage();
    if after != before {
        return Err(BenchError::Failed(format!("frames were lost: {before:?} became {after:?}")));
    }
    result
}

/// A space that does not get its memory skips the bench; any other refusal is wrong.
pub(in crate::suites) fn refused(error: MapError) -> BenchError {
    let reason = format!("failed to {error}");
    match error {
        MapError::OutOfFrames | MapError::OutOfMemory => BenchError::Skipped(reason),
        _ => BenchError::Failed(reason),
    }
}

/// Runs of a program that times itself.
pub(in crate::suites) struct TimedProcess<'a> {
    pub(in crate::suites) process: Box<dyn UserProcess + 'a>,
    fault: Option<UserFault>,
}

impl<'a> TimedProcess<'a> {
    pub(in crate::suites) const fn new(process: Box<dyn UserProcess + 'a>) -> Self {
        Self { process, fault: None }
    }

    /// One run, as long as the program says that its loop took. One that faults has a wrong sum.
    pub(in crate::suites) fn run(&mut self, arguments: [u64; 2]) -> Batch {
        match self.process.run(arguments) {
            Ending::Exited([sum, begin, end]) => {
                Batch { ticks: end.saturating_sub(begin), sum, end: Ticks(end) }
            }
            Ending::Faulted(fault) => {
                self.fault = Some(fault);
                Batch { ticks: 0, sum: u64::MAX, end: Ticks(0) }
            }
            Ending::Signalled(_) => Batch { ticks: 0, sum: u64::MAX, end: Ticks(0) },
        }
    }

    /// `result`, or the fault that is the reason of it.
    pub(in crate::suites) fn explain(&self, result: Result<(), BenchError>) -> Result<(), BenchError> {
        result.map_err(|error| match self.fault {
            Some(fault) => BenchError::Failed(format!("the program faulted: {fault:x?}")),
            None => error,
        })
    }
}
