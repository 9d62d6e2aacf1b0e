//! What it costs to switch between threads, and to have one.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use multios_core::sync::Scheduler;

use crate::arch::counter;
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{OnThreads, Runner, on_threads};

/// Yields of one sample, each of which is two switches: to the other thread and back.
const YIELDS: u64 = 500;

/// A sample is the time of one switch, as the mean over 1,000 of them: two threads of one priority yield to each other. A
/// cold one is the mean over two, there and back.
pub(super) fn switch(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    on_threads(bencher.platform(), ThreadSwitch(bencher))
}

/// One iteration starts a thread on a guarded stack that an earlier one has left mapped, lets it return a number, and
/// joins it.
pub(super) fn spawn_join(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    on_threads(bencher.platform(), SpawnJoin(bencher))
}

struct ThreadSwitch<'bench, 'a>(&'bench mut Bencher<'a>);

impl OnThreads for ThreadSwitch<'_, '_> {
    type Output = ();

    fn run<R: Runner>(self, runner: &R) -> Result<(), BenchError> {
        let threads = runner.scheduler();
        let (turns, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let other = {
            let (threads, turns, is_over) = (threads.clone(), turns.clone(), is_over.clone());
            let take_turns = move || {
                let mut taken = 0;
                while !is_over.load(Ordering::Relaxed) {
                    taken += 1;
                    turns.store(taken, Ordering::Relaxed);
                    threads.yield_now();
                }
                taken
            };
            runner.spawn(Box::new(take_turns)).map_err(BenchError::Failed)?
        };
        let take_turns = |yields: u64| {
            let before = turns.load(Ordering::Relaxed);
            let start = counter::start();
            for _ in 0..yields {
                threads.yield_now();
            }
            let ticks = counter::stop().since(start).0;
            match turns.load(Ordering::Relaxed) - before {
                seen if seen == yields => Ok(ticks / (2 * yields)),
                other => Err(BenchError::Failed(format!("the other thread had {other} turns of {yields}"))),
            }
        };
        let measured = self.0.measure_values(|| take_turns(YIELDS)).and_then(|()| {
            self.0.measure_cold(|chiller| {
                chiller.chill();
                take_turns(1)
            })
        });
        is_over.store(true, Ordering::Relaxed);
        let taken = runner.join(other).map_err(BenchError::Failed)?;
        measured?;
        let seen = turns.load(Ordering::Relaxed);
        let is_right = taken == seen;
        is_right
            .then_some(())
            .ok_or_else(|| BenchError::Failed(format!("{taken} turns were taken and {seen} seen")))
    }
}

struct SpawnJoin<'bench, 'a>(&'bench mut Bencher<'a>);

impl OnThreads for SpawnJoin<'_, '_> {
    type Output = ();

    fn run<R: Runner>(self, runner: &R) -> Result<(), BenchError> {
        let seed = self.0.random();
        let expected = work(seed);
        let mut error = None;
        self.0
            .measure(Expected::Each(expected), || {
                let joined =
                    runner.spawn(Box::new(move || work(seed))).and_then(|thread| runner.join(thread));
                joined.unwrap_or_else(|reason| {
                    error = Some(reason);
                    !expected
                })
            })
            .map_err(|wrong| error.take().map_or(wrong, BenchError::Failed))
    }
}

/// What the thread does: next to nothing, with a result that only it can have.
fn work(seed: u64) -> u64 {
    seed.rotate_left(13) ^ 0x5555_5555_5555_5555
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_returns_depends_on_its_seed() {
        assert_ne!(work(5), work(6));
        assert_ne!(work(5), 5);
    }
}
