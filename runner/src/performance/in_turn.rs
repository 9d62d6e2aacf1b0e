//! What the boots of a run take in turn.

use std::iter;

/// Things of which each boot takes the next, and the first again after the last. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTurn<T> {
    first: T,
    others: Vec<T>,
}

impl<T> InTurn<T> {
    /// `first` for every boot.
    pub const fn one(first: T) -> Self {
        Self { first, others: Vec::new() }
    }

    /// `first`, and then each of `others` in order.
    pub const fn new(first: T, others: Vec<T>) -> Self {
        Self { first, others }
    }

    /// What boot `turn` takes, counted from 1.
    #[must_use]
    pub fn of(&self, turn: u32) -> &T {
        let things = self.others.len() + 1;
        let place = usize::try_from(turn.saturating_sub(1)).unwrap_or(0) % things;
        place.checked_sub(1).and_then(|place| self.others.get(place)).unwrap_or(&self.first)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        iter::once(&self.first).chain(&self.others)
    }

    /// What `make` makes of each.
    ///
    /// # Errors
    /// The first that `make` gives.
    pub fn try_map<U, E>(self, mut make: impl FnMut(T) -> Result<U, E>) -> Result<InTurn<U>, E> {
        let first = make(self.first)?;
        let others = self.others.into_iter().map(make).collect::<Result<_, _>>()?;
        Ok(InTurn { first, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boots_take_one_after_the_other_and_then_the_first_again() {
        let layouts = InTurn::new('a', vec!['b', 'c']);
        let taken: String = (1..=7).map(|turn| *layouts.of(turn)).collect();
        assert_eq!(taken, "abcabca");
        assert_eq!(layouts.iter().collect::<String>(), "abc");
        assert_eq!(*InTurn::one('x').of(9), 'x');
    }

    #[test]
    fn the_first_error_ends_the_making() {
        let halves = |number: u32| if number.is_multiple_of(2) { Ok(number / 2) } else { Err(number) };
        assert_eq!(InTurn::new(2, vec![4]).try_map(halves), Ok(InTurn::new(1, vec![2])));
        assert_eq!(InTurn::new(2, vec![3, 5]).try_map(halves), Err(3));
    }
}
