//! The inputs of a bench: a stream that the plan's seed and the bench's id fix.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014): the same numbers in
/// every boot, and unrelated ones for every bench. Not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The stream of the bench `id`, its scale included, under the plan's `seed`.
    #[must_use]
    pub fn new(seed: u64, id: &str) -> Self {
        Self { state: xxh3_64_with_seed(id.as_bytes(), seed) }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.number().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // The first outputs for the seed 1234567, as the reference implementation gives them.
        let mut stream = Stream { state: 1_234_567 };
        let numbers = [(); 3].map(|()| stream.number());
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn seed_and_id_fix_the_stream() {
        let first = |seed, id| Stream::new(seed, id).number();
        assert_eq!(first(1, "a/b"), first(1, "a/b"));
        assert_ne!(first(1, "a/b"), first(2, "a/b"));
        assert_ne!(first(1, "a/b"), first(1, "a/c"));
    }

    #[test]
    fn bytes_are_the_numbers_in_little_endian() {
        let mut bytes = [0; 11];
        Stream::new(1, "x").fill(&mut bytes);
        let mut stream = Stream::new(1, "x");
        assert_eq!(bytes[..8], stream.number().to_le_bytes());
        assert_eq!(bytes[8..], stream.number().to_le_bytes()[..3]);
    }
}
