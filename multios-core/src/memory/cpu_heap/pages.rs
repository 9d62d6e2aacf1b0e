//! Where a heap gets its memory from.

use core::ptr::NonNull;

/// Gives and takes back stretches of memory, each a whole number of units of 64 KiB long.
///
/// # Safety
/// A stretch that was taken is valid for reads and writes, begins at a multiple of the asked alignment, and is nobody
/// else's until it is given back.
pub unsafe trait Pages: Sync {
    /// A stretch of at least `bytes` bytes at a multiple of `align`, a power of two of at least one unit. What stands in it is undefined.
    /// `None` if there is none.
    fn take(&self, bytes: usize, align: usize) -> Option<NonNull<u8>>;

    /// Takes a stretch back.
    ///
    /// # Safety
    /// `start` was returned by [`take`](Self::take) for the same number of `bytes`, and is not used any more.
    unsafe fn give(&self, start: NonNull<u8>, bytes: usize);

    /// Whether `address` may be one of its memory; asked by checks only.
    fn may_own(&self, address: usize) -> bool;
}

/// Stretches begin at multiples of this and are whole numbers of it.
pub(super) const UNIT_BYTES: usize = 64 * 1024;
