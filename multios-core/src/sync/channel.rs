//! Messages from threads to threads.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use super::wait_queue::{Ticket, WaitQueue, wait};
use super::{Deadline, Guarded, Scheduler, Wake};

/// A bounded queue of messages between any number of senders and receivers.
///
/// Messages are received in the order in which they found room. A sender that finds the channel full, and a receiver that
/// finds it empty, are parked. Once it is closed nothing is sent, those that wait to send get their messages back, and
/// what is in it can still be received.
pub struct Channel<T: Send, S: Scheduler> {
    scheduler: S,
    capacity: NonZeroUsize,
    state: S::Guarded<State<T, S::Thread>>,
}

struct State<T, H> {
    messages: VecDeque<T>,
    is_closed: bool,
    /// They wait only while there is no room; each with its message.
    senders: WaitQueue<H, T>,
    /// They wait only while there is no message.
    receivers: WaitQueue<H>,
    /// Messages for receivers that have been served and have not woken up yet.
    handed: Vec<(Ticket, T)>,
}

/// A message that was not sent, with the reason.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}")]
pub struct SendError<T> {
    /// What was to be sent.
    pub message: T,
    /// Why it was not.
    pub refusal: SendRefusal,
}

/// Why a message is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendRefusal {
    /// There is no room, and the caller does not wait.
    #[error("send a message: the channel is full")]
    Full,
    /// The deadline has passed.
    #[error("send a message: the channel was full until the deadline")]
    TimedOut,
    /// The channel is closed.
    #[error("send a message: the channel is closed")]
    Closed,
}

/// Why no message is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// There is none, and the caller does not wait.
    #[error("receive a message: there is none")]
    Empty,
    /// The deadline has passed.
    #[error("receive a message: none came before the deadline")]
    TimedOut,
    /// The channel is closed and nothing is left in it.
    #[error("receive a message: the channel is closed and empty")]
    Closed,
}

impl<T: Send, S: Scheduler> Channel<T, S> {
    /// An open channel that holds up to `capacity` messages, whose room is taken at once.
    pub fn new(scheduler: S, capacity: NonZeroUsize) -> Self {
        let state = State {
            messages: VecDeque::with_capacity(capacity.get()),
            is_closed: false,
            senders: WaitQueue::new(),
            receivers: WaitQueue::new(),
            handed: Vec::new(),
        };
        Self { state: scheduler.guard(state), scheduler, capacity }
    }

    /// Sends `message`, and waits for room as long as it must.
    ///
    /// # Errors
    /// [`SendRefusal::Closed`], with the message.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.send_by(message, None)
    }

    /// Sends `message`, and waits for room until `deadline`.
    ///
    /// # Errors
    /// [`SendRefusal::Closed`] or [`SendRefusal::TimedOut`], with the message.
    pub fn send_until(&self, message: T, deadline: Deadline) -> Result<(), SendError<T>> {
        self.send_by(message, Some(deadline))
    }

    /// Sends `message` if there is room.
    ///
    /// # Errors
    /// [`SendRefusal::Closed`] or [`SendRefusal::Full`], with the message.
    pub fn try_send(&self, message: T) -> Result<(), SendError<T>> {
        self.deliver(message)
    }

    /// Receives the first message, and waits for one as long as it must.
    ///
    /// # Errors
    /// [`ReceiveError::Closed`].
    pub fn receive(&self) -> Result<T, ReceiveError> {
        self.receive_by(None)
    }

    /// Receives the first message, and waits for one until `deadline`.
    ///
    /// # Errors
    /// [`ReceiveError::Closed`] or [`ReceiveError::TimedOut`].
    pub fn receive_until(&self, deadline: Deadline) -> Result<T, ReceiveError> {
        self.receive_by(Some(deadline))
    }

    /// Receives the first message if there is one.
    ///
    /// # Errors
    /// [`ReceiveError::Closed`] or [`ReceiveError::Empty`].
    pub fn try_receive(&self) -> Result<T, ReceiveError> {
        self.state.with(|state| self.take(state))
    }

    /// Lets nothing be sent from now on, and sends those away that wait.
    pub fn close(&self) {
        self.state.with(|state| {
            state.is_closed = true;
            state.senders.iter().for_each(|waiter| self.scheduler.unpark(&waiter.thread));
            state.receivers.iter().for_each(|waiter| self.scheduler.unpark(&waiter.thread));
        });
    }

    /// Messages in it now.
    pub fn len(&self) -> usize {
        self.state.with(|state| state.messages.len())
    }

    /// Whether no message is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Threads that wait to send and to receive now.
    pub fn waiters(&self) -> (usize, usize) {
        self.state.with(|state| (state.senders.len(), state.receivers.len()))
    }

    /// Sends without waiting.
    fn deliver(&self, message: T) -> Result<(), SendError<T>> {
        let served = self.state.with(|state| self.put(state, message))?;
        if let Some(thread) = served {
            self.scheduler.unpark(&thread);
        }
        Ok(())
    }

    /// Hands `message` to the first receiver that waits, who is returned, or else keeps it if there is room.
    fn put(&self, state: &mut State<T, S::Thread>, message: T) -> Result<Option<S::Thread>, SendError<T>> {
        if state.is_closed {
            return Err(SendError { message, refusal: SendRefusal::Closed });
        }
        if let Some(receiver) = state.receivers.pop() {
            state.handed.push((receiver.ticket, message));
            return Ok(Some(receiver.thread));
        }
        if state.messages.len() == self.capacity.get() {
            return Err(SendError { message, refusal: SendRefusal::Full });
        }
        state.messages.push_back(message);
        Ok(None)
    }

    /// Takes the first message, and keeps that of the first sender that waits in its place.
    fn take(&self, state: &mut State<T, S::Thread>) -> Result<T, ReceiveError> {
        let Some(message) = state.messages.pop_front() else {
            return Err(if state.is_closed { ReceiveError::Closed } else { ReceiveError::Empty });
        };
        if !state.is_closed
            && let Some(sender) = state.senders.pop()
        {
            state.messages.push_back(sender.cargo);
            self.scheduler.unpark(&sender.thread);
        }
        Ok(message)
    }

    fn send_by(&self, message: T, deadline: Option<Deadline>) -> Result<(), SendError<T>> {
        let (ticket, served) = self.state.with(|state| match self.put(state, message) {
            Err(SendError { message, refusal: SendRefusal::Full }) => {
                let me = self.scheduler.current();
                let priority = self.scheduler.priority(&me);
                Ok((Some(state.senders.push(me, priority, message)), None))
            }
            put => put.map(|served| (None, served)),
        })?;
        if let Some(thread) = served {
            self.scheduler.unpark(&thread);
        }
        let Some(ticket) = ticket else { return Ok(()) };
        wait(&self.scheduler, &self.state, deadline, |state, wake| {
            if !state.senders.has(ticket) {
                return Some(Ok(()));
            }
            let refusal = match wake {
                _ if state.is_closed => SendRefusal::Closed,
                Wake::TimedOut => SendRefusal::TimedOut,
                Wake::Unparked => return None,
            };
            let message = state.senders.remove(ticket)?.cargo;
            Some(Err(SendError { message, refusal }))
        })
    }

    fn receive_by(&self, deadline: Option<Deadline>) -> Result<T, ReceiveError> {
        let queued = self.state.with(|state| match self.take(state) {
            Err(ReceiveError::Empty) => {
                let me = self.scheduler.current();
                let priority = self.scheduler.priority(&me);
                Err(Ok(state.receivers.push(me, priority, ())))
            }
            Err(error) => Err(Err(error)),
            Ok(message) => Ok(message),
        });
        let ticket = match queued {
            Ok(message) => return Ok(message),
            Err(ticket) => ticket?,
        };
        wait(&self.scheduler, &self.state, deadline, |state, wake| {
            if let Some(at) = state.handed.iter().position(|(receiver, _)| *receiver == ticket) {
                return Some(Ok(state.handed.swap_remove(at).1));
            }
            let error = match wake {
                _ if state.is_closed => ReceiveError::Closed,
                Wake::TimedOut => ReceiveError::TimedOut,
                Wake::Unparked => return None,
            };
            state.receivers.remove(ticket);
            Some(Err(error))
        })
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

impl<T: Send, S: Scheduler> fmt::Debug for Channel<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}
