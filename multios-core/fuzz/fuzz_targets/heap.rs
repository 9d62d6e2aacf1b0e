//! Any bytes as a string of operations on a heap that checks its blocks: none overlap, all keep their contents, and in the end
//! nothing is left.
#![no_main]

use std::alloc::Layout;

use libfuzzer_sys::fuzz_target;
use multios_core::memory::{Block, Checked, CpuHeap, Fault, Mapped, Threads};

type CheckedHeap = CpuHeap<Mapped, Threads, Checked>;

static HEAP: CheckedHeap = CpuHeap::with_checks(Mapped::new(), Threads, Checked(fail));

/// Live blocks at once.
const BLOCKS_MAX: usize = 256;

fn fail(fault: &Fault) {
    panic!("{fault}");
}

fn is_filled(block: &Block<'static, CheckedHeap>) -> bool {
    block.as_slice().first().is_none_or(|first| block.as_slice().iter().all(|byte| byte == first))
}

/// Lengths of all kinds from 16 bits: most are small, some middle, a few large.
fn bytes(low: u8, high: u8) -> usize {
    usize::from(low) << (high % 14)
}

fuzz_target!(|operations: &[u8]| {
    let mut blocks: Vec<Block<'static, CheckedHeap>> = Vec::new();
    for (mark, operation) in (1..=u8::MAX).cycle().zip(operations.chunks_exact(4)) {
        let (bytes, at) = (bytes(operation[1], operation[2]), usize::from(operation[3]));
        match operation[0] % 4 {
            0 | 1 if blocks.len() < BLOCKS_MAX => {
                let layout = Layout::from_size_align(bytes, 1 << (at % 18)).expect("a valid layout");
                if let Ok(mut block) = HEAP.allocate(layout) {
                    assert!(block.as_slice().as_ptr().addr().is_multiple_of(layout.align()));
                    block.fill_spare(mark);
                    blocks.push(block);
                }
            }
            2 if !blocks.is_empty() => {
                let at = at % blocks.len();
                assert!(is_filled(&blocks[at]));
                let mark = blocks[at].as_slice().first().copied().unwrap_or(mark);
                if blocks[at].resize(bytes).is_ok() {
                    assert!(is_filled(&blocks[at]));
                    blocks[at].fill_spare(mark);
                }
            }
            3 if !blocks.is_empty() => {
                let block = blocks.swap_remove(at % blocks.len());
                assert!(is_filled(&block));
            }
            _ => {
                HEAP.reclaim();
            }
        }
    }
    assert!(blocks.iter().all(is_filled));
    drop(blocks);
    assert_eq!((HEAP.usage().live_blocks, HEAP.usage().live_bytes), (0, 0));
});
