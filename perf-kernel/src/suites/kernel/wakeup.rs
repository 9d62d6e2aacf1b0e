//! The way from a deadline to the thread that waits for it.

use core::time::Duration;

use multios_core::sync::{Scheduler, Wake};

use crate::measure::{BenchError, Bencher};
use crate::platform::{OnThreads, Runner, on_threads};

/// How far ahead the deadline is: far enough that the CPU is at rest when it comes.
const AHEAD: Duration = Duration::from_micros(100);

/// A sample is the time from a deadline to the first instruction of the thread that has waited for it, alone on its CPU.
pub(super) fn wakeup(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    on_threads(bencher.platform(), Wakeup(bencher))
}

struct Wakeup<'bench, 'a>(&'bench mut Bencher<'a>);

impl OnThreads for Wakeup<'_, '_> {
    type Output = ();

    fn run<R: Runner>(self, runner: &R) -> Result<(), BenchError> {
        let threads = runner.scheduler();
        let sample = || {
            let deadline = threads.deadline(AHEAD);
            let wake = threads.park(Some(deadline));
            let late = runner.lateness(deadline);
            let is_over = wake == Wake::TimedOut;
            late.filter(|_| is_over)
                .ok_or_else(|| BenchError::Failed("the thread was woken too early".into()))
        };
        // The first one finds the way cold.
        sample()?;
        self.0.measure_values(sample)
    }
}
