//! The most bytes that were live at once.

use core::sync::atomic::{AtomicU64, Ordering};

/// A sum that CPUs add to from time to time, and its highest value.
pub(super) struct Peak {
    /// May be below zero while one CPU's frees are known and another's allocations are not.
    sum: AtomicU64,
    highest: AtomicU64,
}

impl Peak {
    pub(super) const fn new() -> Self {
        Self { sum: AtomicU64::new(0), highest: AtomicU64::new(0) }
    }

    /// Adds what has changed, modulo 2^64.
    pub(super) fn add(&self, change: u64) {
        let sum = self.sum.fetch_add(change, Ordering::Relaxed).wrapping_add(change);
        if !sum.cast_signed().is_negative() && sum > self.highest.load(Ordering::Relaxed) {
            self.highest.fetch_max(sum, Ordering::Relaxed);
        }
    }

    /// The highest value, `live` included.
    pub(super) fn notice(&self, live: u64) -> u64 {
        let live = if live.cast_signed().is_negative() { 0 } else { live };
        self.highest.fetch_max(live, Ordering::Relaxed).max(live)
    }

    /// Begins anew.
    pub(super) fn restart(&self) {
        self.sum.store(0, Ordering::Relaxed);
        self.reset();
    }

    /// Forgets the highest value.
    pub(super) fn reset(&self) {
        self.highest.store(0, Ordering::Relaxed);
    }
}
