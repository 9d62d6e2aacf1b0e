//! Holds the heap against an obvious model: a list of blocks and of what was written into them.

use core::ops::Range;

use proptest::prelude::*;
use std::vec::Vec;

use super::heap::tests::{Ground, addresses, largest, layout};
use super::{Block, Heap};

/// One step of the property test.
#[derive(Clone, Debug)]
enum Step {
    Allocate { bytes: usize, align_log: u32 },
    Resize { block: prop::sample::Index, bytes: usize },
    Free { block: prop::sample::Index },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = || prop_oneof![4 => 0_usize..300, 1 => 0_usize..40_000];
    let step = prop_oneof![
        3 => (bytes(), 0_u32..13).prop_map(|(bytes, align_log)| Step::Allocate { bytes, align_log }),
        2 => (any::<prop::sample::Index>(), bytes()).prop_map(|(block, bytes)| Step::Resize { block, bytes }),
        2 => any::<prop::sample::Index>().prop_map(|block| Step::Free { block }),
    ];
    proptest::collection::vec(step, 1..150)
}

/// A block and the byte that it is filled with.
type Marked<'heap> = (Block<'heap>, u8);

fn take_step<'heap>(heap: &'heap Heap, step: Step, mark: u8, blocks: &mut Vec<Marked<'heap>>) {
    match step {
        Step::Allocate { bytes, align_log } => {
            if let Ok(mut block) = heap.allocate(layout(bytes, 1 << align_log)) {
                block.fill_spare(mark);
                blocks.push((block, mark));
            }
        }
        Step::Resize { block, bytes } if !blocks.is_empty() => {
            let (block, mark) = block.get_mut(blocks);
            let old_bytes = block.as_slice().len();
            if block.resize(bytes).is_ok() {
                assert_eq!(block.as_slice().len(), old_bytes.min(bytes));
                assert!(block.as_slice().iter().all(|byte| byte == mark));
                block.fill_spare(*mark);
            }
        }
        Step::Free { block } if !blocks.is_empty() => {
            blocks.swap_remove(block.index(blocks.len()));
        }
        Step::Resize { .. } | Step::Free { .. } => {}
    }
}

/// What must hold between any two steps.
fn check(heap: &Heap, blocks: &[Marked<'_>], ground: &[Range<usize>]) {
    let mut ranges: Vec<Range<usize>> = blocks.iter().map(|(block, _)| addresses(block)).collect();
    for ((block, mark), range) in blocks.iter().zip(&ranges) {
        assert!(range.start.is_multiple_of(block.layout().align()));
        assert!(range.is_empty() || ground.iter().any(|g| g.start <= range.start && range.end <= g.end));
        assert!(block.as_slice().iter().all(|byte| byte == mark), "contents changed");
    }
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "blocks overlap");
    let usage = heap.usage();
    assert_eq!(usage.live_bytes, ranges.iter().map(|range| range.len() as u64).sum::<u64>());
    assert_eq!(usage.live_blocks, ranges.len() as u64);
    assert!(usage.peak_bytes >= usage.live_bytes);
}

proptest! {
    #[test]
    fn blocks_are_aligned_disjoint_kept_and_accounted(
        sizes in proptest::collection::vec(4_096_usize..120_000, 1..4),
        steps in steps(),
    ) {
        let mut ground = Ground::new(&sizes);
        let bounds: Vec<_> = ground.0.iter().map(|range| {
            let start = range.as_ptr().addr();
            start..start + range.len()
        }).collect();
        let heap = ground.heap();
        let (before, largest_before) = (heap.usage(), largest(&heap));
        let mut blocks = Vec::new();
        for (mark, step) in (1..=250).cycle().zip(steps) {
            take_step(&heap, step, mark, &mut blocks);
            check(&heap, &blocks, &bounds);
        }
        drop(blocks);
        let after = heap.usage();
        prop_assert_eq!((after.live_bytes, after.live_blocks), (0, 0));
        prop_assert_eq!((after.free_bytes, after.free_stretches), (before.free_bytes, before.free_stretches));
        prop_assert_eq!(largest(&heap), largest_before, "free blocks are joined again");
    }
}
