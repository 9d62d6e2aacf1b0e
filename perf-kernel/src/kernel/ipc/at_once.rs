//! Calls and answers without bytes whose other side waits for nothing else: in a few steps.

use super::table::{Ipc, State};
use super::types::{Delivery, Handle, PartyId, Right};

impl<W: Copy + Default, B: Default> Ipc<W, B> {
    /// [`Ipc::call`] of two words if one receives already, and no other: says who that is and how to wake it. The caller
    /// brings it the words, by [`Ipc::deliver`] or by itself. Else `None`, and nothing has changed.
    #[expect(clippy::inline_always, reason = "most of what a call costs")]
    #[inline(always)]
    pub fn call_at_once(&mut self, me: PartyId, handle: Handle) -> Option<(PartyId, W)> {
        let Self { parties, endpoints } = self;
        let party = parties.at(me.0)?;
        let id = party.resolve(handle, Right::Call).ok()?;
        // One that receives has a handle to do so.
        let receiver = endpoints.at(id.0)?.receivers.pop_sole()?;
        party.outcome = None;
        party.state = State::Answered(receiver);
        let party = parties.at(receiver.0)?;
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
        let party = parties.at(me.0)?;
        let caller = party.caller?;
        let id = party.resolve(handle, Right::Receive).ok()?;
        let endpoint = endpoints.at(id.0)?;
        if !endpoint.senders.is_empty() || !endpoint.receivers.is_empty() || endpoint.call_handles == 0 {
            return None;
        }
        endpoint.receivers.push_back(me);
        party.caller = None;
        party.outcome = None;
        party.state = State::Receiving(id);
        // As long as it is the caller, it waits for this answer.
        let party = parties.at(caller.0)?;
        party.state = State::Running;
        Some((caller, party.wake))
    }

    /// Leaves `words` for `party`, which one of the two has named.
    pub fn deliver(&mut self, party: PartyId, words: [u64; 2]) {
        if let Some(party) = self.parties.at(party.0) {
            party.message = Delivery { words, length: 0 };
            party.outcome = Some(Ok(()));
        }
    }
}
