//! A fixed integer loop with a known result.

use core::hint::black_box;

use crate::measure::{BenchError, Bencher, Expected};

const ROUNDS: u64 = 1_000;
const SEED: u64 = 0x0123_4567_89ab_cdef;

/// What the loop computes; found by another program with integers of any length.
pub(crate) const RESULT: u64 = 0x4390_cabb_501b_341b;

/// A thousand rounds of shift, exclusive or, multiplication and addition, each of which waits for the one before.
#[inline(always)]
pub(crate) fn reference_loop() -> u64 {
    let mut state = black_box(SEED);
    for round in 0..ROUNDS {
        state = (state ^ (state >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9).wrapping_add(round);
    }
    state
}

pub(super) fn run(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Each(RESULT), reference_loop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_has_the_known_result() {
        assert_eq!(reference_loop(), RESULT);
    }
}
