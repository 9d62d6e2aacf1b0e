//! Buddy allocator of physical frames.
//!
//! The binary buddy system (Knowlton, "A fast storage allocator", CACM 8(10), 1965; Knuth, TAOCP volume 1, section
//! 2.5): a block of `2^order` frames lies at a multiple of its size, and two free halves of a block join again. All
//! bookkeeping lies in bit sets outside of the managed memory, which is never touched.

use alloc::vec::Vec;
use core::array;
use core::ops::Range;

use super::bits::{BitMap, BitSet};

mod snapshot;
#[cfg(test)]
mod tests;

pub use snapshot::FramesSnapshot;

/// Bytes of one frame.
pub const FRAME_BYTES: u64 = 4096;

/// The largest order: 1 GiB.
pub const ORDER_MAX: u8 = 18;

/// Number of orders.
pub const ORDERS: usize = 19;

/// A block of `2^order` frames. Not `Clone`: whoever owns it has the right to the memory.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a dropped block is lost to the allocator"]
pub struct Frame {
    /// Physical address of its first byte.
    pub address: u64,
    /// Binary logarithm of its number of frames.
    pub order: u8,
}

impl Frame {
    /// Its size.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        FRAME_BYTES << self.order
    }
}

/// The free and the allocated blocks of a machine's memory.
pub struct Frames {
    /// In order of address, and of index too.
    regions: Vec<Region>,
    orders: [Order; ORDERS],
    /// Bit `n` is set if a block of order `n` is free.
    orders_with_free: u32,
    total_frames: u64,
}

/// The blocks of one order, numbered by their first frame's index shifted right by the order.
struct Order {
    free: BitSet,
    free_blocks: u64,
    allocated: BitMap,
}

/// Contiguous memory.
///
/// The indices of its frames are congruent to their physical frame numbers modulo its largest block, and no other
/// region has indices in the blocks of that size that it reaches into. So buddies by index are buddies by address.
struct Region {
    first_frame: u64,
    frames: u64,
    first_index: u64,
    /// The largest block that the region can hold; halves never join beyond it.
    order_max: u8,
}

/// Why a block is neither given nor taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No block of this order is free, nor a larger one.
    #[error("allocate a block of order {0}: no free block is that large")]
    OutOfFrames(u8),
    /// The order is above [`ORDER_MAX`].
    #[error("use a block of order {0}: the largest order is {ORDER_MAX}")]
    OrderTooLarge(u8),
    /// A block of this order cannot lie there.
    #[error("release the block of order {order} at {address:#x}: the address is no multiple of its size")]
    Misaligned {
        /// Of the block.
        address: u64,
        /// Of the block.
        order: u8,
    },
    /// It is not in the managed memory, or already free, or was allocated at another order.
    #[error("release the block of order {order} at {address:#x}: no such block is allocated")]
    NotAllocated {
        /// Of the block.
        address: u64,
        /// Of the block.
        order: u8,
    },
    /// The heap has no room for the tables.
    #[error("set up the frame allocator: its tables need {bytes} more bytes")]
    OutOfMetadata {
        /// Bytes of the table that did not fit.
        bytes: usize,
    },
}

/// What a frame allocator holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FramesUsage {
    /// Frames managed.
    pub total_frames: u64,
    /// Frames in free blocks.
    pub free_frames: u64,
    /// Free blocks of each order, those of single frames first.
    pub free_blocks: [u64; ORDERS],
    /// Bytes of the heap that the bookkeeping takes.
    pub metadata_bytes: u64,
}

impl Frames {
    /// Manages nothing.
    #[must_use]
    pub const fn empty() -> Self {
        const NONE: Order = Order { free: BitSet::empty(), free_blocks: 0, allocated: BitMap::empty() };
        Self { regions: Vec::new(), orders: [NONE; ORDERS], orders_with_free: 0, total_frames: 0 }
    }

    /// Manages `ranges` of physical addresses, all free. They are rounded inward to whole frames, may come in any
    /// order, and count once where they overlap.
    ///
    /// # Errors
    /// The tables do not fit into the heap.
    pub fn new(ranges: &[Range<u64>]) -> Result<Self, FrameError> {
        let mut frames = Self::empty();
        let mut next_index = 0_u64;
        for range in merged(ranges)? {
            let region = Region::at(range, next_index);
            next_index = region.end_index();
            frames.total_frames += region.frames;
            frames.regions.push(region);
        }
        for (order, blocks) in frames.orders.iter_mut().enumerate() {
            let size = to_index(next_index >> order);
            blocks.free = BitSet::new(size)?;
            blocks.allocated = BitMap::new(size)?;
        }
        for at in 0..frames.regions.len() {
            frames.free_whole_region(at);
        }
        Ok(frames)
    }

    /// Takes a block of `2^order` frames: the lowest among the smallest free blocks that are large enough.
    ///
    /// # Errors
    /// No block is that large.
    pub fn allocate(&mut self, order: u8) -> Result<Frame, FrameError> {
        if order > ORDER_MAX {
            return Err(FrameError::OrderTooLarge(order));
        }
        let found = self.smallest_free_order(order).ok_or(FrameError::OutOfFrames(order))?;
        let mut block = self.orders[usize::from(found)].free.first().ok_or(FrameError::OutOfFrames(order))?;
        self.remove_free(found, block);
        for half in (order..found).rev() {
            block *= 2;
            self.insert_free(half, block + 1);
        }
        self.orders[usize::from(order)].allocated.insert(block);
        Ok(Frame { address: self.address_of(order, block), order })
    }

    /// Takes a block back.
    ///
    /// # Errors
    /// It was not allocated here.
    pub fn release(&mut self, frame: Frame) -> Result<(), FrameError> {
        self.release_at(frame.address, frame.order)
    }

    /// Takes the block of `2^order` frames at `address` back, for owners that keep addresses only.
    ///
    /// # Errors
    /// No block of exactly that order is allocated there.
    pub fn release_at(&mut self, address: u64, order: u8) -> Result<(), FrameError> {
        if order > ORDER_MAX {
            return Err(FrameError::OrderTooLarge(order));
        }
        if !address.is_multiple_of(FRAME_BYTES << order) {
            return Err(FrameError::Misaligned { address, order });
        }
        let refusal = FrameError::NotAllocated { address, order };
        let (index, order_max) = self.locate(address / FRAME_BYTES).ok_or(refusal)?;
        let mut block = to_index(index >> order);
        if !self.orders[usize::from(order)].allocated.take(block) {
            return Err(refusal);
        }
        let mut order = order;
        while order < order_max && self.orders[usize::from(order)].free.contains(block ^ 1) {
            self.remove_free(order, block ^ 1);
            block /= 2;
            order += 1;
        }
        self.insert_free(order, block);
        Ok(())
    }

    /// What it holds now.
    #[must_use]
    pub fn usage(&self) -> FramesUsage {
        let free_blocks = array::from_fn(|order| self.orders[order].free_blocks);
        let tables =
            self.orders.iter().map(|order| order.free.bytes() + order.allocated.bytes()).sum::<usize>();
        let regions = size_of_val(self.regions.as_slice());
        FramesUsage {
            total_frames: self.total_frames,
            free_frames: free_blocks.iter().enumerate().map(|(order, blocks)| blocks << order).sum(),
            free_blocks,
            metadata_bytes: (tables + regions) as u64,
        }
    }

    /// The smallest order from `order` up of which a block is free.
    fn smallest_free_order(&self, order: u8) -> Option<u8> {
        let candidates = self.orders_with_free >> order;
        let above = u8::try_from(candidates.trailing_zeros()).ok()?;
        (candidates != 0).then_some(order + above)
    }

    fn insert_free(&mut self, order: u8, block: usize) {
        let blocks = &mut self.orders[usize::from(order)];
        blocks.free.insert(block);
        blocks.free_blocks += 1;
        self.orders_with_free |= 1 << order;
    }

    fn remove_free(&mut self, order: u8, block: usize) {
        let blocks = &mut self.orders[usize::from(order)];
        blocks.free.remove(block);
        blocks.free_blocks -= 1;
        if blocks.free_blocks == 0 {
            self.orders_with_free &= !(1 << order);
        }
    }

    /// The index of a physical frame and the largest order in its region; `None` if nobody manages it.
    fn locate(&self, frame: u64) -> Option<(u64, u8)> {
        let behind = self.regions.partition_point(|region| region.first_frame <= frame);
        let region = self.regions.get(behind.checked_sub(1)?)?;
        let offset = frame - region.first_frame;
        (offset < region.frames).then_some((region.first_index + offset, region.order_max))
    }

    /// The physical address of a block of this allocator.
    fn address_of(&self, order: u8, block: usize) -> u64 {
        let index = (block as u64) << order;
        let behind = self.regions.partition_point(|region| region.first_index <= index);
        let region = &self.regions[behind.saturating_sub(1)];
        (region.first_frame + (index - region.first_index)) * FRAME_BYTES
    }

    /// Cuts a region into the fewest blocks.
    fn free_whole_region(&mut self, at: usize) {
        let Region { first_index, frames, order_max, .. } = self.regions[at];
        let end = first_index + frames;
        let mut index = first_index;
        while index < end {
            let order = largest_order(index, end).min(order_max);
            self.insert_free(order, to_index(index >> order));
            index += 1 << order;
        }
    }
}

impl Region {
    /// A region of the physical frames `range`, with indices from `next_index` up.
    fn at(range: Range<u64>, next_index: u64) -> Self {
        let order_max = (0..=ORDER_MAX).rev().find(|order| holds_block(&range, *order)).unwrap_or(0);
        let block = 1_u64 << order_max;
        Self {
            first_frame: range.start,
            frames: range.end - range.start,
            first_index: next_index.next_multiple_of(block) + range.start % block,
            order_max,
        }
    }

    /// The first index behind the blocks that the region reaches into.
    fn end_index(&self) -> u64 {
        (self.first_index + self.frames).next_multiple_of(1 << self.order_max)
    }
}

/// Whether a block of `2^order` frames fits into `range` at a multiple of its size.
fn holds_block(range: &Range<u64>, order: u8) -> bool {
    let block = 1_u64 << order;
    range.start.next_multiple_of(block) + block <= range.end
}

/// The largest order, [`ORDER_MAX`] at most, of a block that may begin at `start` and ends by `end`, which is larger.
fn largest_order(start: u64, end: u64) -> u8 {
    let order = start.trailing_zeros().min((end - start).ilog2());
    u8::try_from(order).map_or(ORDER_MAX, |order| order.min(ORDER_MAX))
}

/// An index as one into a slice. It is below the number of managed frames; larger ones would be out of every table's
/// bounds anyway.
#[inline]
fn to_index(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// Whole frames in `ranges` of addresses, sorted and disjoint.
fn merged(ranges: &[Range<u64>]) -> Result<Vec<Range<u64>>, FrameError> {
    let mut sorted = Vec::new();
    let refusal = |_| FrameError::OutOfMetadata { bytes: size_of_val(ranges) };
    sorted.try_reserve_exact(ranges.len()).map_err(refusal)?;
    let whole_frames = |range: &Range<u64>| range.start.div_ceil(FRAME_BYTES)..range.end / FRAME_BYTES;
    sorted.extend(ranges.iter().map(whole_frames).filter(|range| !range.is_empty()));
    sorted.sort_unstable_by_key(|range: &Range<u64>| range.start);
    sorted.dedup_by(|next, merged| {
        let is_joined = next.start <= merged.end;
        if is_joined {
            merged.end = merged.end.max(next.end);
        }
        is_joined
    });
    Ok(sorted)
}
