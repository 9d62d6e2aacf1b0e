//! Random bytes from the kernel's generator.

use core::hint::black_box;

use alloc::boxed::Box;
use alloc::vec;

use multios_core::security::{EntropyError, EntropySource, Generator, Jitter, RandomError, SEED_BYTES, Seed};

use super::message::hex;
use crate::arch::counter;
use crate::arch::entropy::ProcessorEntropy;
use crate::measure::{BenchError, Bencher, Expected};
use crate::suites::buffer::{layout, scale_bytes};
use crate::units::Bytes;

/// The generator's first bytes after the seed 00 01 ... 3f, computed with b3sum 1.2 and OpenSSL 3.
const KNOWN_BYTES: [u8; 16] = hex("916996c5f9e64291eaabc6b124616b8d");

/// Bytes whose bits are counted at the end.
const COUNTED_BYTES: usize = 64 << 10;

/// One iteration fills a buffer from the kernel's generator, which is seeded by the processor's entropy if it has an
/// instruction for it, and else by the jitter of the counter.
pub(super) fn fill(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    gives_the_known_answer()?;
    let (mut generator, mut source) = seeded_generator()?;
    bencher.add_figure("processor_entropy", ProcessorEntropy::detect().is_some().into());
    let mut block = bencher.heap().allocate_zeroed(layout(scale_bytes(bencher)?, 64)?)?;
    bencher.set_bytes(Bytes(bencher.scale()));
    let mut before = [0; 8];
    bencher.measure(Expected::Each(1), || {
        let bytes = black_box(block.as_mut_slice());
        let is_filled = give(&mut generator, &mut *source, bytes).is_ok();
        let ends = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>());
        let (Some(first), Some(last)) = ends else { return 0 };
        let has_changed = *first != before && first != last;
        before = *first;
        u64::from(is_filled && has_changed)
    })?;
    looks_random(&mut generator)
}

/// A generator that was just seeded, and where later seeds come from.
pub(in crate::suites) fn seeded_generator() -> Result<(Generator, Box<dyn EntropySource>), BenchError> {
    let (mut generator, mut source) = (Generator::new(), entropy());
    seed(&mut generator, &mut *source)?;
    Ok((generator, source))
}

/// Fills `bytes`, with new entropy first if that is due, as a kernel does.
#[inline]
fn give(
    generator: &mut Generator,
    source: &mut dyn EntropySource,
    bytes: &mut [u8],
) -> Result<(), RandomError> {
    if generator.is_seed_due() {
        // A source that fails now leaves the old seed, which holds for a while.
        let _ = generator.seed_from(source);
    }
    generator.fill(bytes)
}

/// The best source of entropy that the machine has.
fn entropy() -> Box<dyn EntropySource> {
    match ProcessorEntropy::detect() {
        Some(source) => Box::new(source),
        None => Box::new(Jitter::new(|| counter::now().0)),
    }
}

fn seed(generator: &mut Generator, source: &mut dyn EntropySource) -> Result<(), BenchError> {
    generator.seed_from(source).map_err(|error| BenchError::Skipped(alloc::format!("failed to {error}")))
}

/// From a known seed the generator must give known bytes.
fn gives_the_known_answer() -> Result<(), BenchError> {
    struct Counting;
    impl EntropySource for Counting {
        fn gather(&mut self, seed: &mut Seed) -> Result<(), EntropyError> {
            seed.iter_mut().zip(0..).for_each(|(byte, value)| *byte = value);
            Ok(())
        }
    }
    const _: () = assert!(SEED_BYTES == 64);
    let mut generator = Generator::new();
    seed(&mut generator, &mut Counting)?;
    let mut bytes = [0; KNOWN_BYTES.len()];
    generator.fill(&mut bytes).map_err(|error| BenchError::Failed(alloc::format!("failed to {error}")))?;
    if bytes == KNOWN_BYTES { Ok(()) } else { Err(BenchError::Failed("the known bytes did not come".into())) }
}

fn looks_random(generator: &mut Generator) -> Result<(), BenchError> {
    let mut bytes = vec![0; COUNTED_BYTES];
    generator.fill(&mut bytes).map_err(|error| BenchError::Failed(alloc::format!("failed to {error}")))?;
    looks_like_random(&bytes)
}

/// The monobit test of NIST SP 800-22 section 2.1, at seven standard deviations: a false alarm in 10^11.
pub(in crate::suites) fn looks_like_random(bytes: &[u8]) -> Result<(), BenchError> {
    let ones: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
    let bits = 8 * bytes.len() as u64;
    // The standard deviation of the number of ones is half the root of the number of bits.
    let deviation_max = 7 * bits.isqrt() / 2;
    if ones.abs_diff(bits / 2) <= deviation_max {
        return Ok(());
    }
    Err(BenchError::Failed(alloc::format!("{ones} of {bits} random bits are ones")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer_comes() {
        assert_eq!(gives_the_known_answer(), Ok(()));
    }

    #[test]
    fn a_machine_without_entropy_skips() {
        let mut stuck = Jitter::new(|| 7);
        let skipped = seed(&mut Generator::new(), &mut stuck);
        let reason = "failed to gather entropy: the source is stuck";
        assert_eq!(skipped, Err(BenchError::Skipped(reason.into())));
    }

    #[test]
    fn the_generator_looks_random() {
        let (mut generator, mut source) = (Generator::new(), entropy());
        seed(&mut generator, &mut *source).expect("a machine with entropy");
        assert_eq!(looks_random(&mut generator), Ok(()));
        let mut bytes = [0; 32];
        assert_eq!(give(&mut generator, &mut *source, &mut bytes), Ok(()));
        assert_ne!(bytes, [0; 32]);
    }
}
