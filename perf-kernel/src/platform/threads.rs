//! The threads that benches start: those of the kernel, or of the process.

use alloc::boxed::Box;
use alloc::string::String;

use multios_core::sync::{Deadline, Scheduler};

use super::Platform;
use crate::measure::BenchError;

/// Starts threads that the blocking primitives can stop.
pub trait Runner {
    /// What stops and continues them.
    type Scheduler: Scheduler + Send + Sync + 'static;
    /// Names a thread until it is joined.
    type Thread: Send;

    /// What stops and continues the threads.
    fn scheduler(&self) -> Self::Scheduler;

    /// Starts a thread that calls `work`, on the CPU of the calling one.
    ///
    /// # Errors
    /// The reason in a few words.
    fn spawn(&self, work: Box<dyn FnOnce() -> u64 + Send>) -> Result<Self::Thread, String>;

    /// Starts a thread that calls `work`, on whichever CPU has the least to do.
    ///
    /// # Errors
    /// The reason in a few words.
    fn spawn_anywhere(&self, work: Box<dyn FnOnce() -> u64 + Send>) -> Result<Self::Thread, String>;

    /// Calls `work` while the calling thread, and those that it starts, can be interrupted and preempted.
    fn preemptibly(&self, work: &mut dyn FnMut());

    /// Ticks of the counter since `deadline`; `None` before it.
    fn lateness(&self, deadline: Deadline) -> Option<u64>;

    /// Waits for the end of `thread`, and gives what its work returned.
    ///
    /// # Errors
    /// The reason in a few words.
    fn join(&self, thread: Self::Thread) -> Result<u64, String>;

    /// Gives back what is kept for later threads.
    ///
    /// # Errors
    /// Threads or stacks that should be gone are still there.
    fn clean_up(&self) -> Result<(), String>;
}

/// Work for threads, whatever threads they are.
pub trait OnThreads {
    /// What comes of it.
    type Output;

    /// Does it.
    ///
    /// # Errors
    /// What a bench may end with.
    fn run<R: Runner>(self, runner: &R) -> Result<Self::Output, BenchError>;
}

/// Does `work` on the threads of `platform`.
///
/// # Errors
/// That of `work`; or the platform has no threads, or some of them are left behind.
pub fn on_threads<W: OnThreads>(platform: &dyn Platform, work: W) -> Result<W::Output, BenchError> {
    #[cfg(feature = "hosted")]
    if platform.is_process() {
        return finish(&super::hosted::ProcessRunner::new(platform.frequency()), work);
    }
    #[cfg(feature = "kernel")]
    if !platform.is_process()
        && let Some(runner) = super::bare::KernelRunner::get(platform.frequency())
    {
        return finish(&runner, work);
    }
    let _ = (platform, work);
    Err(BenchError::Skipped(String::from("this platform has no threads")))
}

#[cfg(any(feature = "kernel", feature = "hosted"))]
fn finish<W: OnThreads, R: Runner>(runner: &R, work: W) -> Result<W::Output, BenchError> {
    let result = work.run(runner);
    runner.clean_up().map_err(BenchError::Failed)?;
    result
}
