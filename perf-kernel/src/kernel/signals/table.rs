//! Who has signals, and whom each may send them to.

use alloc::vec::Vec;

use super::signal::Signal;
use super::state::Signals;

/// Names a process. One that has left is never taken for a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberId {
    slot: u32,
    generation: u32,
}

/// Why a call about signals was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// There is no such signal, or what it does cannot be changed.
    #[error("use a signal that is not there, or that cannot be caught")]
    NoSignal,
    /// The program was not given the right.
    #[error("send a signal to a process without the right to")]
    NoTarget,
    /// The process has ended.
    #[error("send a signal to a process that has ended")]
    Gone,
    /// A handler is not in user memory.
    #[error("have a handler that is not in user memory")]
    NotUser,
    /// The heap is full.
    #[error("get memory for signals")]
    OutOfMemory,
}

/// All processes of a kernel that have to do with signals. `W` wakes one that waits.
///
/// A process names another by the place among those that it may send to, from 1; 0 is itself.
pub struct SignalTable<W> {
    members: Vec<Place<W>>,
}

struct Place<W> {
    generation: u32,
    member: Option<Member<W>>,
}

struct Member<W> {
    wake: W,
    signals: Signals,
    targets: Vec<MemberId>,
}

impl<W: Copy> Default for SignalTable<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Copy> SignalTable<W> {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self { members: Vec::new() }
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.iter().all(|place| place.member.is_none())
    }

    /// Adds a process that may send to itself alone, and that `wake` wakes.
    ///
    /// # Errors
    /// The heap is full.
    pub fn join(&mut self, wake: W) -> Result<MemberId, SignalError> {
        let free = self.members.iter().position(|place| place.member.is_none());
        let slot = match free {
            Some(slot) => slot,
            None => {
                self.members.try_reserve(1).map_err(|_| SignalError::OutOfMemory)?;
                self.members.push(Place { generation: 0, member: None });
                self.members.len() - 1
            }
        };
        let place = self.members.get_mut(slot).ok_or(SignalError::OutOfMemory)?;
        place.member = Some(Member { wake, signals: Signals::new(), targets: Vec::new() });
        let slot = u32::try_from(slot).map_err(|_| SignalError::OutOfMemory)?;
        Ok(MemberId { slot, generation: place.generation })
    }

    /// Says what wakes `member` from now on.
    pub fn set_wake(&mut self, member: MemberId, wake: W) {
        if let Some(member) = self.member(member) {
            member.wake = wake;
        }
    }

    /// Lets `member` send to `target`; by what it names that.
    ///
    /// # Errors
    /// One of the two is gone, or the heap is full.
    pub fn allow(&mut self, member: MemberId, target: MemberId) -> Result<u64, SignalError> {
        self.member(target).ok_or(SignalError::Gone)?;
        let targets = &mut self.member(member).ok_or(SignalError::Gone)?.targets;
        targets.try_reserve(1).map_err(|_| SignalError::OutOfMemory)?;
        targets.push(target);
        Ok(targets.len() as u64)
    }

    /// Sends `signal` from `sender` to the one that it names by `target`. Says how to wake that one if there is something
    /// to do for it now.
    ///
    /// # Errors
    /// There is no such target, or it has left.
    pub fn send(&mut self, sender: MemberId, target: u64, signal: Signal) -> Result<Option<W>, SignalError> {
        let from = self.member(sender).ok_or(SignalError::Gone)?;
        let target = match usize::try_from(target).map_err(|_| SignalError::NoTarget)?.checked_sub(1) {
            None => sender,
            Some(place) => *from.targets.get(place).ok_or(SignalError::NoTarget)?,
        };
        let to = self.member(target).ok_or(SignalError::Gone)?;
        Ok(to.signals.send(signal).then_some(to.wake))
    }

    /// The signals of `member`; `None` if it has left.
    pub fn signals_mut(&mut self, member: MemberId) -> Option<&mut Signals> {
        self.member(member).map(|member| &mut member.signals)
    }

    /// Takes `member` out, with all that waits for it.
    pub fn leave(&mut self, member: MemberId) {
        let Some(place) = self.members.get_mut(member.slot as usize) else { return };
        if place.generation == member.generation && place.member.take().is_some() {
            place.generation = place.generation.wrapping_add(1);
        }
    }

    fn member(&mut self, id: MemberId) -> Option<&mut Member<W>> {
        let place = self.members.get_mut(id.slot as usize)?;
        if place.generation == id.generation { place.member.as_mut() } else { None }
    }
}
