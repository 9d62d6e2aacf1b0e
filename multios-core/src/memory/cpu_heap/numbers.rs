//! Numbers of caches, each had by one thread at a time.

use super::local::CACHES;
use crate::atomics::{AtomicU64, Ordering};

/// A bit for each number that is taken.
pub(super) struct Numbers(AtomicU64);

const _: () = assert!(CACHES == 64, "one word says which are taken");

impl Numbers {
    /// None is taken.
    #[cfg(not(feature = "loom"))]
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// None is taken.
    #[cfg(feature = "loom")]
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The lowest number that nobody has. What its last owner did is visible.
    pub(super) fn take(&self) -> Option<usize> {
        let mut taken = self.0.load(Ordering::Relaxed);
        loop {
            let number = taken.trailing_ones();
            let bit = 1_u64.checked_shl(number)?;
            match self.0.compare_exchange_weak(taken, taken | bit, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return usize::try_from(number).ok(),
                Err(now) => taken = now,
            }
        }
    }

    /// Gives a number back.
    pub(super) fn give(&self, number: usize) {
        self.0.fetch_and(!(1 << number), Ordering::Release);
    }
}
