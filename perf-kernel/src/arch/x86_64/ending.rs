//! The end of normal running: from here on one report is made, and nothing that was interrupted goes on.

use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, Ordering};

use spin::{Mutex, MutexGuard};

use super::{allocator, halt, interrupts_off};
use crate::arch::sides;

static ENDINGS: AtomicU32 = AtomicU32::new(0);

/// Proof that whatever was running has stopped for good.
#[derive(Debug)]
pub struct Ending(());

/// Stops normal running for good and makes `report`, with allocations from memory of its own. If that fails and ends
/// here again, `last_words` are tried; if these fail too, the processor halts.
pub fn end(report: impl FnOnce(&Ending) -> Infallible, last_words: impl FnOnce()) -> ! {
    interrupts_off();
    match ENDINGS.fetch_add(1, Ordering::SeqCst) {
        0 => {
            allocator::use_emergency_memory();
            sides::close();
            match report(&Ending(())) {}
        }
        1 => last_words(),
        _ => {}
    }
    halt()
}

/// A value behind a lock that the report of an ending can take from whoever held it.
#[derive(Debug)]
pub struct Seizable<T>(Mutex<T>);

impl<T> Seizable<T> {
    /// A value that nobody holds.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits for the value. On one CPU, whoever holds it must let go first.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    /// Takes the value, held or not.
    pub fn seize(&self, _ending: &Ending) -> MutexGuard<'_, T> {
        if let Some(guard) = self.0.try_lock() {
            return guard;
        }
        // SAFETY: the holder was interrupted on this, the only CPU, and `Ending` says that it never goes on.
        unsafe { self.0.force_unlock() };
        self.0.lock()
    }
}
