//! What is done with an allocator, and how long it takes.
//!
//! Time is that of the process on the processors, all threads together: other programs on the machine change it little.

use std::alloc::Layout;
use std::hint::black_box;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use multios_core::memory::{AnyHeap, Block};
use rustix::time::{ClockId, clock_gettime};

/// Live blocks of the churn.
pub(crate) const CHURN_LIVE: usize = 1024;
const CHURN_BYTES_MIN: u64 = 16;
const CHURN_BYTES_MAX: u64 = 1024;

/// A named trace: runs so many operations and says how many nanoseconds they took.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) operations: usize,
    pub(crate) run: fn(&'static AnyHeap, usize) -> u128,
}

/// Those whose mean matters.
pub(crate) const TRACES: [Trace; 5] = [
    Trace { name: "pair 64 B", operations: 2_000_000, run: pair },
    Trace { name: "churn 16..1024 B", operations: 1_000_000, run: churn },
    Trace { name: "churn, 100,000 live", operations: 500_000, run: wide_churn },
    Trace { name: "producer and consumer", operations: 500_000, run: hand_over },
    Trace { name: "two threads churn", operations: 1_000_000, run: churn_of_two },
];

/// Processor time of the process so far, in nanoseconds.
fn processor_time() -> u128 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let [seconds, nanoseconds] = [time.tv_sec, time.tv_nsec].map(i64::unsigned_abs).map(u128::from);
    seconds * 1_000_000_000 + nanoseconds
}

/// Numbers of a fixed sequence (Vigna, "xorshift*", 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Evenly distributed below `bound`.
    fn below(&mut self, bound: u64) -> usize {
        usize::try_from(((self.next() >> 32) * bound) >> 32).unwrap_or(0)
    }
}

/// A block of the heap with its first byte written.
#[inline]
pub(crate) fn block(heap: &'static AnyHeap, bytes: usize) -> Block<'static, AnyHeap> {
    let layout = Layout::from_size_align(bytes, 16).expect("a valid layout");
    let mut block = heap.allocate(layout).expect("there is memory");
    block.append(&[1]);
    block
}

fn pair(heap: &'static AnyHeap, operations: usize) -> u128 {
    let start = processor_time();
    for _ in 0..operations {
        black_box(block(heap, black_box(64)));
    }
    processor_time() - start
}

fn churn(heap: &'static AnyHeap, operations: usize) -> u128 {
    churn_with(heap, operations, CHURN_LIVE, 1).0
}

fn wide_churn(heap: &'static AnyHeap, operations: usize) -> u128 {
    churn_with(heap, operations, 100_000, 2).0
}

/// Replaces blocks at random; returns the time and the blocks that live at the end.
pub(crate) fn churn_with(
    heap: &'static AnyHeap,
    operations: usize,
    live: usize,
    seed: u64,
) -> (u128, Vec<Block<'static, AnyHeap>>) {
    let mut random = Random::new(0x9E37_79B9 + seed);
    let bytes = |random: &mut Random| random.below(CHURN_BYTES_MAX - CHURN_BYTES_MIN + 1) + 16;
    let mut blocks: Vec<_> = (0..live).map(|_| block(heap, bytes(&mut random))).collect();
    let start = processor_time();
    for _ in 0..operations {
        let at = random.below(live as u64);
        let bytes = bytes(&mut random);
        // The old block goes first, as in a cache that makes room.
        let place = &mut blocks[at];
        free_and_replace(heap, place, bytes);
    }
    (processor_time() - start, blocks)
}

#[inline]
fn free_and_replace(heap: &'static AnyHeap, place: &mut Block<'static, AnyHeap>, bytes: usize) {
    let none =
        heap.allocate(Layout::from_size_align(0, 1).expect("a valid layout")).expect("no memory is needed");
    drop(std::mem::replace(place, none));
    *place = block(heap, bytes);
}

/// One thread allocates, another frees: the time of a block on both.
fn hand_over(heap: &'static AnyHeap, operations: usize) -> u128 {
    const BATCH: usize = 128;
    let (to, from) = sync_channel::<Vec<Block<'static, AnyHeap>>>(16);
    let (back, emptied) = sync_channel::<Vec<Block<'static, AnyHeap>>>(32);
    let start = processor_time();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(mut blocks) = from.recv() {
                blocks.clear();
                if back.send(blocks).is_err() {
                    return;
                }
            }
        });
        for _ in 0..operations / BATCH {
            let mut blocks = emptied.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
            blocks.extend((0..BATCH).map(|number| block(heap, 16 + 16 * (number % 16))));
            to.send(blocks).expect("the other side is there");
        }
        drop(to);
    });
    processor_time() - start
}

/// Two threads that churn on their own: the time of a pair on one and a pair on the other.
fn churn_of_two(heap: &'static AnyHeap, operations: usize) -> u128 {
    let start = processor_time();
    std::thread::scope(|scope| {
        for seed in 3..5 {
            scope.spawn(move || churn_with(heap, operations, CHURN_LIVE, seed));
        }
    });
    processor_time() - start
}

/// The times of allocating and freeing one long block, in nanoseconds.
pub(crate) fn large(heap: &'static AnyHeap, bytes: usize, samples: usize) -> Vec<u128> {
    let layout = Layout::from_size_align(bytes, 16).expect("a valid layout");
    (0..samples)
        .map(|_| {
            let start = Instant::now();
            black_box(heap.allocate(black_box(layout)).expect("there is memory"));
            start.elapsed().as_nanos()
        })
        .collect()
}
