//! Memory that a program was promised and gets page by page, as it touches it.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Access, MapError};

/// Disjoint ranges of whole pages, in order of address.
#[derive(Default)]
pub(super) struct Reservations(Vec<Reservation>);

struct Reservation {
    start: u64,
    end: u64,
    access: Access,
}

impl Reservations {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The rights at `address`; `None` if nothing is reserved there.
    pub(super) fn at(&self, address: u64) -> Option<Access> {
        let reservation = self.0.get(self.first_ending_behind(address))?;
        (reservation.start <= address).then_some(reservation.access)
    }

    /// The lowest reserved address in `range`.
    pub(super) fn first_in(&self, range: &Range<u64>) -> Option<u64> {
        let reservation = self.0.get(self.first_ending_behind(range.start))?;
        (reservation.start < range.end).then_some(reservation.start.max(range.start))
    }

    /// Adds `range`, in which nothing is reserved.
    pub(super) fn insert(&mut self, range: Range<u64>, access: Access) -> Result<(), MapError> {
        self.make_room()?;
        let place = self.first_ending_behind(range.start);
        self.0.insert(place, Reservation { start: range.start, end: range.end, access });
        Ok(())
    }

    /// Removes what is reserved in `range`.
    pub(super) fn remove(&mut self, range: &Range<u64>) -> Result<(), MapError> {
        self.cut(range)?;
        self.0.retain(|reservation| !reservation.is_in(range));
        Ok(())
    }

    /// Changes the rights of what is reserved in `range`.
    pub(super) fn protect(&mut self, range: &Range<u64>, access: Access) -> Result<(), MapError> {
        self.cut(range)?;
        let inside = self.0.iter_mut().filter(|reservation| reservation.is_in(range));
        inside.for_each(|reservation| reservation.access = access);
        Ok(())
    }

    /// Makes every reservation lie inside or outside of `range`, or fails before anything has changed.
    fn cut(&mut self, range: &Range<u64>) -> Result<(), MapError> {
        if self.first_in(range).is_none() {
            return Ok(());
        }
        self.make_room()?;
        for border in [range.start, range.end] {
            let place = self.first_ending_behind(border);
            let Some(reservation) = self.0.get_mut(place).filter(|part| part.start < border) else {
                continue;
            };
            let behind = Reservation { start: border, ..*reservation };
            reservation.end = border;
            self.0.insert(place + 1, behind);
        }
        Ok(())
    }

    /// Room for two more.
    fn make_room(&mut self) -> Result<(), MapError> {
        self.0.try_reserve(2).map_err(|_| MapError::OutOfMemory)
    }

    fn first_ending_behind(&self, address: u64) -> usize {
        self.0.partition_point(|reservation| reservation.end <= address)
    }
}

impl Reservation {
    const fn is_in(&self, range: &Range<u64>) -> bool {
        range.start <= self.start && self.end <= range.end
    }
}
