//! Magazines: free blocks of one class at one CPU's hand.
//!
//! The name and the idea are those of Bonwick and Adams ("Magazines and vmem", USENIX 2001, section 3).

use core::cell::Cell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use super::class::{CLASSES, Class, MAGAZINE_BLOCKS_MAX};

/// Places, the first of which stays empty: taking from an empty magazine finds nothing there.
const PLACES: usize = MAGAZINE_BLOCKS_MAX + 1;

/// A refill begins with so many blocks, and doubles from time to time.
const BATCH_MIN: usize = 2;

/// The magazines of one CPU, which takes and gives; others read the counters. All zeros are magazines that take nothing.
///
/// What every allocation touches lies close together: the heads of two classes share a cache line.
#[repr(C, align(64))]
pub(super) struct Magazines {
    heads: [Head; CLASSES],
    blocks: [[Cell<Option<NonNull<u8>>>; PLACES]; CLASSES],
    tails: [Tail; CLASSES],
}

/// What an allocation touches.
#[repr(C, align(32))]
struct Head {
    held: Cell<usize>,
    /// How many it may hold.
    limit: Cell<usize>,
    taken: Counter,
    given: Counter,
}

/// What refills touch.
#[repr(C)]
struct Tail {
    /// How many come with the next refill.
    batch: Cell<usize>,
    refills: Counter,
    sent: Counter,
}

/// One magazine.
#[derive(Clone, Copy)]
pub(super) struct Magazine<'cache> {
    head: &'cache Head,
    blocks: &'cache [Cell<Option<NonNull<u8>>>; PLACES],
    tail: &'cache Tail,
}

/// Written by one CPU, read by all.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Adds to it. Only one CPU may, so that no locked operation is needed.
    #[inline]
    pub(super) fn add(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Ordering::Relaxed);
    }

    /// Subtracts from it. Only one CPU may; what is freed here may have been counted by another, so that only the sum over
    /// all CPUs means something.
    #[inline]
    pub(super) fn subtract(&self, less: u64) {
        self.0.store(self.get().wrapping_sub(less), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Magazines {
    /// The one of a class.
    #[inline]
    pub(super) fn of(&self, class: Class) -> Magazine<'_> {
        let at = class.index();
        Magazine { head: &self.heads[at], blocks: &self.blocks[at], tail: &self.tails[at] }
    }
}

impl<'cache> Magazine<'cache> {
    /// Blocks that were taken.
    #[inline]
    pub(super) fn taken(self) -> &'cache Counter {
        &self.head.taken
    }

    /// Blocks that were given.
    #[inline]
    pub(super) fn given(self) -> &'cache Counter {
        &self.head.given
    }

    /// How often it was refilled.
    pub(super) fn refills(self) -> &'cache Counter {
        &self.tail.refills
    }

    /// Blocks that were sent to other CPUs.
    pub(super) fn sent(self) -> &'cache Counter {
        &self.tail.sent
    }

    /// Lets it hold so many blocks.
    pub(super) fn set_limit(self, limit: usize) {
        self.head.limit.set(limit.min(MAGAZINE_BLOCKS_MAX));
        self.tail.batch.set(BATCH_MIN);
    }

    /// Takes the block that was given last.
    #[inline]
    pub(super) fn take(self) -> Option<NonNull<u8>> {
        let held = self.head.held.get();
        let block = self.blocks[held % PLACES].get()?;
        self.head.held.set(held - 1);
        Some(block)
    }

    /// Gives a block, and says whether there was room for it.
    #[inline]
    pub(super) fn give(self, block: NonNull<u8>) -> bool {
        let held = self.head.held.get();
        if held >= self.head.limit.get() {
            return false;
        }
        self.blocks[(held + 1) % PLACES].set(Some(block));
        self.head.held.set(held + 1);
        true
    }

    /// How many blocks a refill is to bring. Magazines that are refilled often get more at a time, up to half of what they
    /// may hold.
    pub(super) fn next_batch(self) -> usize {
        self.tail.refills.add(1);
        let batch = self.tail.batch.get();
        self.tail.batch.set((batch * 2).min(self.head.limit.get() / 2).max(BATCH_MIN));
        batch
    }

    /// Takes the blocks that were given longest ago, `count` at most, in the order in which they came.
    pub(super) fn take_oldest(self, count: usize, mut to: impl FnMut(NonNull<u8>)) {
        let held = self.head.held.get();
        let count = count.min(held);
        self.blocks[1..=count].iter().filter_map(Cell::get).for_each(&mut to);
        for place in 1..=held - count {
            self.blocks[place].set(self.blocks[place + count].get());
        }
        self.head.held.set(held - count);
    }

    /// Half of what it may hold.
    pub(super) fn half(self) -> usize {
        (self.head.limit.get() / 2).max(1)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn magazines() -> Box<Magazines> {
        // SAFETY: all zeros are magazines that take nothing.
        unsafe { Box::new_zeroed().assume_init() }
    }

    fn magazine(magazines: &Magazines, limit: usize) -> Magazine<'_> {
        let magazine = Class::all().nth(3).map(|class| magazines.of(class)).expect("a class");
        magazine.set_limit(limit);
        magazine
    }

    fn block(number: usize) -> NonNull<u8> {
        NonNull::new(core::ptr::without_provenance_mut(number * 16)).expect("not null")
    }

    #[test]
    fn the_block_given_last_is_taken_first() {
        let all = magazines();
        let magazine = magazine(&all, MAGAZINE_BLOCKS_MAX);
        assert!((1..=MAGAZINE_BLOCKS_MAX).all(|number| magazine.give(block(number))));
        assert!(!magazine.give(block(100)), "it is full");
        let taken: Vec<_> = core::iter::from_fn(|| magazine.take()).collect();
        assert!(taken.into_iter().eq((1..=MAGAZINE_BLOCKS_MAX).rev().map(block)));
        assert_eq!(magazine.take(), None);
        assert!(magazine.give(block(1)));
    }

    #[test]
    fn the_oldest_leave_when_it_is_full() {
        let all = magazines();
        let magazine = magazine(&all, 5);
        assert!((1..=5).all(|number| magazine.give(block(number))));
        let mut left = Vec::new();
        magazine.take_oldest(2, |block| left.push(block));
        assert_eq!(left, [block(1), block(2)]);
        let taken: Vec<_> = core::iter::from_fn(|| magazine.take()).collect();
        assert_eq!(taken, [block(5), block(4), block(3)]);
    }

    #[test]
    fn refills_grow_up_to_half_a_magazine() {
        let all = magazines();
        let magazine = magazine(&all, 20);
        let batches: Vec<_> = (0..5).map(|_| magazine.next_batch()).collect();
        assert_eq!(batches, [2, 4, 8, 10, 10]);
    }
}
