//! Calls and answers without bytes whose other side waits for nothing else: in a few steps.

use super::table::{Ipc, State, at};
use super::types::{Delivery, Handle, PartyId, Right};

impl<W: Copy, B: Default> Ipc<W, B> {
    /// [`Ipc::call`] of two words if one receives already, and no other: says who that is and how to wake it. The caller
    /// brings it the words, by [`Ipc::deliver`] or by itself. Else `None`, and nothing has changed.
    #[expect(clippy::inline_always, reason = "most of what a call costs")]
    #[inline(always)]
    pub fn call_at_once(&mut self, me: PartyId, handle: Handle) -> Option<(PartyId, W)> {
        let Self { parties, endpoints } = self;
        let party = at(parties, me.slot, me.generation)?;
        let id = party.resolve(handle, Right::Call).ok()?;
        // One that receives has a handle to do so.
        let receiver = at(endpoints, id.slot, id.generation)?.receivers.pop_sole()?;
        party.outcome = None;
        party.state = State::Answered(receiver);
        let party = at(parties, receiver.slot, receiver.generation)?;
        party.caller = Some(me);
        party.state = State::Running;
        Some((receiver, party.wake))
    }

    /// [`Ipc::reply_and_receive`] of two words if nobody waits at the endpoint yet and somebody may call: says who called and
    /// how to wake it, as [`Ipc::call_at_once`] does. Else `None`, and nothing has changed.
    #[expect(clippy::inline_always, reason = "most of what an answer costs")]
    #[inline(always)]
    pub fn reply_at_once(&mut self, me: PartyId, handle: Handle) -> Option<(PartyId, W)> {
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
        party.state = State::Running;
        Some((caller, party.wake))
    }

    /// Leaves `words` for `party`, which one of the two has named.
    pub fn deliver(&mut self, party: PartyId, words: [u64; 2]) {
        if let Some(party) = at(&mut self.parties, party.slot, party.generation) {
            party.message = Delivery { words, length: 0 };
            party.outcome = Some(Ok(()));
        }
    }
}
