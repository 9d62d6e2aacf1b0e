//! A table that grows without moving what it has.

use alloc::vec::Vec;

use super::super::OutOfMemory;

const CHUNK: usize = 512;

/// Entries by number from 0, in chunks. Growing takes a chunk at a time, and copies no entry.
pub(super) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Chunks<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        let Some((last, full)) = self.chunks.split_last() else { return 0 };
        full.len() * CHUNK + last.len()
    }

    /// Makes room for one more entry.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn reserve(&mut self) -> Result<(), OutOfMemory> {
        if self.chunks.last().is_some_and(|last| last.len() < CHUNK) {
            return Ok(());
        }
        let out = |_| OutOfMemory { bytes: CHUNK * size_of::<T>() };
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(CHUNK).map_err(out)?;
        self.chunks.try_reserve(1).map_err(out)?;
        self.chunks.push(chunk);
        Ok(())
    }

    /// Adds an entry, for which room was made.
    pub(super) fn push(&mut self, entry: T) {
        let last = self.chunks.last_mut().expect("room was made");
        debug_assert!(last.len() < last.capacity());
        last.push(entry);
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let number = number as usize;
        self.chunks.get(number / CHUNK)?.get(number % CHUNK)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let number = number as usize;
        self.chunks.get_mut(number / CHUNK)?.get_mut(number % CHUNK)
    }
}
