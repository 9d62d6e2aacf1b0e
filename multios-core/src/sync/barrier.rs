//! A place that threads leave together.

use core::fmt;
use core::num::NonZeroUsize;

use super::wait_queue::{WaitQueue, wait};
use super::{Deadline, Guarded, Scheduler, Wake};

/// Lets threads go on when so many of them have arrived, again and again.
///
/// The last to arrive leads the round and is not parked. One whose deadline passes takes its arrival back: the round
/// then needs another in its place.
pub struct Barrier<S: Scheduler> {
    scheduler: S,
    threads: NonZeroUsize,
    waiters: S::Guarded<WaitQueue<S::Thread>>,
}

/// How a thread left a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It came last: one of a round.
    Led,
    /// It waited for others.
    Followed,
}

/// Why a thread left a barrier alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarrierError {
    /// The deadline has passed.
    #[error("pass the barrier: too few threads had arrived at the deadline")]
    TimedOut,
}

impl<S: Scheduler> Barrier<S> {
    /// A barrier for rounds of `threads`.
    pub fn new(scheduler: S, threads: NonZeroUsize) -> Self {
        Self { waiters: scheduler.guard(WaitQueue::new()), scheduler, threads }
    }

    /// Arrives, and waits until the round is complete.
    ///
    /// # Errors
    /// None without a deadline; the type is that of [`Barrier::wait_until`].
    pub fn wait(&self) -> Result<Arrival, BarrierError> {
        self.wait_by(None)
    }

    /// Arrives, and waits until the round is complete or `deadline` has passed.
    ///
    /// # Errors
    /// [`BarrierError::TimedOut`].
    pub fn wait_until(&self, deadline: Deadline) -> Result<Arrival, BarrierError> {
        self.wait_by(Some(deadline))
    }

    /// Threads that have arrived and wait.
    pub fn waiters(&self) -> usize {
        self.waiters.with(|waiters| waiters.len())
    }

    fn wait_by(&self, deadline: Option<Deadline>) -> Result<Arrival, BarrierError> {
        let me = self.scheduler.current();
        let priority = self.scheduler.priority(&me);
        let ticket = self.waiters.with(|waiters| {
            if waiters.len() + 1 < self.threads.get() {
                return Some(waiters.push(me, priority, ()));
            }
            while let Some(waiter) = waiters.pop() {
                self.scheduler.unpark(&waiter.thread);
            }
            None
        });
        let Some(ticket) = ticket else { return Ok(Arrival::Led) };
        wait(&self.scheduler, &self.waiters, deadline, |waiters, wake| {
            if !waiters.has(ticket) {
                return Some(Ok(Arrival::Followed));
            }
            (wake == Wake::TimedOut).then(|| {
                waiters.remove(ticket);
                Err(BarrierError::TimedOut)
            })
        })
    }
}

impl<S: Scheduler> fmt::Debug for Barrier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").field("threads", &self.threads).finish_non_exhaustive()
    }
}
