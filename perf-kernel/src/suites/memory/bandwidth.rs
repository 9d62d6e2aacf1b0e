//! Bytes a second to and from a buffer, in the order of addresses.

use core::hint::black_box;

use crate::measure::{BenchError, Bencher, Expected};
use crate::suites::buffer::{buffer, scale_bytes};
use crate::units::Bytes;

/// A little-endian word of the buffer.
type Word = [u8; 8];

/// Words that one step of the reading loop adds up, each into a sum of its own: more than the additions that are under
/// way at once.
const READ_WORDS: usize = 32;

/// Steps from one checked word to the next: odd, so that they come to every word of a buffer of a power of two.
const CHECK_STEP: usize = 4_099;

/// One iteration adds up the words of the buffer.
pub(super) fn read(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut block = buffer(bencher, scale_bytes(bencher)?)?;
    bencher.fill_random(block.as_mut_slice());
    let words: &[Word] = block.as_slice().as_chunks().0;
    let expected = words.iter().map(|word| u64::from_le_bytes(*word)).fold(0, u64::wrapping_add);
    bencher.set_bytes(Bytes(bencher.scale()));
    bencher.measure(Expected::Each(expected), || sum(black_box(words)))
}

/// One iteration fills the buffer with a byte, another one each time.
pub(super) fn write(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut block = buffer(bencher, scale_bytes(bencher)?)?;
    let bytes = block.as_mut_slice();
    let length = bytes.len();
    bencher.set_bytes(Bytes(bencher.scale()));
    let (mut value, mut at) = (0_u8, 0);
    bencher.measure(Expected::Each(1), || {
        value = value.wrapping_add(1);
        at = (at + CHECK_STEP) % length;
        bytes.fill(value);
        u64::from(black_box(&*bytes)[at] == value)
    })?;
    match bytes.iter().position(|byte| *byte != value) {
        Some(at) => Err(BenchError::Failed(alloc::format!("byte {at} of {length} was not written"))),
        None => Ok(()),
    }
}

/// One iteration copies a buffer of which a word has changed into another one. Bytes are counted once, as they are
/// moved: the memory sees each of them read and written.
pub(super) fn copy(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let length = scale_bytes(bencher)?;
    let (mut source, mut target) = (buffer(bencher, length)?, buffer(bencher, length)?);
    bencher.fill_random(source.as_mut_slice());
    let source: &mut [Word] = source.as_mut_slice().as_chunks_mut().0;
    let target: &mut [Word] = target.as_mut_slice().as_chunks_mut().0;
    bencher.set_bytes(Bytes(bencher.scale()));
    let (mut value, mut at) = (0_u64, 0);
    bencher.measure(Expected::Each(1), || {
        value += 1;
        at = (at + CHECK_STEP) % source.len();
        source[at] = value.to_le_bytes();
        target.copy_from_slice(black_box(&*source));
        u64::from(black_box(&*target)[at] == value.to_le_bytes())
    })?;
    if source == target { Ok(()) } else { Err(BenchError::Failed("the copy differs from its source".into())) }
}

/// The wrapping sum of all words.
fn sum(words: &[Word]) -> u64 {
    let (steps, rest) = words.as_chunks::<READ_WORDS>();
    let mut sums = [0_u64; READ_WORDS];
    for step in steps {
        for (sum, word) in sums.iter_mut().zip(step) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }
    let rest = rest.iter().map(|word| u64::from_le_bytes(*word));
    sums.into_iter().chain(rest).fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_wide_sum_is_the_sum(words in proptest::collection::vec(any::<u64>(), 0..200)) {
            let bytes: Vec<Word> = words.iter().map(|word| word.to_le_bytes()).collect();
            prop_assert_eq!(sum(&bytes), words.into_iter().fold(0, u64::wrapping_add));
        }
    }
}
