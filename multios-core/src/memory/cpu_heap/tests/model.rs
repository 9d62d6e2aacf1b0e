//! Holds the heap against an obvious model: a list of blocks and of what was written into them.

use core::ops::Range;
use std::vec::Vec;

use proptest::prelude::*;

use super::ground::{Chosen, Ground, TestHeap, go_to, is_filled, layout, settle};
use crate::memory::Block;
use crate::memory::cpu_heap::{CACHES, Checked, Checks, CpuHeap, Fault, Unchecked};

const CPUS: usize = 3;

/// One step of the property test, on one of the CPUs.
#[derive(Clone, Debug)]
enum Step {
    Allocate { bytes: usize, align_log: u32, count: usize },
    Resize { block: prop::sample::Index, bytes: usize },
    Free { first: prop::sample::Index, count: usize },
    Reclaim,
    End,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let bytes = || prop_oneof![6 => 0_usize..1_200, 2 => 0_usize..10_000, 1 => 0_usize..700_000];
    let step = prop_oneof![
        6 => (bytes(), 0_u32..17, 1_usize..40)
            .prop_map(|(bytes, align_log, count)| Step::Allocate { bytes, align_log, count }),
        3 => (any::<prop::sample::Index>(), bytes()).prop_map(|(block, bytes)| Step::Resize { block, bytes }),
        6 => (any::<prop::sample::Index>(), 1_usize..60).prop_map(|(first, count)| Step::Free { first, count }),
        1 => Just(Step::Reclaim),
        1 => Just(Step::End),
    ];
    proptest::collection::vec((0..=CPUS, step), 1..80)
}

/// A block and the byte that it is filled with.
type Marked<'heap, C> = (Block<'heap, TestHeap<C>>, u8);

fn take_step<'heap, C: Checks>(
    heap: &'heap TestHeap<C>,
    step: &Step,
    mark: u8,
    blocks: &mut Vec<Marked<'heap, C>>,
) {
    match step {
        Step::Allocate { bytes, align_log, count } => {
            for _ in 0..if *bytes > 20_000 { 1 } else { *count } {
                if let Ok(mut block) = heap.allocate(layout(*bytes, 1 << align_log)) {
                    block.fill_spare(mark);
                    blocks.push((block, mark));
                }
            }
        }
        Step::Resize { block, bytes } if !blocks.is_empty() => {
            let (block, mark) = block.get_mut(blocks);
            let old_bytes = block.as_slice().len();
            if block.resize(*bytes).is_ok() {
                assert_eq!(block.as_slice().len(), old_bytes.min(*bytes));
                assert!(is_filled(block.as_slice(), *mark));
                block.fill_spare(*mark);
            }
        }
        Step::Free { first, count } if !blocks.is_empty() => {
            let first = first.index(blocks.len());
            blocks.drain(first..blocks.len().min(first + count));
        }
        Step::Resize { .. } | Step::Free { .. } => {}
        Step::Reclaim => {
            heap.reclaim();
        }
        // SAFETY: the only thread is in no function of the heap.
        Step::End => unsafe { heap.give_up_cache(1) },
    }
}

/// What must hold between any two steps.
fn check<C: Checks>(heap: &TestHeap<C>, blocks: &[Marked<'_, C>]) {
    let addresses = |block: &Block<'_, TestHeap<C>>| {
        let start = block.as_slice().as_ptr().addr();
        start..start + block.layout().size()
    };
    let mut ranges: Vec<Range<usize>> = blocks.iter().map(|(block, _)| addresses(block)).collect();
    for ((block, mark), range) in blocks.iter().zip(&ranges) {
        assert!(range.start.is_multiple_of(block.layout().align()));
        assert!(is_filled(block.as_slice(), *mark), "contents changed");
    }
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "blocks overlap");
    let usage = heap.usage();
    assert_eq!(usage.live_blocks, ranges.len() as u64);
    assert!(usage.peak_bytes >= usage.live_bytes);
    if !C::IS_ON {
        assert_eq!(usage.live_bytes, ranges.iter().map(|range| range.len() as u64).sum::<u64>());
    }
}

fn run<C: Checks>(heap: &TestHeap<C>, steps: &[(usize, Step)]) {
    let mut blocks = Vec::new();
    for (mark, (cpu, step)) in (1..=250).cycle().zip(steps) {
        // One of them has no cache of its own.
        go_to(heap, if *cpu == CPUS { CACHES } else { *cpu });
        take_step(heap, step, mark, &mut blocks);
        check(heap, &blocks);
    }
    drop(blocks);
    settle(heap, CPUS);
    let usage = heap.usage();
    assert_eq!((usage.live_blocks, usage.live_bytes, usage.span_bytes, usage.large_bytes), (0, 0, 0, 0));
    let kept = CPUS + 1 + usize::try_from(usage.middle_arena_bytes >> 16).expect("it is little");
    assert!(heap.pages().taken() <= kept, "{} of {kept} units are taken", heap.pages().taken());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_are_aligned_disjoint_kept_and_accounted(megabytes in 1_usize..8, steps in steps()) {
        run::<Unchecked>(&CpuHeap::new(Ground::new(megabytes << 20), Chosen::new()), &steps);
    }

    #[test]
    fn so_they_are_with_checks(megabytes in 1_usize..8, steps in steps()) {
        let checks = Checked(|fault: &Fault| panic!("{fault}"));
        run(&CpuHeap::with_checks(Ground::new(megabytes << 20), Chosen::new(), checks), &steps);
    }
}
