//! Finds misuse of blocks, where this is switched on.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use super::span::{GRAINS, SPAN_BYTES};

/// Bytes behind each block that nobody may write to.
pub(super) const RED_ZONE_BYTES: usize = 16;
/// What stands there.
pub(super) const CANARY: u8 = 0xC5;
/// What stands in the red zone of a block that has been given back.
pub(super) const GONE: u8 = 0x6D;
/// What stands in a free block.
pub(super) const POISON: u8 = 0xDE;
/// The first bytes of a free block, which may lead to another.
pub(super) const LINK_BYTES: usize = 16;

/// Whether a heap looks for misuse of its blocks, and whom it tells.
pub trait Checks: Sync {
    /// Whether it looks. All that is below costs nothing where it does not.
    const IS_ON: bool;
    /// What a span keeps for it.
    #[expect(private_bounds, reason = "the two kinds of book-keeping are the heap's own")]
    type Book: Book;
    /// Told of each fault, on the CPU that found it. The heap goes on afterwards, without the block.
    fn report(&self, fault: &Fault);
}

/// No checks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unchecked;

impl Checks for Unchecked {
    const IS_ON: bool = false;
    type Book = NoBook;

    fn report(&self, _fault: &Fault) {}
}

/// All checks; faults go to a function.
#[derive(Clone, Copy)]
pub struct Checked(pub fn(&Fault));

impl Checks for Checked {
    const IS_ON: bool = true;
    type Book = LiveBook;

    fn report(&self, fault: &Fault) {
        (self.0)(fault);
    }
}

/// What was done wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Address of the block.
    pub block: usize,
    /// Bytes of its size class, or of the whole block where it has none.
    pub class_bytes: usize,
    /// What was found.
    pub misuse: Misuse,
}

/// Kinds of misuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// It was given back before.
    DoubleFree,
    /// No block of the heap begins there, or one of another class.
    NotABlock,
    /// Bytes behind its end were written.
    Overflow {
        /// Of the first such byte, from the start of the block.
        offset: usize,
        /// What stands there.
        found: u8,
    },
    /// It was written to after it was given back.
    UseAfterFree {
        /// Of the first such byte, from the start of the block.
        offset: usize,
        /// What stands there.
        found: u8,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block at {:#x} of class {}: ", self.block, self.class_bytes)?;
        match self.misuse {
            Misuse::DoubleFree => f.write_str("freed twice"),
            Misuse::NotABlock => f.write_str("freed, but no live block of this class begins there"),
            Misuse::Overflow { offset, found } => {
                write!(f, "written beyond its end: byte {offset} is {found:#04x} instead of {CANARY:#04x}")
            }
            Misuse::UseAfterFree { offset, found } => {
                write!(
                    f,
                    "written after it was freed: byte {offset} is {found:#04x} instead of {POISON:#04x}"
                )
            }
        }
    }
}

/// What a span keeps of its blocks; all zeros when the span is new.
pub(super) trait Book {
    /// Notes a block as live and says whether it has been freed before, and so holds poison.
    fn begin(&self, grain: usize) -> bool;
    /// Notes a block as free and says whether it was live.
    fn end(&self, grain: usize) -> bool;
}

/// Nothing is kept.
pub struct NoBook;

impl Book for NoBook {
    #[inline]
    fn begin(&self, _grain: usize) -> bool {
        false
    }

    #[inline]
    fn end(&self, _grain: usize) -> bool {
        true
    }
}

/// Two bits for each grain of a span at which a block may begin.
pub struct LiveBook {
    live: [AtomicU64; GRAINS / 64],
    freed: [AtomicU64; GRAINS / 64],
}

impl Book for LiveBook {
    fn begin(&self, grain: usize) -> bool {
        let (word, bit) = (grain / 64 % self.live.len(), 1 << (grain % 64));
        self.live[word].fetch_or(bit, Ordering::Relaxed);
        self.freed[word].load(Ordering::Relaxed) & bit != 0
    }

    fn end(&self, grain: usize) -> bool {
        let (word, bit) = (grain / 64 % self.live.len(), 1 << (grain % 64));
        // Whoever frees a block twice at once is told apart by the exchange.
        let was_live = self.live[word].fetch_and(!bit, Ordering::Relaxed) & bit != 0;
        self.freed[word].fetch_or(bit, Ordering::Relaxed);
        was_live
    }
}

const _: () =
    assert!(size_of::<LiveBook>() + 512 < SPAN_BYTES / 16, "the books leave the span to its blocks");

/// What was done to the bytes from `start` on behind a block.
pub(super) fn look_at_red_zone(zone: &[u8], start: usize) -> Option<Misuse> {
    if !zone.is_empty() && zone.iter().all(|byte| *byte == GONE) {
        return Some(Misuse::DoubleFree);
    }
    let (at, found) = zone.iter().enumerate().find(|(_, byte)| **byte != CANARY)?;
    Some(Misuse::Overflow { offset: start + at, found: *found })
}

/// What was done to the bytes from `start` on of a free block.
pub(super) fn look_at_poison(block: &[u8], start: usize) -> Option<Misuse> {
    let (at, found) = block.iter().enumerate().find(|(_, byte)| **byte != POISON)?;
    Some(Misuse::UseAfterFree { offset: start + at, found: *found })
}
