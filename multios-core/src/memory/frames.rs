//! Buddy allocator of physical frames.
//!
//! The binary buddy system (Knowlton, "A fast storage allocator", CACM 8(10), 1965; Knuth, TAOCP volume 1, section
//! 2.5): a block of `2^order` frames lies at a multiple of its size, and two free halves of a block join again. All
//! bookkeeping lies in bit sets outside of the managed memory, which is never touched.

use alloc::vec::Vec;
use core::array;
use core::ops::Range;

use super::bits::{BitMap, BitSet};

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    /// Memory as a firmware reports it, with holes and odd ends.
    fn pc_ranges() -> [Range<u64>; 3] {
        [0x1000..0x9_fc00, MIB..0x7fe_1234, 0x1_0000_0000..0x1_4000_0000]
    }

    fn frames(ranges: &[Range<u64>]) -> Frames {
        Frames::new(ranges).expect("memory for the tables")
    }

    /// Frames that lie wholly in one of `ranges`, counted one by one.
    fn whole_frames(ranges: &[Range<u64>]) -> Vec<u64> {
        let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
        let is_inside = |frame: &u64| {
            let bytes = frame * FRAME_BYTES..(frame + 1) * FRAME_BYTES;
            ranges.iter().any(|range| range.start <= bytes.start && bytes.end <= range.end)
        };
        (0..=end / FRAME_BYTES).filter(is_inside).collect()
    }

    #[test]
    fn ranges_are_rounded_inward_and_merged() {
        let usage = frames(&[0x1001..0x4fff, 0x8000..0xa000, 0x9000..0xb000, 0x20..0x30, 5..5]).usage();
        assert_eq!(usage.total_frames, 2 + 3);
        assert_eq!(usage.free_frames, 5);
    }

    #[test]
    fn every_frame_of_discontiguous_memory_is_given_once() {
        let ranges = &pc_ranges()[..2];
        let mut frames = frames(ranges);
        let before = frames.usage();
        let mut given: Vec<Frame> = core::iter::from_fn(|| frames.allocate(0).ok()).collect();
        let mut addresses: Vec<u64> = given.iter().map(|frame| frame.address / FRAME_BYTES).collect();
        addresses.sort_unstable();
        assert_eq!(addresses, whole_frames(ranges));
        assert_eq!(frames.usage().free_frames, 0);
        assert_eq!(frames.allocate(0), Err(FrameError::OutOfFrames(0)));
        while let Some(frame) = given.pop() {
            frames.release(frame).expect("an allocated frame");
        }
        assert_eq!(frames.usage(), before);
    }

    #[test]
    fn blocks_of_a_gibibyte_are_given_and_joined() {
        let mut frames = frames(&pc_ranges());
        let whole = frames.allocate(ORDER_MAX).expect("the one aligned GiB");
        assert_eq!((whole.address, whole.bytes()), (0x1_0000_0000, 1 << 30));
        assert_eq!(frames.allocate(ORDER_MAX), Err(FrameError::OutOfFrames(ORDER_MAX)));
        frames.release(whole).expect("an allocated block");
        assert_eq!(frames.usage().free_blocks[18], 1);
    }

    #[test]
    fn memory_of_neighbouring_regions_never_joins() {
        let mut frames = frames(&[0x1000..0x2000, 0x3000..0x4000]);
        for block in [frames.allocate(0), frames.allocate(0)] {
            frames.release(block.expect("a single frame")).expect("an allocated block");
        }
        assert_eq!(frames.allocate(1), Err(FrameError::OutOfFrames(1)));
    }

    #[test]
    fn double_foreign_misaligned_and_misordered_releases_are_refused() {
        let mut frames = frames(&pc_ranges());
        let frame = frames.allocate(1).expect("a free block");
        let (address, order) = (frame.address, frame.order);
        let before = frames.usage();
        let refusal = |address, order| Err(FrameError::NotAllocated { address, order });
        assert_eq!(frames.release_at(address, 0), refusal(address, 0));
        assert_eq!(frames.release_at(address + FRAME_BYTES, 0), refusal(address + FRAME_BYTES, 0));
        assert_eq!(frames.release_at(0xa_0000, 0), refusal(0xa_0000, 0));
        assert_eq!(frames.release_at(0, ORDER_MAX), refusal(0, ORDER_MAX));
        let last = u64::MAX - FRAME_BYTES + 1;
        assert_eq!(frames.release_at(last, 0), refusal(last, 0));
        let misaligned = FrameError::Misaligned { address: address + FRAME_BYTES, order };
        assert_eq!(frames.release_at(address + FRAME_BYTES, order), Err(misaligned));
        assert_eq!(frames.release_at(address, 19), Err(FrameError::OrderTooLarge(19)));
        assert_eq!(frames.usage(), before);
        assert_eq!(frames.release(frame), Ok(()));
        assert_eq!(frames.release_at(address, order), refusal(address, order));
    }

    #[test]
    fn nonsense_from_a_firmware_is_an_error_or_nothing() {
        let (everything, backwards) = ([0..u64::MAX; 1], [Range { start: u64::MAX, end: 0 }; 1]);
        assert!(matches!(Frames::new(&everything), Err(FrameError::OutOfMetadata { .. })));
        assert_eq!(frames(&backwards).usage().total_frames, 0);
        assert_eq!(Frames::empty().allocate(0), Err(FrameError::OutOfFrames(0)));
        assert_eq!(frames(&[]).release_at(0, 0), Err(FrameError::NotAllocated { address: 0, order: 0 }));
        assert_eq!(Frames::empty().allocate(200), Err(FrameError::OrderTooLarge(200)));
    }

    #[test]
    fn the_tables_of_four_gibibytes_are_small() {
        let usage = frames(&[0x1000..0xa_0000, MIB..0xc000_0000, 0x1_0000_0000..0x1_4000_0000]).usage();
        assert!(usage.metadata_bytes * 2_000 < usage.total_frames * FRAME_BYTES, "{usage:?}");
    }

    /// One step of the property test.
    #[derive(Clone, Debug)]
    enum Step {
        Allocate(u8),
        Release(prop::sample::Index),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0_u8..=10).prop_map(Step::Allocate),
            2 => any::<prop::sample::Index>().prop_map(Step::Release),
        ];
        proptest::collection::vec(step, 1..300)
    }

    proptest! {
        #[test]
        fn blocks_are_aligned_disjoint_managed_and_accounted(
            gaps in proptest::collection::vec((0_u64..0x6_0000, 1_u64..0x20_0000), 1..6),
            steps in steps(),
        ) {
            let mut end = 0;
            let ranges: Vec<Range<u64>> = gaps.into_iter().map(|(gap, length)| {
                let start = end + gap;
                end = start + length;
                start..end
            }).collect();
            let managed = whole_frames(&ranges);
            let mut frames = frames(&ranges);
            let before = frames.usage();
            prop_assert_eq!(before.total_frames, managed.len() as u64);
            let mut is_owned = std::collections::BTreeMap::new();
            let mut owned: Vec<Frame> = Vec::new();
            for step in steps {
                match step {
                    Step::Allocate(order) => if let Ok(frame) = frames.allocate(order) {
                        prop_assert!(frame.address % frame.bytes() == 0);
                        let first = frame.address / FRAME_BYTES;
                        for number in first..first + (1 << order) {
                            prop_assert!(managed.binary_search(&number).is_ok());
                            prop_assert!(is_owned.insert(number, ()).is_none(), "frame {} is given twice", number);
                        }
                        owned.push(frame);
                    } else {
                        let free = |number: &u64| !is_owned.contains_key(number);
                        let block = 1_u64 << order;
                        let fits = managed.iter().filter(|first| *first % block == 0).any(|first| {
                            (*first..first + block).all(|n| managed.binary_search(&n).is_ok() && free(&n))
                        });
                        prop_assert!(!fits, "a free block of order {} was not found", order);
                    },
                    Step::Release(index) => if !owned.is_empty() {
                        let frame = owned.swap_remove(index.index(owned.len()));
                        let first = frame.address / FRAME_BYTES;
                        for number in first..first + (1 << frame.order) {
                            is_owned.remove(&number);
                        }
                        prop_assert_eq!(frames.release(frame), Ok(()));
                    },
                }
                let usage = frames.usage();
                prop_assert_eq!(usage.free_frames, usage.total_frames - is_owned.len() as u64);
            }
            for frame in owned {
                prop_assert_eq!(frames.release(frame), Ok(()));
            }
            prop_assert_eq!(frames.usage(), before, "free blocks are joined again");
        }
    }
}
