//! Who gets which memory.

use core::ops::Range;

use multios_core::memory::FRAME_BYTES;

/// Below lie the firmware's tables, and the page that other CPUs start in.
const LOW_BYTES: u64 = 1 << 20;
/// The pages of the loader's mapping. The heap starts with one, so that a kernel of another size, which moves where
/// usable memory begins, does not move the heap against them.
const LARGE_PAGE_BYTES: u64 = 2 << 20;
/// The heap is a multiple of this, so that its size is a figure of the machine and not of the kernel's size.
const HEAP_STEP_BYTES: u64 = 16 << 20;
/// The kernel's own heap, where there is memory for it: frames kept for a host that asks again, records with every sample.
const KERNEL_HEAP_BYTES_MAX: u64 = 32 << 20;

/// What is kept over a reset: a note, and the results so far.
const KEPT_BYTES: u64 = 1 << 20;
const KEPT_STEP_BYTES: u64 = 2 << 20;
/// A kernel's heap below that is left whole.
const KEPT_HEAP_BYTES_MIN: u64 = 8 << 20;

/// The memory of the heap under test: about three quarters of the largest of the `usable` regions. `None` if none is large
/// enough for any.
pub(super) fn heap_range(usable: impl Iterator<Item = Range<u64>>) -> Option<Range<u64>> {
    // The first of equals, so that the choice is the same in every boot.
    let largest = usable
        .filter_map(whole_frames)
        .reduce(|best, region| if length(&region) > length(&best) { region } else { best })?;
    let bytes = length(&largest) / 4 * 3 / HEAP_STEP_BYTES * HEAP_STEP_BYTES;
    let start = largest.start.checked_next_multiple_of(LARGE_PAGE_BYTES)?;
    (bytes > 0).then(|| start..start + bytes)
}

/// The `pages` of memory that other CPUs start in: the highest usable ones below 640 KiB, where devices begin. `None` if
/// there are not as many in one piece. The first page, which firmware may still use, is none of them.
pub(super) fn start_range(usable: impl Iterator<Item = Range<u64>>, pages: u64) -> Option<Range<u64>> {
    const DEVICES: u64 = 0xa_0000;
    let bytes = pages.checked_mul(FRAME_BYTES)?;
    let fits = |region: Range<u64>| {
        let end = region.end.min(DEVICES) / FRAME_BYTES * FRAME_BYTES;
        let start = end.checked_sub(bytes)?;
        (start >= region.start.max(FRAME_BYTES)).then_some(start..end)
    };
    usable.filter_map(fits).max_by_key(|range| range.start)
}

/// The memory of the kernel's own heap: the end of the region that has the `heap` under test, at most half of what that leaves.
/// A power of two, so that the frames before it end at the same place in their blocks as without it.
pub(super) fn kernel_heap_range(
    usable: impl Iterator<Item = Range<u64>>,
    heap: &Range<u64>,
) -> Option<Range<u64>> {
    let region = usable.filter_map(whole_frames).find(|region| region.contains(&heap.start))?;
    let half = region.end.checked_sub(heap.end)? / 2;
    let bytes = (1 << half.checked_ilog2()?).min(KERNEL_HEAP_BYTES_MAX);
    (bytes >= FRAME_BYTES).then(|| region.end - bytes..region.end)
}

/// The memory that is kept over a reset and, behind it, what is left of the `kernel_heap`. `None` if that is too small. It
/// begins at a multiple of its step, so that firmware which takes a few pages more or less does not move it.
pub(super) fn kept_range(kernel_heap: &Range<u64>) -> Option<(Range<u64>, Range<u64>)> {
    let start = kernel_heap.start.checked_next_multiple_of(KEPT_STEP_BYTES)?;
    let end = start.checked_add(KEPT_BYTES)?;
    let is_large = kernel_heap.end - kernel_heap.start >= KEPT_HEAP_BYTES_MIN;
    (is_large && end < kernel_heap.end).then_some((start..end, end..kernel_heap.end))
}

/// The usable regions without the `heap` under test and the `kernel_heap` above it, as whole frames. What the first leaves of
/// its region below it begins at an odd
/// frame: the kernel's size moves that region, and whether a single frame lies there would change what it costs to split
/// blocks for one.
pub(super) fn frame_ranges<'a>(
    usable: impl Iterator<Item = Range<u64>> + 'a,
    heap: &'a Range<u64>,
    kernel_heap: &'a Range<u64>,
) -> impl Iterator<Item = Range<u64>> + 'a {
    usable.filter_map(whole_frames).flat_map(|region| {
        let start = if region.contains(&heap.start) { odd_frame(region.start) } else { region.start };
        let below = start..region.end.min(heap.start);
        let between = region.start.max(heap.end)..region.end.min(kernel_heap.start);
        let above = region.start.max(kernel_heap.end)..region.end;
        [below, between, above].into_iter().filter(|part| !part.is_empty())
    })
}

/// The address of the frame at `start` if it has an odd number, else of the next one.
const fn odd_frame(start: u64) -> u64 {
    start | FRAME_BYTES
}

/// The part of `region` above the first MiB in whole frames; `None` if there is none.
fn whole_frames(region: Range<u64>) -> Option<Range<u64>> {
    let start = region.start.max(LOW_BYTES).checked_next_multiple_of(FRAME_BYTES)?;
    let end = region.end / FRAME_BYTES * FRAME_BYTES;
    (start < end).then_some(start..end)
}

const fn length(region: &Range<u64>) -> u64 {
    region.end - region.start
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// A machine of 256 MiB as a BIOS describes it, with a kernel of some size.
    fn small(kernel_bytes: u64) -> impl Iterator<Item = Range<u64>> + Clone {
        [0..0x9_f000, MIB..2 * MIB + 100, 10 * MIB + kernel_bytes..250 * MIB].into_iter()
    }

    #[test]
    fn the_heap_gets_about_three_quarters_of_the_largest_region() {
        assert_eq!(heap_range(small(0)), Some(10 * MIB..186 * MIB));
    }

    #[test]
    fn the_heap_does_not_grow_or_shift_in_its_pages_with_the_kernel() {
        let heaps: Vec<_> =
            [4096, 12_345, 3 * MIB].into_iter().filter_map(|bytes| heap_range(small(bytes))).collect();
        assert!(heaps.iter().all(|heap| length(heap) == 176 * MIB && heap.start.is_multiple_of(2 * MIB)));
        assert_eq!(heaps.len(), 3);
    }

    fn heaps(usable: impl Iterator<Item = Range<u64>> + Clone) -> (Range<u64>, Range<u64>) {
        let heap = heap_range(usable.clone()).expect("there is memory");
        let kernel_heap = kernel_heap_range(usable, &heap).expect("there is memory");
        (heap, kernel_heap)
    }

    #[test]
    fn all_else_above_the_first_mebibyte_is_frames() {
        let (heap, kernel_heap) = heaps(small(4096));
        assert_eq!(kernel_heap, 234 * MIB..250 * MIB);
        let frames: Vec<_> = frame_ranges(small(4096), &heap, &kernel_heap).collect();
        assert_eq!(frames, vec![MIB..2 * MIB, 10 * MIB + 4096..12 * MIB, 188 * MIB..234 * MIB]);
    }

    #[test]
    fn the_kernels_heap_takes_no_more_than_it_needs() {
        let (_, kernel_heap) = heaps(core::iter::once(16 * MIB..16_384 * MIB));
        assert_eq!(length(&kernel_heap), KERNEL_HEAP_BYTES_MAX);
        let (heap, kernel_heap) = heaps(core::iter::once(2 * MIB..24 * MIB));
        assert_eq!((length(&heap), length(&kernel_heap)), (16 * MIB, 2 * MIB));
    }

    #[test]
    fn what_is_kept_lies_at_the_same_place_though_the_firmware_takes_some_pages_more() {
        for pages in [0, 1, 30] {
            let end = 512 * MIB - 128 * 1024 - pages * 4096;
            let (kept, rest) = kept_range(&(end - 32 * MIB..end)).expect("it is large enough");
            assert_eq!(kept, 480 * MIB..481 * MIB);
            assert_eq!(rest, kept.end..end);
        }
        assert_eq!(kept_range(&(MIB..8 * MIB)), None);
    }

    #[test]
    fn a_single_frame_lies_below_the_heap_whatever_the_size_of_the_kernel() {
        for pages in 1..20 {
            let (heap, kernel_heap) = heaps(small(pages * 4096));
            let frames: Vec<_> = frame_ranges(small(pages * 4096), &heap, &kernel_heap).collect();
            let first = frames[1].start / 4096;
            assert!(first % 2 == 1 && first - 10 * MIB / 4096 - pages <= 1, "{frames:?}");
        }
    }

    #[test]
    fn other_cpus_start_in_the_highest_memory_below_the_devices() {
        assert_eq!(start_range(small(0), 4), Some(0x9_b000..0x9_f000));
        assert_eq!(start_range(core::iter::once(0x8_0000..0x20_0000), 4), Some(0x9_c000..0xa_0000));
        assert_eq!(start_range([0..0x5000, 0x9_e000..0x9_f000].into_iter(), 4), Some(0x1000..0x5000));
        assert_eq!(start_range([0..0x4fff, 0x10_0000..0x20_0000].into_iter(), 4), None);
    }

    #[test]
    fn of_equal_regions_the_first_is_taken() {
        let heap = heap_range([64 * MIB..128 * MIB, 256 * MIB..320 * MIB].into_iter());
        assert_eq!(heap, Some(64 * MIB..112 * MIB));
    }

    #[test]
    fn a_machine_without_memory_is_refused() {
        assert_eq!(heap_range([0..MIB, 2 * MIB..20 * MIB].into_iter()), None);
        assert_eq!(heap_range(core::iter::empty()), None);
        assert_eq!(heap_range(core::iter::once(u64::MAX - 5..u64::MAX)), None);
    }

    proptest! {
        #[test]
        fn the_heap_lies_in_usable_memory_and_no_frame_in_the_heap(
            regions in prop::collection::vec((0_u64..1 << 32, 0_u64..1 << 30), 0..8),
        ) {
            let usable = || regions.iter().map(|(start, bytes)| *start..*start + *bytes);
            if let Some(heap) = heap_range(usable()) {
                prop_assert!(usable().any(|region| region.start <= heap.start && heap.end <= region.end));
                let kernel_heap = kernel_heap_range(usable(), &heap).unwrap_or(heap.clone());
                prop_assert!(kernel_heap == heap || heap.end <= kernel_heap.start);
                for frames in frame_ranges(usable(), &heap, &kernel_heap) {
                    let is_in = |heap: &Range<u64>| frames.start < heap.end && heap.start < frames.end;
                    prop_assert!(!is_in(&heap) && !is_in(&kernel_heap));
                    prop_assert!(frames.start >= MIB && !frames.is_empty());
                }
            }
        }
    }
}
