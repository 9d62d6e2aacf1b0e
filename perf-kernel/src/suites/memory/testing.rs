//! A heap for the tests of benches.

use core::mem::MaybeUninit;

use alloc::boxed::Box;
use alloc::vec;

use multios_core::memory::Heap;

/// A heap of `bytes` bytes that are never given back.
pub(super) fn heap(bytes: usize) -> Heap {
    let heap = Heap::new();
    let memory = Box::leak(vec![MaybeUninit::uninit(); bytes].into_boxed_slice());
    assert!(heap.claim_static(memory), "{bytes} bytes are too few for a heap");
    heap
}
