//! The table of parties and endpoints, and what becomes of messages.

use alloc::vec::Vec;
use core::mem;

use super::line::Line;
use super::places::Places;
use super::types::{Delivery, EndpointId, Handle, IpcError, IpcUsage, PartyId, Right, Step};

/// All parties and endpoints of a kernel. `W` wakes a party, `B` is memory that a message of a party lies in.
///
/// Nothing here stops or wakes anybody: whoever carries the decisions out calls with one lock held, and a party that is
/// told to wait asks [`Ipc::take_outcome`] whenever it wakes. A delivery exchanges the buffers of the two parties, so that
/// bytes are copied from and to programs alone, and by the one that they belong to.
pub struct Ipc<W, B> {
    pub(super) parties: Places<Party<W, B>>,
    pub(super) endpoints: Places<Endpoint>,
}

#[derive(Default)]
pub(super) struct Party<W, B> {
    pub(super) wake: W,
    handles: Vec<(EndpointId, Right)>,
    pub(super) state: State,
    /// Waits for an answer of this one.
    pub(super) caller: Option<PartyId>,
    /// How its wait has ended; with a message it is what has come.
    pub(super) outcome: Option<Result<(), IpcError>>,
    /// What it sends, as long as it does, and then what has come.
    pub(super) message: Delivery,
    buffer: B,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Running,
    Sending(EndpointId),
    Receiving(EndpointId),
    Answered(PartyId),
}

#[derive(Default)]
pub(super) struct Endpoint {
    /// In the order in which they came; not empty for one of the two at most.
    pub(super) senders: Line,
    pub(super) receivers: Line,
    /// Handles with each right.
    pub(super) call_handles: usize,
    receive_handles: usize,
}

impl<W: Copy + Default, B: Default> Default for Ipc<W, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Copy + Default, B: Default> Ipc<W, B> {
    /// No parties and no endpoints.
    #[must_use]
    pub const fn new() -> Self {
        Self { parties: Places::new(), endpoints: Places::new() }
    }

    /// What there is.
    #[must_use]
    pub fn usage(&self) -> IpcUsage {
        IpcUsage { parties: self.parties.len(), endpoints: self.endpoints.len() }
    }

    /// Adds a party without handles, which `wake` wakes.
    pub fn join(&mut self, wake: W) -> PartyId {
        PartyId(self.parties.put(Party { wake, ..Party::default() }))
    }

    /// Says what wakes `party` from now on.
    pub fn set_wake(&mut self, party: PartyId, wake: W) {
        if let Some(party) = self.party(party) {
            party.wake = wake;
        }
    }

    /// Gives `party` the first handle of a new endpoint, with `right`.
    ///
    /// # Errors
    /// There is no such party.
    pub fn create(&mut self, party: PartyId, right: Right) -> Result<(EndpointId, Handle), IpcError> {
        self.party(party).ok_or(IpcError::Gone)?;
        let endpoint = EndpointId(self.endpoints.put(Endpoint::default()));
        self.grant(party, endpoint, right).map(|handle| (endpoint, handle))
    }

    /// Gives `party` a handle of `endpoint` with `right`.
    ///
    /// # Errors
    /// One of the two is gone.
    pub fn grant(&mut self, party: PartyId, endpoint: EndpointId, right: Right) -> Result<Handle, IpcError> {
        self.party(party).ok_or(IpcError::Gone)?;
        *self.endpoint(endpoint).ok_or(IpcError::Gone)?.handles_mut(right) += 1;
        let handles = &mut self.party(party).ok_or(IpcError::Gone)?.handles;
        handles.push((endpoint, right));
        Ok(Handle(handles.len() - 1))
    }

    /// Sends `message` of `me` through `handle`, and begins to wait for the answer.
    ///
    /// # Errors
    /// The handle is not there or does not allow it, or nobody could ever receive.
    pub fn call(&mut self, me: PartyId, handle: Handle, message: Delivery) -> Result<Step<W>, IpcError> {
        if message.length == 0
            && let Some((receiver, wake)) = self.call_at_once(me, handle)
        {
            self.deliver(receiver, message.words);
            return Ok(Step::HandOver(wake));
        }
        let Self { parties, endpoints } = self;
        let party = parties.at(me.0).ok_or(IpcError::Gone)?;
        let id = party.resolve(handle, Right::Call)?;
        let endpoint = endpoints.at(id.0).ok_or(IpcError::Gone)?;
        if endpoint.receive_handles == 0 {
            return Err(IpcError::Gone);
        }
        party.outcome = None;
        let Some(receiver) = endpoint.receivers.pop_front() else {
            party.message = message;
            party.state = State::Sending(id);
            endpoint.senders.push_back(me);
            return Ok(Step::Wait);
        };
        let wake = self.hand_to(me, receiver, message).ok_or(IpcError::Gone)?;
        Ok(Step::HandOver(wake))
    }

    /// Receives through `handle`. A caller that `me` has not answered is told that nobody will.
    ///
    /// # Errors
    /// The handle is not there or does not allow it, or nobody could ever call.
    pub fn receive(
        &mut self,
        me: PartyId,
        handle: Handle,
        wake: &mut dyn FnMut(W),
    ) -> Result<Step<W>, IpcError> {
        let id = self.resolve(me, handle, Right::Receive)?;
        self.refuse(me).into_iter().for_each(wake);
        let endpoint = self.endpoint(id).ok_or(IpcError::Gone)?;
        if let Some(sender) = endpoint.senders.pop_front() {
            let message = self.party(sender).ok_or(IpcError::Gone)?.message;
            self.hand_to(sender, me, message).ok_or(IpcError::Gone)?;
            let outcome = self.take_outcome(me).unwrap_or(Err(IpcError::Gone));
            return outcome.map(Step::Done);
        }
        if endpoint.call_handles == 0 {
            return Err(IpcError::Gone);
        }
        endpoint.receivers.push_back(me);
        let party = self.party(me).ok_or(IpcError::Gone)?;
        party.outcome = None;
        party.state = State::Receiving(id);
        Ok(Step::Wait)
    }

    /// Answers the caller of `me` with `message`, and says how to wake it.
    ///
    /// # Errors
    /// Nobody waits for an answer of `me`, any more.
    pub fn reply(&mut self, me: PartyId, message: Delivery) -> Result<W, IpcError> {
        let party = self.party(me).ok_or(IpcError::Gone)?;
        let caller = party.caller.take().ok_or(IpcError::NoCaller)?;
        if message.length > 0 {
            self.exchange(me, caller);
        }
        self.end_wait(caller, Ok(message)).ok_or(IpcError::NoCaller)
    }

    /// [`Ipc::reply`] and [`Ipc::receive`] in one. Where `me` then waits, the caller can go on at once: it is what
    /// [`Step::HandOver`] has; else it is woken.
    ///
    /// # Errors
    /// Those of the two. After the first, nothing is received; after the second, the caller has its answer.
    pub fn reply_and_receive(
        &mut self,
        me: PartyId,
        handle: Handle,
        message: Delivery,
        wake: &mut dyn FnMut(W),
    ) -> Result<Step<W>, IpcError> {
        if message.length == 0
            && let Some((caller, wake)) = self.reply_at_once(me, handle)
        {
            self.deliver(caller, message.words);
            return Ok(Step::HandOver(wake));
        }
        let caller = self.reply(me, message)?;
        match self.receive(me, handle, wake) {
            Ok(Step::Wait) => Ok(Step::HandOver(caller)),
            other => {
                wake(caller);
                other
            }
        }
    }

    /// Tells the caller of `me`, if there is one, that nobody will answer, and says how to wake it.
    pub fn refuse(&mut self, me: PartyId) -> Option<W> {
        let caller = self.party(me)?.caller.take()?;
        self.end_wait(caller, Err(IpcError::Gone))
    }

    /// Ends the wait of `me`, whose deadline has passed; nothing if it has ended already.
    pub fn cancel(&mut self, me: PartyId) {
        // It runs already: nobody has to wake it.
        let _ = self.end_wait(me, Err(IpcError::TimedOut));
    }

    /// How the wait of `me` has ended; `None` while it goes on.
    pub fn take_outcome(&mut self, me: PartyId) -> Option<Result<Delivery, IpcError>> {
        let party = self.party(me)?;
        Some(party.outcome.take()?.map(|()| party.message))
    }

    /// The buffer of `party`, which is put back before it sends or waits.
    pub fn buffer_mut(&mut self, party: PartyId) -> Option<&mut B> {
        self.party(party).map(|party| &mut party.buffer)
    }

    /// Takes `me` out, which waits for nothing, with its handles. Whoever waits for what can no longer come is told so.
    pub fn leave(&mut self, me: PartyId, wake: &mut dyn FnMut(W)) {
        let Some(party) = self.parties.take(me.0) else { return };
        if let Some(caller) = party.caller {
            self.end_wait(caller, Err(IpcError::Gone)).into_iter().for_each(&mut *wake);
        }
        for (id, right) in party.handles {
            self.give_back(id, right, wake);
        }
    }

    fn give_back(&mut self, id: EndpointId, right: Right, wake: &mut dyn FnMut(W)) {
        let Some(endpoint) = self.endpoint(id) else { return };
        *endpoint.handles_mut(right) -= 1;
        if *endpoint.handles_mut(right) > 0 {
            return;
        }
        let waiting = match right {
            Right::Call => mem::take(&mut endpoint.receivers),
            Right::Receive => mem::take(&mut endpoint.senders),
        };
        let is_unused = endpoint.call_handles == 0 && endpoint.receive_handles == 0;
        for party in waiting {
            self.end_wait(party, Err(IpcError::Gone)).into_iter().for_each(&mut *wake);
        }
        if is_unused {
            self.endpoints.take(id.0);
        }
    }

    /// Gives `message` of `sender` to `receiver`, neither of which is in a queue, and says how to wake the latter.
    #[inline]
    fn hand_to(&mut self, sender: PartyId, receiver: PartyId, message: Delivery) -> Option<W> {
        self.party(sender)?.state = State::Answered(receiver);
        if message.length > 0 {
            self.exchange(sender, receiver);
        }
        let party = self.party(receiver)?;
        party.caller = Some(sender);
        party.message = message;
        party.outcome = Some(Ok(()));
        party.state = State::Running;
        Some(party.wake)
    }

    /// Ends the wait of `id` with `outcome`, if it waits, and says how to wake it.
    pub(super) fn end_wait(&mut self, id: PartyId, outcome: Result<Delivery, IpcError>) -> Option<W> {
        let party = self.party(id)?;
        let state = mem::replace(&mut party.state, State::Running);
        if state == State::Running {
            return None;
        }
        party.outcome = Some(outcome.map(|message| party.message = message));
        let wake = party.wake;
        match state {
            State::Sending(endpoint) => {
                if let Some(endpoint) = self.endpoint(endpoint) {
                    endpoint.senders.remove(id);
                }
            }
            State::Receiving(endpoint) => {
                if let Some(endpoint) = self.endpoint(endpoint) {
                    endpoint.receivers.remove(id);
                }
            }
            State::Answered(server) => {
                if let Some(server) = self.party(server)
                    && server.caller == Some(id)
                {
                    server.caller = None;
                }
            }
            State::Running => {}
        }
        Some(wake)
    }

    fn exchange(&mut self, one: PartyId, other: PartyId) {
        let Some(taken) = self.party(one).map(|party| mem::take(&mut party.buffer)) else { return };
        let Some(back) = self.party(other).map(|party| mem::replace(&mut party.buffer, taken)) else {
            return;
        };
        if let Some(party) = self.party(one) {
            party.buffer = back;
        }
    }

    fn resolve(&mut self, me: PartyId, handle: Handle, right: Right) -> Result<EndpointId, IpcError> {
        self.party(me).ok_or(IpcError::Gone)?.resolve(handle, right)
    }

    #[inline]
    pub(super) fn party(&mut self, id: PartyId) -> Option<&mut Party<W, B>> {
        self.parties.at(id.0)
    }

    #[inline]
    fn endpoint(&mut self, id: EndpointId) -> Option<&mut Endpoint> {
        self.endpoints.at(id.0)
    }
}

impl<W, B> Party<W, B> {
    #[inline]
    pub(super) fn resolve(&self, handle: Handle, right: Right) -> Result<EndpointId, IpcError> {
        let (endpoint, has) = self.handles.get(handle.0).ok_or(IpcError::NoHandle)?;
        if *has == right { Ok(*endpoint) } else { Err(IpcError::NoRight) }
    }
}

impl Endpoint {
    const fn handles_mut(&mut self, right: Right) -> &mut usize {
        match right {
            Right::Call => &mut self.call_handles,
            Right::Receive => &mut self.receive_handles,
        }
    }
}
