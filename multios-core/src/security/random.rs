//! The kernel's generator of random numbers: ChaCha20 with fast key erasure.
//!
//! Bernstein, "Fast-key-erasure random-number generators" (2017): the first 32 bytes of a key's stream replace the key
//! before any of the rest is given, and what is given is erased. Who reads the state later learns nothing of what was
//! given before. Short requests are served from a pool that one key fills, as there; long ones from a key of their
//! own, as in Linux drivers/char/random.c.

use core::fmt;

use chacha20::ChaCha20;
use cipher::{KeyIvInit, StreamCipher};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Blake3, EntropyError, EntropySource, SEED_BYTES, Seed};

const KEY_BYTES: usize = 32;

/// What is left of twelve blocks when the key is taken off.
const POOL_BYTES: usize = 12 * 64 - KEY_BYTES;

/// Most bytes from one key. Far below the 256 GiB at which the block counter of RFC 8439 would wrap.
const BYTES_PER_KEY_MAX: usize = 1 << 20;

/// Bytes after which new entropy is due.
const RESEED_BYTES: u64 = 64 << 20;

/// Bytes after which nothing is given without new entropy.
const REFUSE_BYTES: u64 = 64 << 30;

/// Random numbers that nobody can predict. It gives none before it is seeded, and its state is erased when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Generator {
    key: [u8; KEY_BYTES],
    /// Random bytes, those before `pool_at` given and erased.
    pool: [u8; POOL_BYTES],
    pool_at: usize,
    /// `None` before the first seed.
    bytes_since_seed: Option<u64>,
}

/// Why no random number is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RandomError {
    /// There was no entropy yet.
    #[error("give random bytes: the generator is not seeded")]
    NotSeeded,
    /// Too much was given since there was entropy.
    #[error("give random bytes: the generator must be seeded again")]
    SeedExhausted,
}

impl Generator {
    /// Has no entropy, and gives nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { key: [0; KEY_BYTES], pool: [0; POOL_BYTES], pool_at: POOL_BYTES, bytes_since_seed: None }
    }

    /// Mixes new entropy in. What the generator knew before still counts, so that a source under an attacker's control
    /// does no harm after a good one.
    ///
    /// # Errors
    /// The source gives none; the generator is as it was.
    pub fn seed_from(&mut self, source: &mut dyn EntropySource) -> Result<(), EntropyError> {
        let mut seed = Seed::new([0; SEED_BYTES]);
        source.gather(&mut seed)?;
        let mut mixer = Blake3::with_key(&self.key);
        mixer.update(seed.as_ref());
        mixer.finish_into(&mut self.key);
        // What the old key left must not be given any more.
        self.pool.zeroize();
        self.pool_at = POOL_BYTES;
        self.bytes_since_seed = Some(0);
        Ok(())
    }

    /// Whether [`seed_from`](Self::seed_from) should be called soon: before the first byte, after 64 MiB, and, as the
    /// caller's clock says, about once a minute.
    #[must_use]
    pub fn is_seed_due(&self) -> bool {
        self.bytes_since_seed.is_none_or(|bytes| bytes >= RESEED_BYTES)
    }

    /// Fills `output`.
    ///
    /// # Errors
    /// The generator was never seeded, or 64 GiB ago. `output` is unchanged.
    pub fn fill(&mut self, output: &mut [u8]) -> Result<(), RandomError> {
        let given = self.bytes_since_seed.ok_or(RandomError::NotSeeded)?;
        let given = given.saturating_add(output.len() as u64);
        if given > REFUSE_BYTES {
            return Err(RandomError::SeedExhausted);
        }
        self.bytes_since_seed = Some(given);
        if output.len() <= POOL_BYTES {
            self.fill_from_pool(output);
        } else {
            output.chunks_mut(BYTES_PER_KEY_MAX).for_each(|piece| self.next_stream().write_keystream(piece));
        }
        Ok(())
    }

    fn fill_from_pool(&mut self, output: &mut [u8]) {
        let left = POOL_BYTES - self.pool_at;
        let (first, rest) = output.split_at_mut(output.len().min(left));
        self.take_from_pool(first);
        if !rest.is_empty() {
            let mut stream = self.next_stream();
            stream.write_keystream(&mut self.pool);
            self.pool_at = 0;
            self.take_from_pool(rest);
        }
    }

    /// Fills `output`, which is no longer than what the pool has left, and erases it from the pool.
    #[inline]
    fn take_from_pool(&mut self, output: &mut [u8]) {
        let taken = &mut self.pool[self.pool_at..][..output.len()];
        output.copy_from_slice(taken);
        taken.zeroize();
        self.pool_at += output.len();
    }

    /// The key's stream behind the bytes that replace the key.
    fn next_stream(&mut self) -> ChaCha20 {
        let mut stream = ChaCha20::new(&self.key.into(), &[0; 12].into());
        stream.write_keystream(&mut self.key);
        stream
    }
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Generator {
    /// Writes no part of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator").field("bytes_since_seed", &self.bytes_since_seed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::vectors::{bytes, pattern};
    use std::vec::Vec;

    /// Gives what it is told.
    struct Fixed(Result<[u8; SEED_BYTES], EntropyError>);

    impl EntropySource for Fixed {
        fn gather(&mut self, seed: &mut Seed) -> Result<(), EntropyError> {
            seed.copy_from_slice(&self.0?);
            Ok(())
        }
    }

    fn pattern_source() -> Fixed {
        Fixed(Ok(pattern(SEED_BYTES).try_into().expect("64 bytes")))
    }

    fn seeded() -> Generator {
        let mut generator = Generator::new();
        generator.seed_from(&mut pattern_source()).expect("a fixed seed");
        generator
    }

    fn take(generator: &mut Generator, length: usize) -> Vec<u8> {
        let mut output = std::vec![0; length];
        generator.fill(&mut output).expect("a seeded generator");
        output
    }

    #[test]
    fn nothing_is_given_before_there_is_entropy() {
        let mut generator = Generator::new();
        let mut output = [7; 8];
        assert_eq!(generator.fill(&mut output), Err(RandomError::NotSeeded));
        assert!(generator.is_seed_due());
        let broken = generator.seed_from(&mut Fixed(Err(EntropyError::Unavailable)));
        assert_eq!(broken, Err(EntropyError::Unavailable));
        assert_eq!(generator.fill(&mut output), Err(RandomError::NotSeeded));
        assert_eq!(output, [7; 8]);
    }

    /// Computed with other implementations of BLAKE3 and ChaCha20, by the construction that the module's head cites.
    #[test]
    fn the_output_is_that_of_fast_key_erasure() {
        let mut generator = seeded();
        assert_eq!(take(&mut generator, 16), bytes("916996c5f9e64291eaabc6b124616b8d"));
        let second = "f6c2a85ac47d83872e51ebdb9b8914d3eaa272b23505d5dfd6013318dd18738e4104d7cd
                      0f8025a938b872a2b0c9a3486dff6ec75d982cd6078b3f0a23ca221674906743ed0b04e4
                      bbadf61eef580b29f61cf3b44882c00308388927863683576093107d";
        assert_eq!(take(&mut generator, 100), bytes(second));
        let across = take(&mut generator, 700);
        let end = "fb36688c945bd6c20d6bdc6b7f17fba2917b888380277a3474740618ef2bbfb8baaaed2c
                      456088fd";
        assert_eq!(across[620 - 8..620 + 32], bytes(end));
        let long = take(&mut generator, 800);
        assert_eq!(long[..16], bytes("a359fc2aea929eb155fb0043b77684ce"));
        assert_eq!(long[784..], bytes("f34830d7853bab8c23195789549c83ae"));
    }

    #[test]
    fn what_was_given_is_erased_and_the_key_replaced() {
        let mut generator = seeded();
        let key = generator.key;
        take(&mut generator, 100);
        assert_ne!(generator.key, key);
        assert_eq!(generator.pool[..100], [0; 100]);
        assert_ne!(generator.pool[100..116], [0; 16]);
        let key = generator.key;
        take(&mut generator, POOL_BYTES + 1);
        assert_ne!(generator.key, key);
    }

    #[test]
    fn long_requests_use_one_key_for_each_mebibyte() {
        let (mut whole, mut pieces) = (seeded(), seeded());
        let long = take(&mut whole, (1 << 20) + 5);
        assert_eq!(long[..1 << 20], take(&mut pieces, 1 << 20));
        assert_eq!(long[1 << 20..], take(&mut pieces, 5));
    }

    #[test]
    fn a_new_seed_adds_to_the_old_state() {
        let (mut once, mut twice) = (seeded(), seeded());
        assert_eq!(take(&mut once, 32), take(&mut twice, 32));
        twice.seed_from(&mut pattern_source()).expect("a fixed seed");
        assert_ne!(take(&mut once, 32), take(&mut twice, 32));
    }

    #[test]
    fn a_seed_is_due_and_in_the_end_demanded_after_enough_output() {
        let mut generator = seeded();
        assert!(!generator.is_seed_due());
        generator.bytes_since_seed = Some(RESEED_BYTES - 1);
        take(&mut generator, 1);
        assert!(generator.is_seed_due());
        generator.bytes_since_seed = Some(REFUSE_BYTES - 1);
        take(&mut generator, 1);
        assert_eq!(generator.fill(&mut [0]), Err(RandomError::SeedExhausted));
        generator.seed_from(&mut pattern_source()).expect("a fixed seed");
        assert!(!generator.is_seed_due());
    }

    #[test]
    fn the_state_is_erased_and_never_printed() {
        const fn is_erased<State: ZeroizeOnDrop>() {}
        const { is_erased::<Generator>() };
        const { is_erased::<ChaCha20>() };
        let mut generator = seeded();
        assert_eq!(std::format!("{generator:?}"), "Generator { bytes_since_seed: Some(0), .. }");
        generator.zeroize();
        assert_eq!(generator.key, [0; KEY_BYTES]);
        assert_eq!(generator.fill(&mut [0]), Err(RandomError::NotSeeded));
    }
}
