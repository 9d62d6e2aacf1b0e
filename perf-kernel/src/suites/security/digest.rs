//! Digests of a message. The answers were computed with OpenSSL 3 and with b3sum 1.2.

use core::hint::black_box;

use multios_core::security::{DIGEST_BYTES, Digest, blake3, sha256};

use super::message::{hex, known, message};
use crate::measure::{BenchError, Bencher, Expected};
use crate::units::Bytes;

const SHA256_ANSWERS: [(u64, Digest); 3] = [
    (64, hex("fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108")),
    (1 << 10, hex("2bce1ba628720664be4b9fdd77aae0678e5f0f3f02fc6ff641ec879094f6a404")),
    (1 << 20, hex("631b84027d6b9e52b539c4e8373622d23032dfadc64d60af87339c9037e4f769")),
];

const BLAKE3_ANSWERS: [(u64, Digest); 3] = [
    (64, hex("4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98")),
    (1 << 10, hex("42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7")),
    (1 << 20, hex("74cb441fd087764ca9c3694da742ebe30cbeb3060a17009ca81825c7a8d10343")),
];

/// One iteration computes the SHA-256 digest of the message.
pub(super) fn hash_sha256(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    hash(bencher, &SHA256_ANSWERS, sha256)
}

/// One iteration computes the BLAKE3 digest of the message.
pub(super) fn hash_blake3(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    hash(bencher, &BLAKE3_ANSWERS, blake3)
}

fn hash(
    bencher: &mut Bencher<'_>,
    answers: &[(u64, Digest)],
    hash: impl Fn(&[u8]) -> Digest,
) -> Result<(), BenchError> {
    let answer = known(bencher, answers)?;
    let message = message(bencher)?;
    bencher.set_bytes(Bytes(bencher.scale()));
    let digest = hash(message.as_slice());
    if digest != answer {
        return Err(BenchError::Failed("the digest is not the known one".into()));
    }
    bencher.measure(Expected::Each(first_word(&answer)), || first_word(&hash(black_box(message.as_slice()))))
}

/// The part of a digest that each iteration is checked by.
fn first_word(digest: &[u8; DIGEST_BYTES]) -> u64 {
    digest.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn message(scale: u64) -> Vec<u8> {
        (0..=250).cycle().take(usize::try_from(scale).expect("a small scale")).collect()
    }

    #[test]
    fn the_known_answers_are_those_of_the_message() {
        for (scale, answer) in SHA256_ANSWERS {
            assert_eq!(sha256(&message(scale)), answer, "{scale} bytes");
        }
        for (scale, answer) in BLAKE3_ANSWERS {
            assert_eq!(blake3(&message(scale)), answer, "{scale} bytes");
        }
    }
}
