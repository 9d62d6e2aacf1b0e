//! Mutual exclusion.

use core::cell::UnsafeCell;
use core::fmt;
use core::ops::{Deref, DerefMut};

use super::wait_queue::{Ticket, WaitQueue, wait};
use super::{Deadline, Guarded, Scheduler, Wake};

/// A value that one thread has at a time; the others are parked.
///
/// An unlock hands the lock to the first waiter: a thread that comes later cannot take it before. Whoever waits lends
/// the owner its priority as it was when it began to wait, until it is served or gives up; what an owner is lent while it
/// waits itself is not passed on. A thread that unwinds with the lock leaves the mutex poisoned.
pub struct Mutex<T, S: Scheduler> {
    scheduler: S,
    state: S::Guarded<State<S::Thread>>,
    value: UnsafeCell<T>,
}

struct State<H> {
    owner: Option<H>,
    is_poisoned: bool,
    waiters: WaitQueue<H>,
}

/// Why a mutex is not locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Another thread has it, and the caller does not wait.
    #[error("lock the mutex: another thread has it")]
    Contended,
    /// The deadline has passed.
    #[error("lock the mutex: its owner kept it beyond the deadline")]
    TimedOut,
    /// The calling thread has it already, and would wait for itself.
    #[error("lock the mutex: the calling thread has it already")]
    Deadlock,
    /// A thread panicked while it had it. The value may be half changed: see [`Mutex::clear_poison`].
    #[error("lock the mutex: a thread panicked while it had it")]
    Poisoned,
}

// SAFETY: the value is lent to one thread at a time, which may be any: that sends it from thread to thread.
unsafe impl<T: Send, S: Scheduler + Send> Send for Mutex<T, S> where S::Guarded<State<S::Thread>>: Send {}
// SAFETY: as above; a shared mutex hands out the value to one thread at a time.
unsafe impl<T: Send, S: Scheduler + Sync> Sync for Mutex<T, S> where S::Guarded<State<S::Thread>>: Sync {}

impl<T, S: Scheduler> Mutex<T, S> {
    /// An unlocked mutex.
    pub fn new(scheduler: S, value: T) -> Self {
        let state = State { owner: None, is_poisoned: false, waiters: WaitQueue::new() };
        Self { state: scheduler.guard(state), scheduler, value: UnsafeCell::new(value) }
    }

    /// Takes the lock, and waits for it as long as it must.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] or [`LockError::Poisoned`].
    pub fn lock(&self) -> Result<MutexGuard<'_, T, S>, LockError> {
        self.lock_by(None)
    }

    /// Takes the lock, and waits for it until `deadline`.
    ///
    /// # Errors
    /// [`LockError::Deadlock`], [`LockError::Poisoned`] or [`LockError::TimedOut`].
    pub fn lock_until(&self, deadline: Deadline) -> Result<MutexGuard<'_, T, S>, LockError> {
        self.lock_by(Some(deadline))
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    /// [`LockError::Deadlock`], [`LockError::Poisoned`] or [`LockError::Contended`].
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T, S>, LockError> {
        let me = self.scheduler.current();
        self.state.with(|state| match &state.owner {
            Some(owner) if *owner == me => Err(LockError::Deadlock),
            Some(_) => Err(LockError::Contended),
            None if state.is_poisoned => Err(LockError::Poisoned),
            None => {
                state.owner = Some(me);
                Ok(())
            }
        })?;
        Ok(MutexGuard { mutex: self })
    }

    /// Says that the value is in order again after a panic.
    pub fn clear_poison(&self) {
        self.state.with(|state| state.is_poisoned = false);
    }

    /// The value, poisoned or not.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// Threads that wait for the lock now.
    pub fn waiters(&self) -> usize {
        self.state.with(|state| state.waiters.len())
    }

    pub(super) const fn scheduler(&self) -> &S {
        &self.scheduler
    }

    fn lock_by(&self, deadline: Option<Deadline>) -> Result<MutexGuard<'_, T, S>, LockError> {
        let me = self.scheduler.current();
        match self.state.with(|state| self.take_or_queue(state, &me))? {
            None => {}
            Some(ticket) => {
                wait(&self.scheduler, &self.state, deadline, |state, wake| {
                    self.settle(state, &me, ticket, wake)
                })?;
            }
        }
        Ok(MutexGuard { mutex: self })
    }

    fn take_or_queue(
        &self,
        state: &mut State<S::Thread>,
        me: &S::Thread,
    ) -> Result<Option<Ticket>, LockError> {
        match &state.owner {
            Some(owner) if owner == me => Err(LockError::Deadlock),
            // Whoever is queued after a panic is told so when its turn comes.
            None if state.is_poisoned => Err(LockError::Poisoned),
            None => {
                state.owner = Some(me.clone());
                Ok(None)
            }
            Some(owner) => {
                let priority = self.scheduler.priority(me);
                self.scheduler.lend(owner, priority);
                Ok(Some(state.waiters.push(me.clone(), priority, ())))
            }
        }
    }

    fn settle(
        &self,
        state: &mut State<S::Thread>,
        me: &S::Thread,
        ticket: Ticket,
        wake: Wake,
    ) -> Option<Result<(), LockError>> {
        if !state.waiters.has(ticket) {
            if !state.is_poisoned {
                return Some(Ok(()));
            }
            // The lock came with the poison: the next one is told as well.
            debug_assert!(state.owner.as_ref() == Some(me));
            self.hand_on(state);
            return Some(Err(LockError::Poisoned));
        }
        if wake == Wake::TimedOut {
            state.waiters.remove(ticket);
            if let Some(owner) = &state.owner {
                self.scheduler.end_loan(owner, ticket.priority());
            }
            return Some(Err(LockError::TimedOut));
        }
        None
    }

    /// Takes the lock from its owner and hands it to the first waiter, whose loans are from now on to the new owner.
    fn hand_on(&self, state: &mut State<S::Thread>) {
        let old = state.owner.take();
        let Some(first) = state.waiters.pop() else { return };
        if let Some(old) = &old {
            self.scheduler.end_loan(old, first.ticket.priority());
        }
        for waiter in state.waiters.iter() {
            self.scheduler.lend(&first.thread, waiter.ticket.priority());
            if let Some(old) = &old {
                self.scheduler.end_loan(old, waiter.ticket.priority());
            }
        }
        self.scheduler.unpark(&first.thread);
        state.owner = Some(first.thread);
    }

    fn unlock(&self) {
        let is_unwinding = self.scheduler.is_unwinding();
        self.state.with(|state| {
            state.is_poisoned |= is_unwinding;
            self.hand_on(state);
        });
    }
}

impl<T, S: Scheduler> fmt::Debug for Mutex<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// The right to the value; dropping it unlocks.
#[must_use = "the mutex is unlocked again at once"]
pub struct MutexGuard<'mutex, T, S: Scheduler> {
    mutex: &'mutex Mutex<T, S>,
}

// SAFETY: a shared guard only lends the value for reading.
unsafe impl<T: Sync, S: Scheduler> Sync for MutexGuard<'_, T, S> where Mutex<T, S>: Sync {}

impl<'mutex, T, S: Scheduler> MutexGuard<'mutex, T, S> {
    pub(super) const fn mutex(&self) -> &'mutex Mutex<T, S> {
        self.mutex
    }
}

impl<T, S: Scheduler> Deref for MutexGuard<'_, T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the owner of the lock alone has a guard.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T, S: Scheduler> DerefMut for MutexGuard<'_, T, S> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the owner of the lock alone has a guard, which is borrowed exclusively.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T, S: Scheduler> Drop for MutexGuard<'_, T, S> {
    fn drop(&mut self) {
        self.mutex.unlock();
    }
}

impl<T: fmt::Debug, S: Scheduler> fmt::Debug for MutexGuard<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
