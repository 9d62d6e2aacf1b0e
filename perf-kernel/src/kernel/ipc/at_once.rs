//! Calls and answers without bytes whose other side waits for nothing else: in a few steps.

use super::table::{Ipc, State, at};
use super::types::{Delivery, Handle, PartyId, Right};

impl<W: Copy, B: Default> Ipc<W, B> {
    /// [`Ipc::call`] with two words if one receives already, and no other: says how to wake that one. Else `None`, and nothing has
    /// changed.
    #[expect(clippy::inline_always, reason = "most of what a call costs")]
    #[inline(always)]
    pub fn call_at_once(&mut self, me: PartyId, handle: Handle, words: [u64; 2]) -> Option<W> {
        let Self { parties, endpoints } = self;
        let party = at(parties, me.slot, me.generation)?;
        let id = party.resolve(handle, Right::Call).ok()?;
        // One that receives has a handle to do so.
        let receiver = at(endpoints, id.slot, id.generation)?.receivers.pop_sole()?;
        party.outcome = None;
        party.state = State::Answered(receiver);
        let party = at(parties, receiver.slot, receiver.generation)?;
        party.caller = Some(me);
        party.message = Delivery { words, length: 0 };
        party.outcome = Some(Ok(()));
        party.state = State::Running;
        Some(party.wake)
    }

    /// [`Ipc::reply_and_receive`] with two words if nobody waits at the endpoint yet and somebody may call: says how to wake the caller.
    /// Else `None`, and nothing has changed.
    #[expect(clippy::inline_always, reason = "most of what an answer costs")]
    #[inline(always)]
    pub fn reply_at_once(&mut self, me: PartyId, handle: Handle, words: [u64; 2]) -> Option<W> {
        let Self { parties, endpoints } = self;
        let party = at(parties, me.slot, me.generation)?;
        let caller = party.caller?;
        let id = party.resolve(handle, Right::Receive).ok()?;
        let endpoint = at(endpoints, id.slot, id.generation)?;
        if !endpoint.senders.is_empty() || !endpoint.receivers.is_empty() || endpoint.call_handles == 0 {
            return None;
        }
        endpoint.receivers.push_back(me);
        party.caller = None;
        party.outcome = None;
        party.state = State::Receiving(id);
        // As long as it is the caller, it waits for this answer.
        let party = at(parties, caller.slot, caller.generation)?;
        party.message = Delivery { words, length: 0 };
        party.outcome = Some(Ok(()));
        party.state = State::Running;
        Some(party.wake)
    }

    /// [`Ipc::take_outcome`] if that is a message without bytes: its words. Else `None`, and nothing has changed.
    #[inline]
    pub fn take_words(&mut self, me: PartyId) -> Option<[u64; 2]> {
        let party = at(&mut self.parties, me.slot, me.generation)?;
        if party.outcome != Some(Ok(())) || party.message.length > 0 {
            return None;
        }
        party.outcome = None;
        Some(party.message.words)
    }
}
