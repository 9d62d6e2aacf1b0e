//! The processor's own entropy: RDSEED, or RDRAND where that is missing.
//!
//! RDSEED gives conditioned entropy. RDRAND gives the output of a generator that the processor seeds from the same
//! source at least once in 512 outputs of 128 bits (Intel Digital Random Number Generator Software Implementation
//! Guide, sections 3.2.3 and 5.2.6), so that a seed is made of that many for each 128 bits wanted. Either may fail for
//! a while, and on some machines fails for good or always gives the same word, which the health test notices.

use core::arch::x86_64::{_rdrand64_step, _rdseed64_step};
use core::hint;

use multios_core::security::{Blake3, EntropyError, EntropySource, HealthTest, Seed};
use raw_cpuid::{CpuId, CpuIdReaderNative};

/// How often RDRAND is asked before it counts as broken (ibid., section 5.2.1).
const RDRAND_ATTEMPTS: u32 = 10;

/// How often RDSEED is asked: it runs dry when others ask it too (ibid., section 5.3.1).
const RDSEED_ATTEMPTS: u32 = 10_000;

/// Words of RDRAND for 256 bits of entropy: 512 pairs for each 128 bits.
const RDRAND_WORDS: u32 = 2 * 512 * 2;

/// Which instruction gives the entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntropyInstruction {
    /// Entropy itself.
    Rdseed,
    /// A generator that entropy is mixed into.
    Rdrand,
}

/// The processor's entropy source.
#[derive(Debug)]
pub struct ProcessorEntropy {
    instruction: EntropyInstruction,
    health: HealthTest,
}

impl ProcessorEntropy {
    /// The best source that the processor has; `None` if it has none (CPUID.7.0:EBX bit 18, CPUID.1:ECX bit 30).
    #[must_use]
    pub fn detect() -> Option<Self> {
        let cpuid = CpuId::with_cpuid_reader(CpuIdReaderNative);
        let has_rdseed = cpuid.get_extended_feature_info().is_some_and(|leaf| leaf.has_rdseed());
        let has_rdrand = cpuid.get_feature_info().is_some_and(|leaf| leaf.has_rdrand());
        let instruction = match (has_rdseed, has_rdrand) {
            (true, _) => EntropyInstruction::Rdseed,
            (false, true) => EntropyInstruction::Rdrand,
            (false, false) => return None,
        };
        Some(Self { instruction, health: HealthTest::half_a_word() })
    }

    /// Which instruction it is.
    #[must_use]
    pub fn instruction(&self) -> EntropyInstruction {
        self.instruction
    }

    fn word(&mut self) -> Result<u64, EntropyError> {
        let word = match self.instruction {
            EntropyInstruction::Rdseed => attempt(RDSEED_ATTEMPTS, || {
                // SAFETY: `detect` chose the instruction, as CPUID has it.
                unsafe { rdseed() }
            }),
            EntropyInstruction::Rdrand => attempt(RDRAND_ATTEMPTS, || {
                // SAFETY: `detect` chose the instruction, as CPUID has it.
                unsafe { rdrand() }
            }),
        };
        let word = word.ok_or(EntropyError::Unavailable)?;
        self.health.check(word)?;
        Ok(word)
    }
}

impl EntropySource for ProcessorEntropy {
    fn gather(&mut self, seed: &mut Seed) -> Result<(), EntropyError> {
        if self.instruction == EntropyInstruction::Rdseed {
            for bytes in seed.as_chunks_mut().0 {
                *bytes = self.word()?.to_le_bytes();
            }
            return Ok(());
        }
        let mut pool = Blake3::new();
        for _ in 0..RDRAND_WORDS {
            pool.update(&self.word()?.to_le_bytes());
        }
        pool.finish_into(seed.as_mut());
        Ok(())
    }
}

/// The first word that `instruction` gives.
fn attempt(attempts: u32, instruction: impl Fn() -> Option<u64>) -> Option<u64> {
    (0..attempts).find_map(|_| {
        let word = instruction();
        if word.is_none() {
            hint::spin_loop();
        }
        word
    })
}

#[target_feature(enable = "rdseed")]
fn rdseed() -> Option<u64> {
    let mut word = 0;
    (_rdseed64_step(&mut word) == 1).then_some(word)
}

#[target_feature(enable = "rdrand")]
fn rdrand() -> Option<u64> {
    let mut word = 0;
    (_rdrand64_step(&mut word) == 1).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use multios_core::security::SEED_BYTES;

    #[test]
    fn a_processor_that_has_entropy_gives_seeds_that_differ() {
        if let Some(mut source) = ProcessorEntropy::detect() {
            let (mut first, mut second) = (Seed::new([0; SEED_BYTES]), Seed::new([0; SEED_BYTES]));
            source.gather(&mut first).expect("working instructions");
            source.gather(&mut second).expect("working instructions");
            assert_ne!(*first, *second);
            assert_ne!(*first, [0; SEED_BYTES]);
        }
    }

    #[test]
    fn an_instruction_that_never_gives_is_asked_a_bounded_number_of_times() {
        let asked = core::cell::Cell::new(0);
        let dry = || {
            asked.set(asked.get() + 1);
            None
        };
        assert_eq!(attempt(7, dry), None);
        assert_eq!(asked.get(), 7);
        assert_eq!(attempt(7, || Some(3)), Some(3));
    }
}
