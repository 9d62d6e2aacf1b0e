//! Tables whose places are named by keys that are never used twice.

use alloc::vec::Vec;
use core::mem;
use core::num::NonZeroU64;

/// Names what was put in a place of a table: the place below, and above how often the place changed hands, which is odd
/// while somebody is in it. So one comparison tells who is in a place, and whether anybody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(NonZeroU64);

/// A table. Whoever has left leaves the default behind.
pub(super) struct Places<T> {
    places: Vec<Place<T>>,
    taken: usize,
}

struct Place<T> {
    /// That of who is here, or of who was with the count gone up.
    key: u64,
    content: T,
}

impl<T: Default> Places<T> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), taken: 0 }
    }

    /// Places that are taken.
    pub(super) const fn len(&self) -> usize {
        self.taken
    }

    /// Puts `content` in a free place.
    pub(super) fn put(&mut self, content: T) -> Key {
        let free = self.places.iter().position(|place| !is_taken(place.key));
        let slot = free.unwrap_or_else(|| {
            self.places.push(Place { key: self.places.len() as u64, content: T::default() });
            self.places.len() - 1
        });
        let place = &mut self.places[slot];
        place.key = place.key.wrapping_add(CHANGE);
        place.content = content;
        self.taken += 1;
        Key(NonZeroU64::new(place.key).expect("the count of a place that is taken is odd"))
    }

    /// What `key` names, if it is still there.
    #[expect(clippy::inline_always, reason = "part of what a message costs")]
    #[inline(always)]
    pub(super) fn at(&mut self, key: Key) -> Option<&mut T> {
        let place = self.places.get_mut(slot(key))?;
        if place.key == key.0.get() { Some(&mut place.content) } else { None }
    }

    /// Takes out what `key` names, if it is still there.
    pub(super) fn take(&mut self, key: Key) -> Option<T> {
        let content = mem::take(self.at(key)?);
        let place = &mut self.places[slot(key)];
        place.key = place.key.wrapping_add(CHANGE);
        self.taken -= 1;
        Some(content)
    }
}

/// One more in the upper half.
const CHANGE: u64 = 1 << 32;

#[inline]
const fn slot(key: Key) -> usize {
    (key.0.get() & (CHANGE - 1)) as usize
}

const fn is_taken(key: u64) -> bool {
    key & CHANGE != 0
}
