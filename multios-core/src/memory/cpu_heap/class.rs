//! Size classes of small blocks.
//!
//! Steps of 16 bytes up to 128, then four steps to each doubling: what rounding up wastes is less than a fifth of a block
//! above 128 bytes, and a tenth on average. More classes would waste less here and more in magazines and half-used spans. A block whose size is a multiple of a power of two up to 4 KiB lies at a multiple of it, so that a
//! request is served for its alignment too once its size is rounded up to a multiple of that.

use core::alloc::Layout;
use core::hint::assert_unchecked;

/// The largest small block.
pub(super) const SMALL_BYTES_MAX: usize = 4096;

/// Number of classes.
pub(super) const CLASSES: usize = 28;

/// Sizes are told apart in steps of this many bytes, which is also the least alignment.
const GRAIN_BYTES: usize = 16;

/// Classes of one grain more each, before those that step by a quarter.
const EVEN_CLASSES: usize = 8;
const STEPS: usize = 4;

/// Bytes of free blocks that one magazine may hold, as far as there is room for so many blocks.
const MAGAZINE_BYTES: usize = 64 * 1024;
/// The largest number of blocks in a magazine.
pub(super) const MAGAZINE_BLOCKS_MAX: usize = 63;

/// Bytes of the blocks of each class.
static BYTES: [usize; CLASSES] = bytes_of_classes();
/// The class of each number of grains.
static OF_GRAINS: [u8; SMALL_BYTES_MAX / GRAIN_BYTES + 1] = classes_of_grains();

/// A size class: below [`CLASSES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class(u8);

impl Class {
    /// The class that serves `layout`; `None` if no class does.
    #[inline]
    pub(super) fn of(layout: Layout) -> Option<Self> {
        let align = layout.align().max(GRAIN_BYTES);
        // No layout is so long that its alignment does not fit behind it.
        let rounded = (layout.size() + (align - 1)) & !(align - 1);
        OF_GRAINS.get(rounded / GRAIN_BYTES).map(|class| Self(*class))
    }

    /// Every class, the smallest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..).take(CLASSES).map(Self)
    }

    /// Bytes of its blocks.
    #[inline]
    pub(super) fn bytes(self) -> usize {
        BYTES[self.index()]
    }

    /// Its number.
    #[inline]
    pub(super) fn index(self) -> usize {
        let index = usize::from(self.0);
        // SAFETY: the table of classes and the list of all hold numbers below it only, and there is no other way to one.
        unsafe { assert_unchecked(index < CLASSES) };
        index
    }

    /// What every address of its blocks is a multiple of.
    pub(super) fn align(self) -> usize {
        1 << self.bytes().trailing_zeros()
    }

    /// The largest number of free blocks in one CPU's magazine.
    pub(super) fn magazine_blocks(self) -> usize {
        (MAGAZINE_BYTES / self.bytes()).min(MAGAZINE_BLOCKS_MAX)
    }
}

const fn bytes_of_classes() -> [usize; CLASSES] {
    let mut bytes = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        bytes[class] = if class < EVEN_CLASSES {
            (class + 1) * GRAIN_BYTES
        } else {
            let base = (EVEN_CLASSES * GRAIN_BYTES) << ((class - EVEN_CLASSES) / STEPS);
            base + base / STEPS * ((class - EVEN_CLASSES) % STEPS + 1)
        };
        class += 1;
    }
    bytes
}

const fn classes_of_grains() -> [u8; SMALL_BYTES_MAX / GRAIN_BYTES + 1] {
    let bytes = bytes_of_classes();
    let mut classes = [0; SMALL_BYTES_MAX / GRAIN_BYTES + 1];
    let (mut grains, mut class) = (0, 0_u8);
    while grains < classes.len() {
        if grains * GRAIN_BYTES > bytes[class as usize] {
            class += 1;
        }
        classes[grains] = class;
        grains += 1;
    }
    classes
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn layout(bytes: usize, align: usize) -> Layout {
        Layout::from_size_align(bytes, align).expect("a valid layout")
    }

    #[test]
    fn every_small_layout_gets_the_smallest_class_that_is_long_and_aligned_enough() {
        for align in (0..13).map(|log| 1_usize << log) {
            for bytes in 1..=SMALL_BYTES_MAX {
                let class = Class::of(layout(bytes, align));
                let fitting = Class::all().find(|class| class.bytes() >= bytes && class.align() >= align);
                assert_eq!(class, fitting, "{bytes} bytes at {align}");
            }
        }
    }

    #[test]
    fn longer_and_wider_layouts_have_no_class() {
        assert_eq!(Class::of(layout(SMALL_BYTES_MAX + 1, 1)), None);
        assert_eq!(Class::of(layout(1, 2 * SMALL_BYTES_MAX)), None);
        assert_eq!(Class::of(layout(isize::MAX.unsigned_abs(), 1)), None);
    }

    #[test]
    fn rounding_up_wastes_less_than_a_fifth_above_128_bytes() {
        for bytes in 129..=SMALL_BYTES_MAX {
            let class = Class::of(layout(bytes, 1)).expect("it is small");
            assert!((class.bytes() - bytes) * 5 < class.bytes(), "{bytes} bytes in {}", class.bytes());
        }
    }

    #[test]
    fn magazines_hold_few_large_blocks_and_more_small_ones() {
        let blocks: Vec<usize> = Class::all().map(Class::magazine_blocks).collect();
        assert!(blocks.is_sorted_by(|one, next| one >= next));
        assert_eq!((blocks[0], blocks[CLASSES - 1]), (MAGAZINE_BLOCKS_MAX, 16));
    }
}
