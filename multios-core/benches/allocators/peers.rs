//! The allocators.

use std::alloc::System;
use std::mem::MaybeUninit;

use mimalloc::MiMalloc;
use multios_core::memory::{AnyHeap, Heap, MappedHeap};
use tikv_jemallocator::Jemalloc;

/// Memory of the heap behind one lock.
const LOCKED_BYTES: usize = 1 << 30;

static OURS: MappedHeap = MappedHeap::mapped();
static LOCKED: Heap = Heap::new();

/// An allocator with a name.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) heap: AnyHeap,
}

/// All of them, ours first.
pub(crate) fn all() -> [Peer; 5] {
    if LOCKED.usage().claimed_bytes == 0 {
        let memory: &'static mut [MaybeUninit<u8>] = Box::leak(Box::new_uninit_slice(LOCKED_BYTES));
        assert!(LOCKED.claim_static(memory), "a heap behind a lock");
        assert!(OURS.follow_threads(), "the first heap that follows threads");
    }
    [
        Peer { name: "multios", heap: AnyHeap(&OURS) },
        Peer { name: "mimalloc", heap: AnyHeap(&MiMalloc) },
        Peer { name: "jemalloc", heap: AnyHeap(&Jemalloc) },
        Peer { name: "glibc", heap: AnyHeap(&System) },
        Peer { name: "talc+spin", heap: AnyHeap(&LOCKED) },
    ]
}
