//! Entropy from the time that memory accesses take, for machines without an instruction for it.
//!
//! The idea is that of Müller, "CPU Time Jitter Based Non-Physical True Random Number Generator" (2014): caches,
//! refresh, frequency changes and interrupts vary how long the same work takes, and a counter that runs fast enough
//! shows it. Samples are taken to hold an eighth of a bit, and twice as many as that asks for are hashed.

use alloc::vec;
use alloc::vec::Vec;

use super::{Blake3, EntropyError, EntropySource, HealthTest, Seed};

/// Samples of a seed: 512 bits at an eighth of a bit.
const SAMPLES: u32 = 4096;

/// Dependent accesses between two readings.
const ACCESSES: usize = 64;

/// Words that are accessed: about an L1 cache, so that some accesses miss it.
const WORDS: usize = 4096;

/// Entropy from the readings of `counter`, which counts time up in steps of a few nanoseconds or less.
pub struct Jitter<Counter> {
    counter: Counter,
    health: HealthTest,
    words: Vec<u32>,
    at: usize,
}

impl<Counter: FnMut() -> u64> Jitter<Counter> {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(counter: Counter) -> Self {
        Self { counter, health: HealthTest::eighth_of_a_bit(), words: vec![0; WORDS], at: 0 }
    }

    /// Walks over the words on a path that every step changes.
    fn work(&mut self) {
        for _ in 0..ACCESSES {
            let word = &mut self.words[self.at % WORDS];
            *word = word.wrapping_add(1);
            let step = usize::from(word.to_le_bytes()[0]);
            self.at = self.at.wrapping_mul(5).wrapping_add(2 * step + 1);
        }
        core::hint::black_box(&mut self.words);
    }
}

impl<Counter: FnMut() -> u64> EntropySource for Jitter<Counter> {
    fn gather(&mut self, seed: &mut Seed) -> Result<(), EntropyError> {
        let mut pool = Blake3::new();
        let mut before = (self.counter)();
        for _ in 0..SAMPLES {
            self.work();
            let after = (self.counter)();
            let delta = after.wrapping_sub(before);
            before = after;
            self.health.check(delta)?;
            pool.update(&delta.to_le_bytes());
        }
        pool.finish_into(seed.as_mut());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::{HealthFailure, SEED_BYTES};

    #[test]
    fn a_counter_that_stands_still_or_beats_evenly_gives_no_entropy() {
        let mut seed = Seed::new([0; SEED_BYTES]);
        let stuck = Err(EntropyError::Unhealthy(HealthFailure::Stuck));
        assert_eq!(Jitter::new(|| 7).gather(&mut seed), stuck);
        let mut ticks = 0;
        let even = || {
            ticks += 100;
            ticks
        };
        assert_eq!(Jitter::new(even).gather(&mut seed), stuck);
        assert_eq!(*seed, [0; SEED_BYTES]);
    }

    #[test]
    fn the_seed_depends_on_every_delta() {
        let seed_of = |late: u64| {
            let mut reading = 0_u64;
            let mut ticks = 0_u64;
            let counter = move || {
                reading += 1;
                ticks += 100 + reading.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 31;
                if reading == 4097 { ticks + late } else { ticks }
            };
            let mut seed = Seed::new([0; SEED_BYTES]);
            Jitter::new(counter).gather(&mut seed).expect("varied deltas");
            *seed
        };
        assert_eq!(seed_of(0), seed_of(0));
        assert_ne!(seed_of(0), seed_of(1));
    }

    #[test]
    fn the_clock_of_this_machine_gives_seeds_that_differ() {
        let start = std::time::Instant::now();
        let counter = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(0);
        let mut jitter = Jitter::new(counter);
        let (mut first, mut second) = (Seed::new([0; SEED_BYTES]), Seed::new([0; SEED_BYTES]));
        jitter.gather(&mut first).expect("a clock with jitter");
        jitter.gather(&mut second).expect("a clock with jitter");
        assert_ne!(*first, *second);
    }
}
