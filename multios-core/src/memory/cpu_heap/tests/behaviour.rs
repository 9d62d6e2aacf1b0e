//! What the heap promises, one thing at a time.

use core::alloc::GlobalAlloc;
use std::vec::Vec;

use super::ground::{Chosen, Ground, TestHeap, go_to, layout, settle};
use crate::memory::cpu_heap::{CACHES, CpuHeap, CpuHeapUsage, Tag, Unchecked};
use crate::memory::{Block, OutOfMemory, RawHeap};

fn heap(bytes: usize) -> TestHeap<Unchecked> {
    CpuHeap::new(Ground::new(bytes), Chosen::new())
}

fn filled<H: RawHeap>(mut block: Block<'_, H>, byte: u8) -> Block<'_, H> {
    block.fill_spare(byte);
    block
}

fn address<H: RawHeap>(block: &Block<'_, H>) -> usize {
    block.as_slice().as_ptr().addr()
}

#[test]
fn a_heap_without_memory_refuses() {
    let heap = heap(1 << 20);
    heap.pages().serve(0);
    for bytes in [1, 100, 5_000, 1 << 20] {
        assert_eq!(heap.allocate(layout(bytes, 8)).err(), Some(OutOfMemory { bytes }));
    }
    assert_eq!(heap.usage(), CpuHeapUsage::default());
    assert!(heap.allocate(layout(0, 64)).is_ok(), "no bytes are always there");
}

#[test]
fn the_block_freed_last_is_had_again() {
    let heap = heap(1 << 20);
    let first = address(&heap.allocate(layout(64, 8)).expect("64 bytes"));
    for _ in 0..1_000 {
        assert_eq!(address(&heap.allocate(layout(60, 8)).expect("60 bytes")), first);
    }
    assert_eq!(heap.usage().refills_total, 1);
}

#[test]
fn blocks_of_every_size_lie_at_multiples_of_their_alignment() {
    let heap = heap(32 << 20);
    for align in (0..21).map(|log| 1_usize << log) {
        for bytes in [1, 17, 100, 1_000, 4_000, 5_000, 100_000, 600_000, 3 << 20] {
            let block = filled(heap.allocate(layout(bytes, align)).expect("a block"), 3);
            assert!(address(&block).is_multiple_of(align), "{bytes} at {align}");
        }
    }
    assert_eq!((heap.usage().live_bytes, heap.usage().live_blocks), (0, 0));
}

#[test]
fn memory_that_is_used_up_is_an_error_and_all_of_it_can_be_had_again() {
    let heap = heap(4 << 20);
    let mut numbers = Vec::new();
    for bytes in [64, 3_000, 64, 40_000, 64, 1 << 20, 64] {
        let blocks: Vec<_> = core::iter::from_fn(|| heap.allocate(layout(bytes, 8)).ok()).collect();
        numbers.push(blocks.len() * bytes);
        assert_eq!(heap.usage().live_bytes, (blocks.len() * bytes) as u64);
    }
    assert!(numbers.iter().all(|bytes| *bytes >= 2 << 20), "a class keeps memory from another: {numbers:?}");
    assert_eq!(numbers[0], numbers[2]);
}

#[test]
fn what_other_cpus_keep_comes_back_when_they_are_called() {
    let heap = heap(2 << 20);
    go_to(&heap, 1);
    let theirs: Vec<_> = core::iter::from_fn(|| heap.allocate(layout(64, 8)).ok()).collect();
    go_to(&heap, 0);
    drop(theirs);
    settle(&heap, 2);
    let ours = core::iter::from_fn(|| heap.allocate(layout(4_000, 8)).ok()).map(core::mem::forget).count();
    assert!(ours >= 300, "{ours} blocks of what was all the other's");
}

#[test]
fn everything_but_the_caches_goes_back_to_the_source() {
    let heap = heap(16 << 20);
    let mut blocks = Vec::new();
    for number in 0..1_500_usize {
        go_to(&heap, number % 3);
        blocks.push(heap.allocate(layout(1 + number * 7 % 9_000, 8)).expect("a block"));
    }
    blocks.push(heap.allocate(layout(2 << 20, 8)).expect("a block"));
    go_to(&heap, 3);
    drop(blocks);
    settle(&heap, 4);
    let usage = heap.usage();
    assert_eq!((usage.live_blocks, usage.span_bytes, usage.large_bytes), (0, 0, 0));
    // Four caches and the shared one, and the first arena, in which the table of free blocks stands.
    let kept = heap.pages().taken();
    assert!(kept <= 5 + 16, "{kept} units are still taken");
}

#[test]
fn a_block_freed_elsewhere_goes_home_and_is_used_there() {
    let heap = heap(4 << 20);
    let mut addresses = Vec::new();
    for round in 0..50 {
        go_to(&heap, 0);
        let blocks: Vec<_> = (0..200).map(|_| heap.allocate(layout(256, 8)).expect("a block")).collect();
        addresses.extend(blocks.iter().map(address));
        go_to(&heap, 1);
        drop(blocks);
        assert!(heap.usage().span_bytes <= 4 * (64 << 10), "round {round} takes new memory");
    }
    addresses.sort_unstable();
    addresses.dedup();
    assert!(addresses.len() < 500, "{} different blocks for 200 at a time", addresses.len());
    assert!(heap.usage().remote_frees_total > 9_000, "{:?}", heap.usage());
}

#[test]
fn spans_of_a_cpu_that_has_gone_serve_the_others() {
    let heap = heap(2 << 20);
    go_to(&heap, 5);
    let mut blocks: Vec<_> = core::iter::from_fn(|| heap.allocate(layout(512, 8)).ok()).collect();
    // SAFETY: the only thread is in no function of the heap.
    unsafe { heap.give_up_cache(5) };
    go_to(&heap, 0);
    assert!(heap.allocate(layout(512, 8)).is_err(), "all blocks are live");
    blocks.truncate(blocks.len() / 2);
    let number = core::iter::from_fn(|| heap.allocate(layout(512, 8)).ok()).map(core::mem::forget).count();
    assert!(number + 64 >= blocks.len(), "{number} of {}", blocks.len());
}

#[test]
fn those_without_a_cache_share_one() {
    let heap = heap(2 << 20);
    go_to(&heap, CACHES + 7);
    let blocks: Vec<_> = (0..500).map(|_| heap.allocate(layout(100, 8)).expect("a block")).collect();
    go_to(&heap, usize::MAX);
    drop(blocks);
    assert_eq!((heap.usage().live_blocks, heap.usage().allocations_total), (0, 500));
}

#[test]
fn a_resize_keeps_what_was_written_and_fails_without_a_trace() {
    let heap = heap(4 << 20);
    let mut block = filled(heap.allocate(layout(10, 16)).expect("10 bytes"), 9);
    let mut live = 10;
    for bytes in [16, 100, 5_000, 4_900, 300_000, 700_000, 720_000, 800_000, 400_000, 60, 50] {
        block.resize(bytes).expect("a block");
        assert!(block.as_slice().iter().all(|byte| *byte == 9));
        assert_eq!(block.as_slice().len(), live.min(bytes));
        block.fill_spare(9);
        live = bytes;
        assert_eq!((heap.usage().live_bytes, heap.usage().live_blocks), (bytes as u64, 1));
    }
    let before = heap.usage();
    assert_eq!(block.resize(1 << 30), Err(OutOfMemory { bytes: 1 << 30 }));
    assert_eq!(block.as_slice(), [9; 50]);
    assert_eq!((heap.usage().live_bytes, heap.usage().live_blocks), (before.live_bytes, before.live_blocks));
}

#[test]
fn the_peak_knows_of_long_blocks_at_once_and_of_small_ones_within_a_magazine() {
    let heap = heap(8 << 20);
    drop(heap.allocate(layout(100_000, 8)).expect("a block"));
    assert_eq!(heap.usage().peak_bytes, 100_000);
    heap.reset_peak();
    let blocks: Vec<_> = (0..1_000).map(|_| heap.allocate(layout(64, 8)).expect("a block")).collect();
    drop(blocks);
    let peak = heap.usage().peak_bytes;
    assert!((64_000 - 63 * 64..=64_000).contains(&peak), "{peak}");
    heap.reset_peak();
    assert_eq!(heap.usage().peak_bytes, 0);
}

#[test]
fn classes_are_accounted_for() {
    let heap = heap(4 << 20);
    let blocks: Vec<_> = (0..100).map(|_| heap.allocate(layout(200, 8)).expect("a block")).collect();
    let of_224 = |heap: &TestHeap<Unchecked>| {
        heap.class_usages().find(|class| class.block_bytes == 224).expect("it is there")
    };
    let usage = of_224(&heap);
    assert_eq!((usage.live_blocks, usage.allocations_total, usage.spans), (100, 100, 1));
    assert!((4..=10).contains(&usage.refills_total), "{usage:?}");
    drop(blocks);
    assert_eq!(of_224(&heap).live_blocks, 0);
}

#[test]
fn subsystems_are_accounted_for_whoever_frees() {
    let heap = heap(8 << 20);
    let [one, other] = [3, 15].map(|number| Tag::new(number).expect("it is a tag"));
    assert_eq!(Tag::new(16), None);
    let account = heap.account(one);
    let mut blocks: Vec<_> =
        [40, 5_000, 900_000].map(|bytes| account.allocate(layout(bytes, 8)).expect("a block")).into();
    let usage = heap.tag_usage(one);
    assert_eq!((usage.live_bytes, usage.live_blocks, usage.allocations_total), (905_040, 3, 3));
    assert_eq!(heap.tag_usage(other), Default::default());
    go_to(&heap, 9);
    blocks[0].resize(45).expect("it fits");
    assert_eq!(heap.tag_usage(one).live_bytes, 905_045);
    drop(blocks);
    let usage = heap.tag_usage(one);
    assert_eq!((usage.live_bytes, usage.live_blocks, usage.allocations_total), (0, 0, 3));
}

#[test]
fn a_heap_that_is_restarted_is_as_new() {
    let heap = heap(2 << 20);
    let first = address(&heap.allocate(layout(100, 8)).expect("100 bytes"));
    for bytes in [20, 3_000, 9_000, 600_000] {
        core::mem::forget(heap.allocate(layout(bytes, 16)).expect("a block"));
    }
    core::mem::forget(heap.shared.lock());
    // SAFETY: the blocks are forgotten, and the lock's holder is gone.
    unsafe { heap.restart() };
    heap.pages().restart();
    assert_eq!(heap.usage(), CpuHeapUsage::default());
    assert_eq!(address(&heap.allocate(layout(100, 8)).expect("100 bytes")), first);
}

#[test]
fn the_global_allocator_interface_keeps_contents_when_a_block_moves() {
    let heap = heap(2 << 20);
    let old = layout(2_000, 32);
    // SAFETY: the layout has a size.
    let start = unsafe { heap.alloc_zeroed(old) };
    assert!(!start.is_null());
    // SAFETY: the block is live, and the new size is not zero.
    let moved = unsafe { heap.realloc(start, old, 40_000) };
    assert!(!moved.is_null() && moved != start);
    // SAFETY: the first 2,000 bytes of the block are written.
    assert!(unsafe { core::slice::from_raw_parts(moved, 2_000) }.iter().all(|byte| *byte == 0));
    // SAFETY: the block is live with this layout.
    unsafe { heap.dealloc(moved, layout(40_000, 32)) };
    assert_eq!(heap.usage().live_blocks, 0);
}
