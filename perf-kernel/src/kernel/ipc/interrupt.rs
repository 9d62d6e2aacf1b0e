//! Waits that end before what they are for has come.

use super::table::Ipc;
use super::types::{Delivery, IpcError, PartyId};

impl<W: Copy + Default, B: Default> Ipc<W, B> {
    /// Ends the wait of `id` because of something else that it is to look at, and says how to wake it. If it waits no
    /// longer and has not taken what has come, that is noted: see [`Delivery::NOTED`].
    pub fn interrupt(&mut self, id: PartyId) -> Option<W> {
        if let Some(wake) = self.end_wait(id, Err(IpcError::Interrupted)) {
            return Some(wake);
        }
        let party = self.party(id)?;
        if party.outcome == Some(Ok(())) {
            party.message.length |= Delivery::NOTED;
        }
        None
    }
}
