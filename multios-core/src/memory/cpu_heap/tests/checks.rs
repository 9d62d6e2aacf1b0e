//! Misuse that the checks find.

use core::ptr::NonNull;
use std::cell::RefCell;
use std::string::ToString;
use std::vec::Vec;

use super::ground::{Chosen, Ground, TestHeap, go_to, layout, settle};
use crate::memory::RawHeap;
use crate::memory::cpu_heap::{Checked, CpuHeap, Fault, Misuse};

std::thread_local! {
    static FAULTS: RefCell<Vec<Fault>> = const { RefCell::new(Vec::new()) };
}

fn heap() -> TestHeap<Checked> {
    let report = |fault: &Fault| FAULTS.with_borrow_mut(|faults| faults.push(*fault));
    CpuHeap::with_checks(Ground::new(8 << 20), Chosen::new(), Checked(report))
}

fn faults() -> Vec<Misuse> {
    FAULTS.take().iter().map(|fault| fault.misuse).collect()
}

fn allocate(heap: &TestHeap<Checked>, bytes: usize) -> NonNull<u8> {
    // SAFETY: the size is not zero.
    unsafe { heap.allocate_raw(layout(bytes, 8)) }.expect("a block")
}

/// Frees a block, rightly or not.
fn free(heap: &TestHeap<Checked>, block: NonNull<u8>, bytes: usize) {
    // SAFETY: the memory under the heap stays readable, which is all that finding a mistake needs.
    unsafe { heap.deallocate_raw(block, layout(bytes, 8)) };
}

/// Writes to memory of the heap, be it the writer's or not.
fn write(block: NonNull<u8>, offset: usize, byte: u8) {
    // SAFETY: the offset stays in the memory under the heap.
    let place = unsafe { block.add(offset) };
    // SAFETY: as above; the tests have one thread.
    unsafe { place.write(byte) };
}

#[test]
fn right_use_is_not_reported() {
    let heap = heap();
    for round in 0..3 {
        for bytes in 1..6_000 {
            go_to(&heap, bytes % 3);
            let block = allocate(&heap, bytes);
            (0..bytes).for_each(|offset| write(block, offset, 0x11));
            go_to(&heap, (bytes + round) % 3);
            free(&heap, block, bytes);
        }
    }
    settle(&heap, 3);
    assert_eq!(faults(), []);
    assert_eq!((heap.usage().live_blocks, heap.usage().live_bytes), (0, 0));
}

#[test]
fn a_double_free_is_found_at_once_wherever_the_block_has_gone() {
    let heap = heap();
    let block = allocate(&heap, 100);
    free(&heap, block, 100);
    go_to(&heap, 1);
    free(&heap, block, 100);
    assert_eq!(faults(), [Misuse::DoubleFree]);
    let others: Vec<_> = (0..300).map(|_| allocate(&heap, 100)).collect();
    others.iter().for_each(|block| free(&heap, *block, 100));
    free(&heap, others[0], 100);
    assert_eq!(faults(), [Misuse::DoubleFree]);
    let addresses: std::collections::BTreeSet<_> = (0..300).map(|_| allocate(&heap, 100)).collect();
    assert_eq!(addresses.len(), 300, "no block is given out twice");
}

#[test]
fn a_long_block_that_is_freed_twice_is_found_too() {
    let heap = heap();
    for bytes in [10_000, 1 << 20] {
        let block = allocate(&heap, bytes);
        free(&heap, block, bytes);
        free(&heap, block, bytes);
        assert_eq!(faults(), [Misuse::DoubleFree], "{bytes} bytes");
    }
}

#[test]
fn a_byte_behind_the_end_is_found_when_the_block_is_freed() {
    let heap = heap();
    for bytes in [1, 16, 100, 4_000, 10_000, 1 << 20] {
        for beyond in [0, 7, 15] {
            let block = allocate(&heap, bytes);
            write(block, bytes + beyond, 0x42);
            free(&heap, block, bytes);
            assert_eq!(faults(), [Misuse::Overflow { offset: bytes + beyond, found: 0x42 }]);
        }
    }
}

#[test]
fn a_write_after_the_free_is_found_when_the_block_is_used_again() {
    let heap = heap();
    let block = allocate(&heap, 200);
    free(&heap, block, 200);
    write(block, 150, 0x42);
    let next = allocate(&heap, 200);
    assert_ne!(next, block, "somebody still writes to it");
    assert_eq!(faults(), [Misuse::UseAfterFree { offset: 150, found: 0x42 }]);
}

#[test]
fn what_is_no_block_is_not_taken() {
    let heap = heap();
    let block = allocate(&heap, 100);
    // SAFETY: the block has so many bytes.
    free(&heap, unsafe { block.add(16) }, 100);
    free(&heap, block, 500);
    let mut foreign = [0_u8; 64];
    free(&heap, NonNull::from(&mut foreign).cast(), 32);
    assert_eq!(faults(), [Misuse::NotABlock; 3]);
    free(&heap, block, 100);
    assert_eq!(faults(), []);
}

#[test]
fn a_report_names_block_class_and_what_was_found() {
    let fault =
        Fault { block: 0x1040, class_bytes: 128, misuse: Misuse::Overflow { offset: 100, found: 0x42 } };
    let text = "block at 0x1040 of class 128: written beyond its end: byte 100 is 0x42 instead of 0xc5";
    assert_eq!(fault.to_string(), text);
    let fault = Fault { misuse: Misuse::DoubleFree, ..fault };
    assert_eq!(fault.to_string(), "block at 0x1040 of class 128: freed twice");
}
