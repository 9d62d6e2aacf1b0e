//! The threads of this process.

use std::boxed::Box;
use std::string::{String, ToString};
use std::thread::{Builder, JoinHandle};

use multios_core::std_threads::StdThreads;
use multios_core::sync::Deadline;

use crate::platform::Runner;
use crate::units::{Hertz, Nanoseconds};

/// Starts threads of this process, which run where the calling one may.
pub struct ProcessRunner {
    frequency: Hertz,
}

impl ProcessRunner {
    /// The threads, with a counter of `frequency`.
    #[must_use]
    pub const fn new(frequency: Hertz) -> Self {
        Self { frequency }
    }
}

impl Runner for ProcessRunner {
    type Scheduler = StdThreads;
    type Thread = JoinHandle<u64>;

    fn scheduler(&self) -> StdThreads {
        StdThreads
    }

    fn spawn(&self, work: Box<dyn FnOnce() -> u64 + Send>) -> Result<JoinHandle<u64>, String> {
        Builder::new().spawn(work).map_err(|error| error.to_string())
    }

    fn spawn_anywhere(&self, work: Box<dyn FnOnce() -> u64 + Send>) -> Result<JoinHandle<u64>, String> {
        self.spawn(work)
    }

    /// Threads of a process always can.
    fn preemptibly(&self, work: &mut dyn FnMut()) {
        work();
    }

    fn lateness(&self, deadline: Deadline) -> Option<u64> {
        let late = Nanoseconds(StdThreads.now().0.checked_sub(deadline.0)?);
        Some(late.to_ticks(self.frequency).0)
    }

    fn join(&self, thread: JoinHandle<u64>) -> Result<u64, String> {
        thread.join().map_err(|_| "the thread panicked".to_string())
    }

    fn clean_up(&self) -> Result<(), String> {
        Ok(())
    }
}
