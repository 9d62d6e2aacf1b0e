//! Reads the hexadecimal of published test vectors.

use std::vec::Vec;

/// The bytes that `text` spells; white space does not count.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| {
        let pair = core::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("hexadecimal digits")
    };
    digits.chunks(2).map(byte).collect()
}

/// The same where the length is known.
pub(super) fn array<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().expect("as many digits as the array has")
}

/// The input of the BLAKE3 test vectors: 0 to 250, over and over.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
