//! The source refuses, at each request in turn.

use std::vec::Vec;

use super::ground::{Chosen, Ground, TestHeap, go_to, is_filled, layout, settle};
use crate::memory::Block;
use crate::memory::cpu_heap::{CpuHeap, Unchecked};

const CPUS: usize = 3;

/// A workload that needs every kind of memory; says how many of its requests failed.
fn work<'heap>(
    heap: &'heap TestHeap<Unchecked>,
    blocks: &mut Vec<Block<'heap, TestHeap<Unchecked>>>,
) -> usize {
    let mut failures = 0;
    for step in 0..300_usize {
        go_to(heap, step % (CPUS + 1));
        let bytes = [24, 100, 900, 4_000, 20_000, 300_000, 700_000][step * step % 7];
        match heap.allocate(layout(bytes, 16)) {
            Ok(mut block) => {
                block.fill_spare(u8::try_from(step % 251).expect("it is below 251"));
                blocks.push(block);
            }
            Err(_) => failures += 1,
        }
        if step % 3 == 0 && !blocks.is_empty() {
            let block = blocks.swap_remove(step % blocks.len());
            assert!(is_filled(block.as_slice(), block.as_slice()[0]));
        }
        if step % 10 == 0
            && let Some(block) = blocks.last_mut()
        {
            let (old, first) = (block.as_slice().len(), block.as_slice()[0]);
            match block.resize(old * 2) {
                Ok(()) => block.fill_spare(first),
                Err(_) => failures += 1,
            }
        }
    }
    failures
}

#[test]
fn each_refusal_of_the_source_leaves_a_heap_that_is_whole() {
    let mut served = 0;
    loop {
        let heap: TestHeap<Unchecked> = CpuHeap::new(Ground::new(64 << 20), Chosen::new());
        heap.pages().serve(served);
        let mut blocks = Vec::new();
        let failures = work(&heap, &mut blocks);
        let usage = heap.usage();
        assert_eq!(usage.live_blocks, blocks.len() as u64, "after {served} requests");
        assert_eq!(usage.live_bytes, blocks.iter().map(|block| block.layout().size() as u64).sum::<u64>());
        // Memory comes back, and so do the requests.
        heap.pages().serve(usize::MAX);
        assert_eq!(work(&heap, &mut blocks), 0, "after {served} requests");
        drop(blocks);
        settle(&heap, CPUS + 1);
        let usage = heap.usage();
        assert_eq!(
            (usage.live_blocks, usage.live_bytes, usage.span_bytes),
            (0, 0, 0),
            "after {served} requests"
        );
        assert!(heap.pages().taken() <= CPUS + 2 + 16, "{} units are lost", heap.pages().taken());
        if failures == 0 {
            assert!(served > 20, "the workload asks for memory only {served} times");
            return;
        }
        served += 1;
    }
}
