//! The threads of this process.

use std::boxed::Box;
use std::string::{String, ToString};
use std::thread::{Builder, JoinHandle};

use multios_core::std_threads::StdThreads;

use crate::platform::Runner;

/// Starts threads of this process, which run where the calling one may.
pub struct ProcessRunner;

impl Runner for ProcessRunner {
    type Scheduler = StdThreads;
    type Thread = JoinHandle<u64>;

    fn scheduler(&self) -> StdThreads {
        StdThreads
    }

    fn spawn(&self, work: Box<dyn FnOnce() -> u64 + Send>) -> Result<JoinHandle<u64>, String> {
        Builder::new().spawn(work).map_err(|error| error.to_string())
    }

    fn join(&self, thread: JoinHandle<u64>) -> Result<u64, String> {
        thread.join().map_err(|_| "the thread panicked".to_string())
    }

    fn clean_up(&self) -> Result<(), String> {
        Ok(())
    }
}
