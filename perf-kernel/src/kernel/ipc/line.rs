//! Those who wait at an endpoint.

use alloc::collections::VecDeque;

use super::types::PartyId;

/// Parties in the order in which they came. One that waits alone needs no memory and few steps.
#[derive(Default)]
pub(super) struct Line {
    first: Option<PartyId>,
    /// Nobody, if there is no first.
    others: VecDeque<PartyId>,
}

impl Line {
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(super) fn push_back(&mut self, party: PartyId) {
        match self.first {
            None => self.first = Some(party),
            Some(_) => self.others.push_back(party),
        }
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<PartyId> {
        let first = self.first.take()?;
        self.first = self.others.pop_front();
        Some(first)
    }

    /// Takes the first out if it is alone.
    #[inline]
    pub(super) fn pop_sole(&mut self) -> Option<PartyId> {
        if self.others.is_empty() { self.first.take() } else { None }
    }

    /// Takes `party` out, if it is there.
    pub(super) fn remove(&mut self, party: PartyId) {
        if self.first == Some(party) {
            self.first = self.others.pop_front();
        } else {
            self.others.retain(|other| *other != party);
        }
    }
}

impl Iterator for Line {
    type Item = PartyId;

    fn next(&mut self) -> Option<PartyId> {
        self.pop_front()
    }
}
