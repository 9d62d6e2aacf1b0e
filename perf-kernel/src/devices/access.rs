//! What drivers need of a machine, as traits that a test implements with plain structs.

use crate::units::Nanoseconds;

/// Registers of a device in memory, by offset in bytes.
pub(crate) trait DeviceRegisters: Send {
    /// Reads four bytes at `offset`, a multiple of four.
    fn read(&mut self, offset: usize) -> u32;

    /// Writes four bytes at `offset`, a multiple of four.
    fn write(&mut self, offset: usize, value: u32);
}

/// Memory that devices reach.
pub(crate) trait DmaMemory {
    /// A piece of it.
    type Region: DmaRegion;

    /// A piece of `bytes` zeros, at an address that is a multiple of 4096; `None` if there is none.
    fn allocate(&self, bytes: usize) -> Option<Self::Region>;
}

/// A piece of memory that a device may read and write at any time. It is given back when it is dropped, which must
/// not be before the device leaves it alone.
pub(crate) trait DmaRegion: Send {
    /// Where the device finds it.
    fn address(&self) -> u64;

    /// Copies what lies at `offset` into `bytes`.
    ///
    /// # Panics
    /// Panics if it reaches beyond the end.
    fn read(&self, offset: usize, bytes: &mut [u8]);

    /// Copies `bytes` to `offset`.
    ///
    /// # Panics
    /// Panics if it reaches beyond the end.
    fn write(&mut self, offset: usize, bytes: &[u8]);

    /// Four bytes at `offset`, low byte first.
    ///
    /// # Panics
    /// As [`Self::read`].
    fn read_u32(&self, offset: usize) -> u32 {
        let mut bytes = [0; 4];
        self.read(offset, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    /// Keeps the memory from being given back: a device that could not be stopped may still write to it.
    fn leak(self);
}

/// A clock, and what lets a device end a wait.
pub(crate) trait Time: Send {
    /// The time since some fixed point.
    fn now(&self) -> Nanoseconds;

    /// Which of its messages the device is to interrupt by; `None` if it is not to interrupt.
    fn message(&self) -> Option<u16> {
        None
    }

    /// How often the device has interrupted.
    fn interrupts(&self) -> u64 {
        0
    }

    /// Waits until the device has interrupted more often than `seen`, `patience` at most. For a device that does not
    /// interrupt, or where no interrupts come, it is a pause.
    fn rest(&self, seen: u64, patience: Nanoseconds) {
        let _ = (seen, patience);
        core::hint::spin_loop();
    }
}

/// Waits until `is_done`, at most for `patience`. Says whether it came about.
pub(crate) fn wait(time: &impl Time, patience: Nanoseconds, mut is_done: impl FnMut() -> bool) -> bool {
    let begin = time.now().0;
    loop {
        // Before the look: what the device does after it, it tells by an interrupt that counts.
        let seen = time.interrupts();
        if is_done() {
            return true;
        }
        let left = patience.0.saturating_sub(time.now().0.saturating_sub(begin));
        if left == 0 {
            // What was late by a moment of ours alone is not late.
            return is_done();
        }
        time.rest(seen, Nanoseconds(left));
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A clock that stands still but for rests, which last until the device has interrupted, or as long as they may.
    #[derive(Default)]
    struct Resting {
        now: AtomicU64,
        interrupts: AtomicU64,
        rests: AtomicU64,
    }

    impl Time for Resting {
        fn now(&self) -> Nanoseconds {
            Nanoseconds(self.now.load(Ordering::Relaxed))
        }

        fn interrupts(&self) -> u64 {
            self.interrupts.load(Ordering::Relaxed)
        }

        fn rest(&self, seen: u64, patience: Nanoseconds) {
            self.rests.fetch_add(1, Ordering::Relaxed);
            if self.interrupts() == seen {
                self.now.fetch_add(patience.0, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn what_a_device_does_just_after_the_look_is_not_slept_through() {
        let time = Resting::default();
        let mut looks = 0;
        let is_done = wait(&time, Nanoseconds(1_000), || {
            looks += 1;
            // It has not yet, and does so before the look is over.
            time.interrupts.fetch_add(u64::from(looks == 1), Ordering::Relaxed);
            looks == 2
        });
        assert!(is_done);
        assert_eq!((looks, time.now(), time.rests.load(Ordering::Relaxed)), (2, Nanoseconds(0), 1));
    }

    #[test]
    fn a_device_that_says_nothing_is_waited_for_once_and_as_long_as_was_asked() {
        let time = Resting::default();
        assert!(!wait(&time, Nanoseconds(1_000), || false));
        assert_eq!((time.now(), time.rests.load(Ordering::Relaxed)), (Nanoseconds(1_000), 1));
    }
}
