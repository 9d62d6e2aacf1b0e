//! Threads that wait, in the order in which they are served.

use alloc::collections::VecDeque;
use core::cmp::Reverse;

use super::{Deadline, Guarded, Priority, Scheduler, Wake};

/// Names one waiting of one thread: who waits, how urgently, and since when. Orders like the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    priority: Reverse<Priority>,
    number: u64,
}

impl Ticket {
    /// How urgent the thread was when it began to wait.
    pub(super) const fn priority(self) -> Priority {
        self.priority.0
    }
}

/// One that waits, with what it brought.
pub(super) struct Waiter<T, C> {
    pub(super) ticket: Ticket,
    pub(super) thread: T,
    pub(super) cargo: C,
}

/// Waiters by priority, highest first, then by when they came.
pub(super) struct WaitQueue<T, C = ()> {
    waiters: VecDeque<Waiter<T, C>>,
    next: u64,
}

impl<T: Clone, C> WaitQueue<T, C> {
    pub(super) const fn new() -> Self {
        Self { waiters: VecDeque::new(), next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Queues `thread` behind all that are as urgent.
    pub(super) fn push(&mut self, thread: T, priority: Priority, cargo: C) -> Ticket {
        let ticket = Ticket { priority: Reverse(priority), number: self.next };
        self.next += 1;
        let at = match self.waiters.back() {
            Some(last) if last.ticket > ticket => {
                self.waiters.partition_point(|waiter| waiter.ticket < ticket)
            }
            _ => self.waiters.len(),
        };
        self.waiters.insert(at, Waiter { ticket, thread, cargo });
        ticket
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<Waiter<T, C>> {
        self.waiters.pop_front()
    }

    /// Takes the waiter with `ticket`; `None` if it was served before.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Waiter<T, C>> {
        let at = self.waiters.binary_search_by(|waiter| waiter.ticket.cmp(&ticket)).ok()?;
        self.waiters.remove(at)
    }

    /// Whether the waiter with `ticket` is still to be served.
    pub(super) fn has(&self, ticket: Ticket) -> bool {
        self.waiters.binary_search_by(|waiter| waiter.ticket.cmp(&ticket)).is_ok()
    }

    /// All, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter<T, C>> {
        self.waiters.iter()
    }
}

/// Parks until `settle` says how the waiting ended. It is asked, under the state's lock, after each park, and is told
/// whether the deadline has passed: then it must come to an end, and leave the queue if it was not served.
pub(super) fn wait<S: Scheduler, T: Send, R>(
    scheduler: &S,
    state: &S::Guarded<T>,
    deadline: Option<Deadline>,
    mut settle: impl FnMut(&mut T, Wake) -> Option<R>,
) -> R {
    loop {
        let wake = scheduler.park(deadline);
        if let Some(result) = state.with(|state| settle(state, wake)) {
            return result;
        }
    }
}
