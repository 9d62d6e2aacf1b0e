//! What page tables need of a machine.

use core::ops::Range;

/// Physical memory, and the processors' translation caches. Tables and frames are named by physical addresses, which
/// the address space has from its frames.
pub trait PageHardware {
    /// Reads the entry `index`, below 512, of the table at `table`.
    fn load(&self, table: u64, index: usize) -> u64;

    /// Writes the entry `index`, below 512, of the table at `table`. Processors may read it at any time.
    fn store(&self, table: u64, index: usize, entry: u64);

    /// Fills the frame at `frame` with zeros.
    fn clear(&self, frame: u64);

    /// Forgets what any processor has cached of `pages`, a range of virtual addresses, in the space of the table
    /// `root`. When it returns, no processor uses what stood there before.
    fn invalidate(&self, root: u64, pages: Range<u64>);

    /// Makes sure that no processor uses the space of the table `root` any more.
    fn retire(&self, root: u64);
}
