//! A set of small numbers that finds its smallest member in a few steps.

use alloc::vec::Vec;

use super::FrameError;

/// Bits of a word.
const WORD_BITS: usize = 64;

/// Levels that cover every number of bits that fits into memory.
const LEVELS_MAX: usize = 11;

/// A set of numbers below a fixed size: one bit each, and above every 64 words a word that tells which are not zero.
pub(super) struct BitSet {
    words: Vec<u64>,
    /// Where each level begins in `words`, the bits themselves first.
    level_starts: [usize; LEVELS_MAX],
    levels: usize,
}

impl BitSet {
    /// The empty set of numbers below zero.
    pub(super) const fn empty() -> Self {
        Self { words: Vec::new(), level_starts: [0; LEVELS_MAX], levels: 0 }
    }

    /// An empty set of numbers below `size`.
    pub(super) fn new(size: usize) -> Result<Self, FrameError> {
        let mut level_starts = [0; LEVELS_MAX];
        let mut levels = 0;
        let mut total = 0;
        let mut words = size.div_ceil(WORD_BITS);
        while words > 0 && levels < LEVELS_MAX {
            level_starts[levels] = total;
            levels += 1;
            total += words;
            words = if words == 1 { 0 } else { words.div_ceil(WORD_BITS) };
        }
        Ok(Self { words: zeros(total)?, level_starts, levels })
    }

    /// Whether `number` is in the set; not if it is too large.
    #[inline]
    pub(super) fn contains(&self, number: usize) -> bool {
        self.words.get(number / WORD_BITS).is_some_and(|word| word >> (number % WORD_BITS) & 1 == 1)
    }

    /// Puts `number`, which is below the size, into the set.
    #[inline]
    pub(super) fn insert(&mut self, number: usize) {
        let mut at = number;
        for start in &self.level_starts[..self.levels] {
            let word = &mut self.words[start + at / WORD_BITS];
            let was_empty = *word == 0;
            *word |= 1 << (at % WORD_BITS);
            if !was_empty {
                return;
            }
            at /= WORD_BITS;
        }
    }

    /// Takes `number`, which is below the size, out of the set.
    #[inline]
    pub(super) fn remove(&mut self, number: usize) {
        let mut at = number;
        for start in &self.level_starts[..self.levels] {
            let word = &mut self.words[start + at / WORD_BITS];
            *word &= !(1 << (at % WORD_BITS));
            if *word != 0 {
                return;
            }
            at /= WORD_BITS;
        }
    }

    /// Takes every number out of the set.
    pub(super) fn clear(&mut self) {
        self.words.fill(0);
    }

    /// The smallest member.
    #[inline]
    pub(super) fn first(&self) -> Option<usize> {
        let mut at = 0;
        for start in self.level_starts[..self.levels].iter().rev() {
            let word = self.words[start + at];
            if word == 0 {
                return None;
            }
            at = at * WORD_BITS + lowest_bit(word);
        }
        (self.levels > 0).then_some(at)
    }

    /// Bytes that the set takes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.words.as_slice())
    }
}

/// A plain set of numbers below a fixed size.
pub(super) struct BitMap {
    words: Vec<u64>,
}

impl BitMap {
    /// The empty set of numbers below zero.
    pub(super) const fn empty() -> Self {
        Self { words: Vec::new() }
    }

    /// An empty set of numbers below `size`.
    pub(super) fn new(size: usize) -> Result<Self, FrameError> {
        Ok(Self { words: zeros(size.div_ceil(WORD_BITS))? })
    }

    /// Puts `number`, which is below the size, into the set.
    #[inline]
    pub(super) fn insert(&mut self, number: usize) {
        self.words[number / WORD_BITS] |= 1 << (number % WORD_BITS);
    }

    /// Takes `number` out of the set and says whether it was in it.
    #[inline]
    pub(super) fn take(&mut self, number: usize) -> bool {
        let mask = 1 << (number % WORD_BITS);
        self.words.get_mut(number / WORD_BITS).is_some_and(|word| {
            let was_in = *word & mask != 0;
            *word &= !mask;
            was_in
        })
    }

    /// Takes every number out of the set.
    pub(super) fn clear(&mut self) {
        self.words.fill(0);
    }

    /// The members, smallest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(|(at, word)| {
            (0..WORD_BITS).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * WORD_BITS + bit)
        })
    }

    /// Bytes that the set takes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.words.as_slice())
    }
}

/// The place of the lowest one in a word that has one.
#[inline]
const fn lowest_bit(word: u64) -> usize {
    // At most 64, which every `usize` holds.
    word.trailing_zeros() as usize
}

/// Zeroed words, or an error where `vec!` would end the program.
fn zeros(words: usize) -> Result<Vec<u64>, FrameError> {
    let mut zeros = Vec::new();
    let refusal = |_| FrameError::OutOfMetadata { bytes: words.saturating_mul(size_of::<u64>()) };
    zeros.try_reserve_exact(words).map_err(refusal)?;
    zeros.resize(words, 0);
    Ok(zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_bit_set_agrees_with_a_tree_set(
            size in 1_usize..10_000,
            steps in proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..400),
        ) {
            let mut set = BitSet::new(size).expect("memory for 10,000 bits");
            let mut model = BTreeSet::new();
            for (is_insert, number) in steps {
                let number = number.index(size);
                if is_insert {
                    set.insert(number);
                    model.insert(number);
                } else {
                    set.remove(number);
                    model.remove(&number);
                }
                prop_assert_eq!(set.contains(number), model.contains(&number));
                prop_assert_eq!(set.first(), model.first().copied());
            }
        }
    }

    proptest! {
        #[test]
        fn the_members_of_a_bit_map_come_in_order_until_it_is_cleared(
            size in 1_usize..3_000,
            numbers in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let mut map = BitMap::new(size).expect("memory for 3,000 bits");
            let model: BTreeSet<usize> = numbers.iter().map(|number| number.index(size)).collect();
            model.iter().for_each(|number| map.insert(*number));
            prop_assert!(map.iter().eq(model.iter().copied()));
            map.clear();
            prop_assert_eq!(map.iter().next(), None);
        }
    }

    #[test]
    fn the_set_of_no_numbers_is_empty() {
        assert_eq!(BitSet::empty().first(), None);
        assert!(!BitSet::empty().contains(0));
        assert_eq!(BitSet::new(0).ok().and_then(|set| set.first()), None);
    }

    #[test]
    fn sizes_that_do_not_fit_into_memory_are_refused() {
        assert!(matches!(BitSet::new(usize::MAX), Err(FrameError::OutOfMetadata { .. })));
    }
}
