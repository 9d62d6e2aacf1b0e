//! What the benches of ciphers and digests process.

use multios_core::memory::Block;

use crate::measure::{BenchError, Bencher};
use crate::suites::buffer::{layout, scale_bytes};

/// Alignment of a message: a cache line.
const ALIGN: usize = 64;

/// A message of the scale's length: the bytes 0 to 250, over and over, as in the test vectors of BLAKE3. It does not
/// depend on the plan's seed, so that the results are known beforehand.
///
/// # Errors
/// The heap is too small: the bench is skipped.
pub(super) fn message<'a>(bencher: &Bencher<'a>) -> Result<Block<'a>, BenchError> {
    let mut message = bencher.heap().allocate_zeroed(layout(scale_bytes(bencher)?, ALIGN)?)?;
    for (byte, value) in message.as_mut_slice().iter_mut().zip((0..=250).cycle()) {
        *byte = value;
    }
    Ok(message)
}

/// The entry of `answers` for this bench's scale.
///
/// # Errors
/// There is none: the bench fails, as nothing tells whether its results are right.
pub(super) fn known<T: Copy>(bencher: &Bencher<'_>, answers: &[(u64, T)]) -> Result<T, BenchError> {
    let answer = answers.iter().find(|(scale, _)| *scale == bencher.scale());
    answer.map(|(_, answer)| *answer).ok_or_else(|| {
        BenchError::Failed(alloc::format!("there is no known answer for {} bytes", bencher.scale()))
    })
}

/// The bytes that `digits` spell, at compile time.
///
/// # Panics
/// Panics, in a constant at compile time, if they are not `2 * N` hexadecimal digits.
pub(super) const fn hex<const N: usize>(digits: &str) -> [u8; N] {
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N, "as many digits as the bytes need");
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("hexadecimal digits are 0 to 9 and a to f"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_become_bytes() {
        assert_eq!(hex::<3>("09afc0"), [0x09, 0xaf, 0xc0]);
    }
}
