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

    #[test]
    fn what_comes_after_a_snapshot_leaves_no_trace_once_it_is_restored(
        before in steps(),
        after in steps(),
        probes in proptest::collection::vec(0_u8..=6, 0..40),
    ) {
        let ranges = &pc_ranges()[..2];
        let (mut frames, mut model) = (frames(ranges), frames(ranges));
        let mut owned = Vec::new();
        take(&mut frames, &mut owned, &before);
        take(&mut model, &mut Vec::new(), &before);
        let snapshot = frames.snapshot();
        take(&mut frames, &mut owned, &after);
        frames.restore(&snapshot);
        prop_assert_eq!(frames.usage(), model.usage());
        for order in probes {
            prop_assert_eq!(frames.allocate(order), model.allocate(order));
        }
    }
}

/// Does `steps`; `owned` are the blocks that the caller has.
fn take(frames: &mut Frames, owned: &mut Vec<Frame>, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Allocate(order) => owned.extend(frames.allocate(*order)),
            Step::Release(index) if !owned.is_empty() => {
                let frame = owned.swap_remove(index.index(owned.len()));
                frames.release(frame).expect("an owned block");
            }
            Step::Release(_) => {}
        }
    }
}
