//! Walks over a buffer, one dependent load a cache line.
//!
//! Every walk is the same code: each line holds the place of the next, so that a load cannot begin before the one
//! before it has ended, and only the order differs. It passes through every line once and ends where it began.

use alloc::vec::Vec;

use crate::measure::{BenchError, Bencher, Expected};
use crate::suites::buffer::{buffer, scale_bytes};

/// Words of a cache line.
const LINE_WORDS: usize = 8;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// The strides of one iteration of the strided walk, in lines.
const STRIDES_IN_LINES: [usize; 3] = [1, 256 / LINE_BYTES, 4096 / LINE_BYTES];

/// A little-endian word of the buffer.
type Word = [u8; 8];

/// One iteration walks over the whole buffer in the order of addresses.
pub(super) fn sequential(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    strided_walks(bencher, &[1])
}

/// One iteration walks over the whole buffer three times: with a stride of 64, of 256, and of 4096 bytes. The walk with
/// a long stride passes over the buffer as often as it takes to come to every line, so that each counts the same.
pub(super) fn strided(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    strided_walks(bencher, &STRIDES_IN_LINES)
}

/// One iteration walks over the whole buffer in random order: a single ring, of which each is equally likely.
pub(super) fn random(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut block = buffer(bencher, scale_bytes(bencher)?)?;
    let words = block.as_mut_slice().as_chunks_mut().0;
    let order = random_order(words.len() / LINE_WORDS, &mut |end| below(bencher, end))?;
    link(words, order.iter().copied(), 0);
    drop(order);
    measure(bencher, words, 1)
}

fn strided_walks(bencher: &mut Bencher<'_>, strides: &[usize]) -> Result<(), BenchError> {
    let mut block = buffer(bencher, scale_bytes(bencher)?)?;
    let words = block.as_mut_slice().as_chunks_mut().0;
    for (word, stride) in strides.iter().enumerate() {
        link(words, strided_order(words.len() / LINE_WORDS, *stride), word);
    }
    measure(bencher, words, strides.len())
}

/// Measures the walks that start at the first `walks` words.
fn measure(bencher: &mut Bencher<'_>, words: &[Word], walks: usize) -> Result<(), BenchError> {
    let lines = words.len() / LINE_WORDS;
    bencher.set_operations((lines * walks) as u64);
    let expected = (0..walks).map(|word| sum_of_places(lines, word)).fold(0, u64::wrapping_add);
    // A walk ends in the line that it began in, and the next begins in the line that the last one ended in: known only
    // when its last load is done, so that no walk overlaps with the one before it.
    let mut line_start = 0_usize;
    bencher.measure(Expected::Each(expected), || {
        let mut sum = 0_u64;
        for word in 0..walks {
            let (places, end) = walk(words, line_start.wrapping_add(word), lines);
            line_start = end.wrapping_sub(word);
            sum = sum.wrapping_add(places);
        }
        sum
    })
}

/// Takes `lines` steps from the word at `at` on: the sum of the places that it comes to, and the last of them.
#[inline]
fn walk(words: &[Word], mut at: usize, lines: usize) -> (u64, usize) {
    let mut sum = 0_u64;
    for _ in 0..lines {
        let next = u64::from_le_bytes(words[at]);
        sum = sum.wrapping_add(next);
        // Never out of range where `usize` has 64 bits; elsewhere the slice's bounds end a wrong walk.
        at = usize::try_from(next).unwrap_or(usize::MAX);
    }
    (sum, at)
}

/// What [`walk`] sums up if it comes to every line once.
fn sum_of_places(lines: usize, word: usize) -> u64 {
    (0..lines).map(|line| place(line, word)).fold(0, u64::wrapping_add)
}

/// Writes the walk through the lines in `order`, and back to its first, into their words number `word`.
fn link(words: &mut [Word], order: impl Iterator<Item = usize> + Clone, word: usize) {
    let next = order.clone().cycle().skip(1);
    for (line, next) in order.zip(next) {
        words[line * LINE_WORDS + word] = place(next, word).to_le_bytes();
    }
}

fn place(line: usize, word: usize) -> u64 {
    (line * LINE_WORDS + word) as u64
}

/// All lines: first those at multiples of `stride`, then their neighbours, and so on.
fn strided_order(lines: usize, stride: usize) -> impl Iterator<Item = usize> + Clone {
    (0..stride).flat_map(move |first| (first..lines).step_by(stride))
}

/// All lines in random order, from the first on: closed to a ring, any ring is as likely as any other, as with
/// Sattolo's algorithm (Information Processing Letters 22(6), 1986). `below` gives a random number below its argument.
///
/// # Errors
/// There is no memory for the order.
fn random_order(lines: usize, below: &mut dyn FnMut(usize) -> usize) -> Result<Vec<usize>, BenchError> {
    let mut order = Vec::new();
    let refusal = |_| BenchError::Skipped("too little memory: the order of the walk does not fit".into());
    order.try_reserve_exact(lines).map_err(refusal)?;
    order.extend(0..lines);
    for last in (2..lines).rev() {
        order.swap(last, 1 + below(last));
    }
    Ok(order)
}

/// A random number below `end`, which is a number of lines: the remainder's bias is below one part in 2^40.
fn below(bencher: &mut Bencher<'_>, end: usize) -> usize {
    let random = bencher.random() % (end as u64).max(1);
    usize::try_from(random).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    /// The lines that a walk comes to.
    fn visited(words: &[Word], word: usize, lines: usize) -> Vec<usize> {
        let mut at = word;
        let mut visited = Vec::new();
        for _ in 0..lines {
            at = usize::try_from(u64::from_le_bytes(words[at])).expect("a place in the buffer");
            visited.push(at / LINE_WORDS);
        }
        visited
    }

    fn comes_to_every_line_once(order: impl Iterator<Item = usize> + Clone, word: usize) {
        let lines = order.clone().count();
        let mut words = vec![[0; 8]; lines * LINE_WORDS];
        link(&mut words, order, word);
        let mut visited = visited(&words, word, lines);
        assert_eq!(visited.last(), Some(&0), "ends where it began");
        assert_eq!(walk(&words, word, lines), (sum_of_places(lines, word), word));
        visited.sort_unstable();
        assert_eq!(visited, (0..lines).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn every_walk_comes_to_every_line_once(lines in 1_usize..2_000, seed in any::<u64>()) {
            let mut state = seed;
            let mut below = |end: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                usize::try_from(state >> 33).expect("31 bits") % end
            };
            let order = random_order(lines, &mut below).expect("memory for the order");
            comes_to_every_line_once(order.into_iter(), 0);
            for (word, stride) in STRIDES_IN_LINES.iter().enumerate() {
                comes_to_every_line_once(strided_order(lines, *stride), word);
            }
        }
    }

    #[test]
    fn strided_walks_step_by_their_stride() {
        assert!(strided_order(10, 4).eq([0, 4, 8, 1, 5, 9, 2, 6, 3, 7]));
        assert!(strided_order(3, 1).eq([0, 1, 2]));
    }

    #[test]
    fn small_rings_are_all_reached() {
        let mut rings = std::collections::BTreeSet::new();
        for choice in 0..6 {
            let mut choices = [choice % 3, choice / 3].into_iter();
            let order = random_order(4, &mut |end| choices.next().unwrap_or(0) % end);
            rings.insert(order.expect("memory for the order"));
        }
        assert_eq!(rings.len(), 6, "{rings:?}");
    }
}
