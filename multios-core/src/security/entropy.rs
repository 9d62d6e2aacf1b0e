//! Where seeds come from, and the tests that every source must pass all the time.

use zeroize::Zeroizing;

/// Bytes of a seed.
pub const SEED_BYTES: usize = 64;

/// What a source gathers; erased when dropped.
pub type Seed = Zeroizing<[u8; SEED_BYTES]>;

/// Something that nobody can predict.
pub trait EntropySource {
    /// Fills `seed` with bytes that hold 256 bits of entropy or more in all.
    ///
    /// # Errors
    /// The source gives nothing, or what it gives fails its tests. `seed` must not be used then.
    fn gather(&mut self, seed: &mut Seed) -> Result<(), EntropyError>;
}

/// Why there is no entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntropyError {
    /// The hardware gave nothing, however often it was asked.
    #[error("gather entropy: the hardware gives none")]
    Unavailable,
    /// The device said something that makes no sense. It is not used again.
    #[error("gather entropy: {0}")]
    Device(&'static str),
    /// The source is broken.
    #[error("gather entropy: {0}")]
    Unhealthy(#[from] HealthFailure),
}

/// Why a source is taken for broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthFailure {
    /// The same sample came too often in a row.
    #[error("the source is stuck")]
    Stuck,
    /// One sample came too often among the others.
    #[error("the source is biased")]
    Biased,
}

/// Samples over which [`HealthFailure::Biased`] is decided: NIST SP 800-90B section 4.4.2, source that is not binary.
const WINDOW: u32 = 512;

/// The continuous tests of NIST SP 800-90B section 4.4: repetition count and adaptive proportion.
#[derive(Clone, Debug)]
pub struct HealthTest {
    repetitions_max: u32,
    proportion_max: u32,
    last: Option<u64>,
    repetitions: u32,
    window_sample: u64,
    window_matches: u32,
    window_at: u32,
}

impl HealthTest {
    /// Tests of samples with at least an eighth of a bit of entropy. Cut-offs for a false alarm in 2^30.
    #[must_use]
    pub const fn eighth_of_a_bit() -> Self {
        Self::new(241, 502)
    }

    /// Tests of samples with at least 32 bits of entropy. Cut-offs for a false alarm in 2^30.
    #[must_use]
    pub const fn half_a_word() -> Self {
        Self::new(2, 3)
    }

    /// Fails at `repetition_cutoff` equal samples in a row, or `proportion_cutoff` in a window.
    const fn new(repetition_cutoff: u32, proportion_cutoff: u32) -> Self {
        Self {
            repetitions_max: repetition_cutoff - 1,
            proportion_max: proportion_cutoff - 1,
            last: None,
            repetitions: 0,
            window_sample: 0,
            window_matches: 0,
            window_at: 0,
        }
    }

    /// Takes the next sample into account.
    ///
    /// # Errors
    /// The source is broken.
    pub fn check(&mut self, sample: u64) -> Result<(), HealthFailure> {
        self.repetitions = if self.last == Some(sample) { self.repetitions + 1 } else { 1 };
        self.last = Some(sample);
        if self.repetitions > self.repetitions_max {
            self.repetitions = 0;
            return Err(HealthFailure::Stuck);
        }
        if self.window_at == 0 {
            self.window_sample = sample;
            self.window_matches = 0;
        }
        self.window_matches += u32::from(sample == self.window_sample);
        self.window_at = (self.window_at + 1) % WINDOW;
        if self.window_matches > self.proportion_max {
            self.window_at = 0;
            return Err(HealthFailure::Biased);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_all(test: &mut HealthTest, samples: impl IntoIterator<Item = u64>) -> Result<(), HealthFailure> {
        samples.into_iter().try_for_each(|sample| test.check(sample))
    }

    #[test]
    fn a_stuck_source_fails_at_the_cut_off_and_not_before() {
        let mut test = HealthTest::eighth_of_a_bit();
        assert_eq!(check_all(&mut test, [5; 240]), Ok(()));
        assert_eq!(test.check(5), Err(HealthFailure::Stuck));
        let mut words = HealthTest::half_a_word();
        assert_eq!(words.check(u64::MAX), Ok(()));
        assert_eq!(words.check(u64::MAX), Err(HealthFailure::Stuck));
    }

    #[test]
    fn a_biased_source_fails_within_a_window() {
        let biased = (0..512).map(|at| if at % 200 == 199 { at } else { 7 });
        assert_eq!(check_all(&mut HealthTest::eighth_of_a_bit(), biased), Err(HealthFailure::Biased));
        assert_eq!(check_all(&mut HealthTest::half_a_word(), [1, 2, 1, 3, 1]), Err(HealthFailure::Biased));
    }

    #[test]
    fn varied_samples_pass() {
        let varied = (0..100_000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56);
        assert_eq!(check_all(&mut HealthTest::eighth_of_a_bit(), varied), Ok(()));
        assert_eq!(check_all(&mut HealthTest::half_a_word(), 0..100_000), Ok(()));
    }
}
