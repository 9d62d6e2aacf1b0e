//! Safe owner of one block of a heap.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::slice;

use super::{Heap, OutOfMemory};

/// Where blocks come from.
///
/// # Safety
/// A block belongs to one owner at a time, from its allocation to its return on any CPU; it is aligned and as long as its layout
/// asks.
pub unsafe trait RawHeap: Sync {
    /// The start of a new block; `None` if there is no memory for it.
    ///
    /// # Safety
    /// `layout` has a size.
    unsafe fn allocate_raw(&self, layout: Layout) -> Option<NonNull<u8>>;

    /// Takes a block back.
    ///
    /// # Safety
    /// `start` and `layout` are a live block of this heap, which is not used any more.
    unsafe fn deallocate_raw(&self, start: NonNull<u8>, layout: Layout);

    /// Changes a block's size where it lies, or else moves it; the common beginning keeps its contents. `None` leaves
    /// the block as it was.
    ///
    /// # Safety
    /// `start` and `old` are a live block of this heap, and so is what is returned, with layout `new`, in its place.
    /// `new` has a size and the alignment of `old`.
    unsafe fn reallocate_raw(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>>;
}

/// Owns one block of a heap; dropping it gives the block back.
///
/// Like a vector it knows how many of its bytes are written, from the first on; only those can be read.
pub struct Block<'heap, H: RawHeap + ?Sized = Heap> {
    heap: &'heap H,
    start: NonNull<u8>,
    layout: Layout,
    written: usize,
}

// SAFETY: a block is the only owner of its bytes, which any CPU may use, and every CPU may give it back: the heap has
// a lock.
unsafe impl<H: RawHeap + ?Sized> Send for Block<'_, H> {}

// SAFETY: a shared block only lends its bytes for reading.
unsafe impl<H: RawHeap + ?Sized> Sync for Block<'_, H> {}

impl<'heap, H: RawHeap + ?Sized> Block<'heap, H> {
    #[inline]
    pub(super) fn allocate(heap: &'heap H, layout: Layout) -> Result<Self, OutOfMemory> {
        let start = if layout.size() == 0 {
            layout.dangling_ptr()
        } else {
            // SAFETY: the size is not zero.
            unsafe { heap.allocate_raw(layout) }.ok_or(OutOfMemory { bytes: layout.size() })?
        };
        Ok(Self { heap, start, layout, written: 0 })
    }

    /// Its size and alignment.
    #[inline]
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The written bytes: all of a block that was zeroed or filled.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `written` bytes of the block are, or there are none and the start is aligned; they are
        // lent by their only owner.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.written) }
    }

    /// The written bytes: all of a block that was zeroed or filled.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; the owner is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.written) }
    }

    /// The bytes behind the written ones. Writing them does not make them readable.
    #[inline]
    pub fn spare_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let spare = self.layout.size() - self.written;
        // SAFETY: no more bytes are written than the block has.
        let start = unsafe { self.start.add(self.written) };
        // SAFETY: the block has that many bytes from there, which may hold anything; its owner is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(start.cast().as_ptr(), spare) }
    }

    /// Writes `bytes` behind the written ones, as many as fit, and says how many did.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let spare = self.spare_mut();
        let fitting = bytes.len().min(spare.len());
        for (spare, byte) in spare.iter_mut().zip(bytes) {
            spare.write(*byte);
        }
        self.written += fitting;
        fitting
    }

    /// Writes `byte` to all bytes behind the written ones.
    pub fn fill_spare(&mut self, byte: u8) {
        self.spare_mut().fill(MaybeUninit::new(byte));
        self.written = self.layout.size();
    }

    /// Grows or shrinks the block in place, or else moves it. What is written and still fits is kept.
    ///
    /// # Errors
    /// No free block is large enough; this one is unchanged.
    #[inline]
    pub fn resize(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        let refusal = OutOfMemory { bytes };
        let new = Layout::from_size_align(bytes, self.layout.align()).map_err(|_| refusal)?;
        self.start = match (self.layout.size(), bytes) {
            (0, 0) => self.start,
            // SAFETY: the new size is not zero.
            (0, _) => unsafe { self.heap.allocate_raw(new) }.ok_or(refusal)?,
            (_, 0) => {
                // SAFETY: the block is live, and its start is overwritten here.
                unsafe { self.heap.deallocate_raw(self.start, self.layout) };
                new.dangling_ptr()
            }
            // SAFETY: the block is live; the new size is not zero; the alignment is the same.
            _ => unsafe { self.heap.reallocate_raw(self.start, self.layout, new) }.ok_or(refusal)?,
        };
        self.layout = new;
        self.written = self.written.min(bytes);
        Ok(())
    }
}

impl<H: RawHeap + ?Sized> Drop for Block<'_, H> {
    #[inline]
    fn drop(&mut self) {
        if self.layout.size() != 0 {
            // SAFETY: the block is live and this is the last use of it.
            unsafe { self.heap.deallocate_raw(self.start, self.layout) };
        }
    }
}
