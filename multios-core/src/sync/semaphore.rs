//! A counter of permits.

use core::fmt;

use super::wait_queue::{WaitQueue, wait};
use super::{Deadline, Guarded, Scheduler, Wake};

/// Permits that threads take and give; one that finds none is parked until it is handed one.
///
/// A permit that is given while threads wait goes to the first of them. Once the semaphore is closed, nobody gets a
/// permit, those that wait included.
pub struct Semaphore<S: Scheduler> {
    scheduler: S,
    permits_max: u32,
    state: S::Guarded<State<S::Thread>>,
}

struct State<H> {
    permits: u32,
    is_closed: bool,
    waiters: WaitQueue<H>,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcquireError {
    /// There is none, and the caller does not wait.
    #[error("take a permit: there is none")]
    NonePresent,
    /// The deadline has passed.
    #[error("take a permit: none came before the deadline")]
    TimedOut,
    /// The semaphore is closed.
    #[error("take a permit: the semaphore is closed")]
    Closed,
}

/// Why a permit is not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// There are as many as there may be: somebody gives what it never took.
    #[error("give a permit: all {0} are there already")]
    Overflow(u32),
}

impl<S: Scheduler> Semaphore<S> {
    /// A semaphore with `permits`, and never more than `permits_max`, or than `permits` if that is more.
    pub fn new(scheduler: S, permits: u32, permits_max: u32) -> Self {
        let state = State { permits, is_closed: false, waiters: WaitQueue::new() };
        Self { state: scheduler.guard(state), scheduler, permits_max: permits_max.max(permits) }
    }

    /// Takes a permit, and waits for one as long as it must.
    ///
    /// # Errors
    /// [`AcquireError::Closed`].
    pub fn acquire(&self) -> Result<(), AcquireError> {
        self.acquire_by(None)
    }

    /// Takes a permit, and waits for one until `deadline`.
    ///
    /// # Errors
    /// [`AcquireError::Closed`] or [`AcquireError::TimedOut`].
    pub fn acquire_until(&self, deadline: Deadline) -> Result<(), AcquireError> {
        self.acquire_by(Some(deadline))
    }

    /// Takes a permit if there is one.
    ///
    /// # Errors
    /// [`AcquireError::Closed`] or [`AcquireError::NonePresent`].
    pub fn try_acquire(&self) -> Result<(), AcquireError> {
        self.state.with(State::take)
    }

    /// Gives a permit, to the first waiter if there is one. Possible after a close too.
    ///
    /// # Errors
    /// There would be more permits than there may be; none is added.
    pub fn release(&self) -> Result<(), ReleaseError> {
        let served = self.state.with(|state| {
            if !state.is_closed
                && let Some(first) = state.waiters.pop()
            {
                return Ok(Some(first.thread));
            }
            if state.permits == self.permits_max {
                return Err(ReleaseError::Overflow(self.permits_max));
            }
            state.permits += 1;
            Ok(None)
        })?;
        if let Some(thread) = served {
            self.scheduler.unpark(&thread);
        }
        Ok(())
    }

    /// Lets nobody have a permit from now on, and sends those away that wait.
    pub fn close(&self) {
        self.state.with(|state| {
            state.is_closed = true;
            state.waiters.iter().for_each(|waiter| self.scheduler.unpark(&waiter.thread));
        });
    }

    /// Permits that are there now.
    pub fn permits(&self) -> u32 {
        self.state.with(|state| state.permits)
    }

    /// Threads that wait now.
    pub fn waiters(&self) -> usize {
        self.state.with(|state| state.waiters.len())
    }

    fn acquire_by(&self, deadline: Option<Deadline>) -> Result<(), AcquireError> {
        let queued = self.state.with(|state| match state.take() {
            Err(AcquireError::NonePresent) => {
                let me = self.scheduler.current();
                let priority = self.scheduler.priority(&me);
                Ok(Some(state.waiters.push(me, priority, ())))
            }
            taken => taken.map(|()| None),
        })?;
        let Some(ticket) = queued else { return Ok(()) };
        wait(&self.scheduler, &self.state, deadline, |state, wake| {
            if !state.waiters.has(ticket) {
                return Some(Ok(()));
            }
            let error = match wake {
                _ if state.is_closed => AcquireError::Closed,
                Wake::TimedOut => AcquireError::TimedOut,
                Wake::Unparked => return None,
            };
            state.waiters.remove(ticket);
            Some(Err(error))
        })
    }
}

impl<H: Clone> State<H> {
    fn take(&mut self) -> Result<(), AcquireError> {
        if self.is_closed {
            return Err(AcquireError::Closed);
        }
        self.permits = self.permits.checked_sub(1).ok_or(AcquireError::NonePresent)?;
        Ok(())
    }
}

impl<S: Scheduler> fmt::Debug for Semaphore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("permits_max", &self.permits_max).finish_non_exhaustive()
    }
}
