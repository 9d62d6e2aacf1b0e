//! Threads at one heap.

use std::boxed::Box;
use std::sync::mpsc::sync_channel;
use std::vec::Vec;

use super::ground::{Ground, is_filled, layout};
use crate::memory::cpu_heap::{Checked, Checks, CpuHeap, Fault, Threads, Unchecked};
use crate::memory::{Block, RawHeap};

type ThreadHeap<C> = CpuHeap<Ground, Threads, C>;

/// Forever: threads may end after the test that began them.
fn heap<C: Checks>(checks: C) -> &'static ThreadHeap<C> {
    Box::leak(Box::new(CpuHeap::with_checks(Ground::new(64 << 20), Threads, checks)))
}

fn marked<H: RawHeap>(mut block: Block<'_, H>, mark: u8) -> Block<'_, H> {
    block.fill_spare(mark);
    block
}

fn is_marked<H: RawHeap>(block: &Block<'_, H>) -> bool {
    is_filled(block.as_slice(), block.as_slice()[0])
}

/// Every thread allocates, frees half of it itself, and sends the rest to the next.
fn send_around<C: Checks>(heap: &'static ThreadHeap<C>, threads: usize, rounds: usize) {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..threads).map(|_| sync_channel::<Block<'static, ThreadHeap<C>>>(256)).unzip();
    std::thread::scope(|scope| {
        for (number, receiver) in receivers.into_iter().enumerate() {
            let sender = senders[(number + 1) % threads].clone();
            scope.spawn(move || {
                let mut kept = Vec::new();
                for round in 0..rounds {
                    let bytes = 1 + (round * 37 + number * 11) % 2_000;
                    let mark = u8::try_from(round % 250).expect("it is below 250");
                    let block = marked(heap.allocate(layout(bytes, 8)).expect("a block"), mark);
                    // A full queue is no reason to wait: all might.
                    if round % 2 == 0
                        && let Err(error) = sender.try_send(block)
                    {
                        drop(error);
                    } else if round % 7 == 0 {
                        kept.push(marked(heap.allocate(layout(bytes * 3, 8)).expect("a block"), mark));
                    }
                    if kept.len() > 64 {
                        assert!(is_marked(&kept.swap_remove(round % 64)));
                    }
                    assert!(receiver.try_iter().all(|block| is_marked(&block)));
                    if round % 5_000 == 0 {
                        heap.reclaim();
                    }
                }
                drop(sender);
                assert!(receiver.try_iter().all(|block| is_marked(&block)));
            });
        }
        drop(senders);
    });
    let usage = heap.usage();
    assert_eq!((usage.live_blocks, usage.live_bytes), (0, 0), "every block is freed");
}

#[test]
fn threads_that_free_each_others_blocks_lose_and_share_none() {
    for threads in [2, 4] {
        let heap = heap(Unchecked);
        send_around(heap, threads, 10_000);
        assert!(heap.usage().remote_frees_total > 500, "{:?}", heap.usage());
    }
}

#[test]
fn so_it_is_with_checks() {
    send_around(heap(Checked(|fault: &Fault| panic!("{fault}"))), 3, 5_000);
}

#[test]
fn a_producer_that_never_frees_does_not_run_out_of_memory() {
    let heap = heap(Unchecked);
    let (sender, receiver) = sync_channel(64);
    std::thread::scope(|scope| {
        scope.spawn(move || receiver.into_iter().for_each(|block| assert!(is_marked(&block))));
        for round in 0..40_000_usize {
            let mark = u8::try_from(round % 250).expect("it is below 250");
            sender.send(marked(heap.allocate(layout(512, 8)).expect("a block"), mark)).expect("a receiver");
        }
        drop(sender);
    });
    let usage = heap.usage();
    assert_eq!(usage.live_blocks, 0);
    assert!(usage.span_bytes < 1 << 20, "20 MB went through {} bytes of spans", usage.span_bytes);
}

#[test]
fn what_ended_threads_had_goes_to_the_others() {
    let heap = heap(Unchecked);
    assert!(heap.follow_threads());
    let mut left = Vec::new();
    for round in 0..200_u8 {
        let blocks = std::thread::spawn(move || {
            let blocks: Vec<_> =
                (0..400).map(|_| marked(heap.allocate(layout(1_000, 8)).expect("a block"), round)).collect();
            blocks.into_iter().step_by(100).collect::<Vec<_>>()
        });
        left.extend(blocks.join().expect("it ends"));
    }
    assert!(left.iter().all(is_marked));
    assert_eq!(heap.usage().live_blocks, left.len() as u64);
    // 200 threads had 400 KB each, of which four blocks are left.
    assert!(heap.usage().span_bytes < 8 << 20, "{} bytes of spans", heap.usage().span_bytes);
}
