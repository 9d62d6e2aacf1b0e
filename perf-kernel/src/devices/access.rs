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

/// A clock.
pub(crate) trait Time: Send {
    /// The time since some fixed point.
    fn now(&self) -> Nanoseconds;
}

/// Waits until `is_done`, at most for `patience`. Says whether it came about.
pub(crate) fn wait(time: &impl Time, patience: Nanoseconds, mut is_done: impl FnMut() -> bool) -> bool {
    let begin = time.now().0;
    loop {
        if is_done() {
            return true;
        }
        if time.now().0.saturating_sub(begin) >= patience.0 {
            // What was late by a moment of ours alone is not late.
            return is_done();
        }
        core::hint::spin_loop();
    }
}
