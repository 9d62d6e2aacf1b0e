//! Waiting for a condition of a value behind a mutex.

use core::fmt;

use super::wait_queue::{WaitQueue, wait};
use super::{Deadline, Guarded, LockError, MutexGuard, Scheduler, Wake};

/// Threads that wait until another has changed a value and says so.
///
/// A thread is queued before it unlocks: a notification that comes after the unlock reaches it. There are no spurious
/// wake-ups, but by the time that a thread has the lock again, another may have changed the value back.
pub struct Condvar<S: Scheduler> {
    scheduler: S,
    waiters: S::Guarded<WaitQueue<S::Thread>>,
}

/// How a wait with a deadline ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notified {
    /// Another thread notified this one.
    Yes,
    /// The deadline passed before.
    TimedOut,
}

impl<S: Scheduler> Condvar<S> {
    /// Nobody waits.
    pub fn new(scheduler: S) -> Self {
        Self { waiters: scheduler.guard(WaitQueue::new()), scheduler }
    }

    /// Unlocks, waits to be notified, and locks again.
    ///
    /// # Errors
    /// [`LockError::Poisoned`]; the mutex is then unlocked.
    pub fn wait<'mutex, T>(
        &self,
        guard: MutexGuard<'mutex, T, S>,
    ) -> Result<MutexGuard<'mutex, T, S>, LockError> {
        self.wait_by(guard, None).map(|(guard, _)| guard)
    }

    /// Unlocks, waits to be notified until `deadline`, and locks again, however long that takes.
    ///
    /// # Errors
    /// [`LockError::Poisoned`]; the mutex is then unlocked.
    pub fn wait_until<'mutex, T>(
        &self,
        guard: MutexGuard<'mutex, T, S>,
        deadline: Deadline,
    ) -> Result<(MutexGuard<'mutex, T, S>, Notified), LockError> {
        self.wait_by(guard, Some(deadline))
    }

    /// Notifies the first waiter, if there is one; whether there was.
    pub fn notify_one(&self) -> bool {
        let first = self.waiters.with(WaitQueue::pop);
        if let Some(first) = &first {
            self.scheduler.unpark(&first.thread);
        }
        first.is_some()
    }

    /// Notifies all that wait now, and says how many those were.
    pub fn notify_all(&self) -> usize {
        self.waiters.with(|waiters| {
            let count = waiters.len();
            while let Some(waiter) = waiters.pop() {
                self.scheduler.unpark(&waiter.thread);
            }
            count
        })
    }

    fn wait_by<'mutex, T>(
        &self,
        guard: MutexGuard<'mutex, T, S>,
        deadline: Option<Deadline>,
    ) -> Result<(MutexGuard<'mutex, T, S>, Notified), LockError> {
        let mutex = guard.mutex();
        let me = mutex.scheduler().current();
        let priority = self.scheduler.priority(&me);
        let ticket = self.waiters.with(|waiters| waiters.push(me, priority, ()));
        drop(guard);
        let notified = wait(&self.scheduler, &self.waiters, deadline, |waiters, wake| {
            if !waiters.has(ticket) {
                return Some(Notified::Yes);
            }
            (wake == Wake::TimedOut).then(|| {
                waiters.remove(ticket);
                Notified::TimedOut
            })
        });
        Ok((mutex.lock()?, notified))
    }
}

impl<S: Scheduler> fmt::Debug for Condvar<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
