//! Blocks that are allocated on one CPU and freed on another.
//!
//! The CPUs stand in a ring. Each allocates blocks and hands them to its neighbour through a bounded queue, and frees
//! those that it gets from the other side; a single CPU is its own neighbour. All use the same heap at the same time.

use core::alloc::Layout;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use alloc::vec::Vec;

use multios_core::memory::{Block, Heap};

use crate::arch::counter;
use crate::measure::{BenchError, Bencher};
use crate::suites::buffer::{layout, scale_bytes};
use crate::units::{Nanoseconds, Ticks};

/// Bytes of a block.
const BLOCK_BYTES: usize = 64;

/// Places of a queue: enough for a neighbour that is late.
const PLACES: usize = 256;

/// Blocks in a queue before the measured ones, so that neighbours need not keep step.
const BLOCKS_AHEAD: usize = PLACES / 2;

/// Pairs of one sample.
const PAIRS: u32 = 1_000;

/// Longest time that one sample may take.
const SAMPLE_MAX: Nanoseconds = Nanoseconds::from_milliseconds(10_000);

/// A sample is the time of an iteration on the first CPU, as the mean over 1,000 of them: allocate 64 bytes, write to
/// them, hand them over; take what comes, check it, and free it.
pub(super) fn hand_over(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let cpus = scale_bytes(bencher)?;
    let platform = bencher.platform();
    let there = platform.cpus();
    if there < cpus {
        return Err(BenchError::Skipped(alloc::format!("the machine has {there} of {cpus} CPUs")));
    }
    let (heap, layout) = (bencher.heap(), layout(BLOCK_BYTES, BLOCK_BYTES)?);
    let limit = SAMPLE_MAX.to_ticks(platform.frequency());
    let sample = || {
        let ring = Ring::new(heap, layout, cpus, Ticks(counter::now().0.saturating_add(limit.0)));
        platform.run_on_cpus(cpus, &|cpu| ring.run(cpu)).map_err(BenchError::Skipped)?;
        ring.ticks_of_a_pair()
    };
    // The first sample finds the heap's memory cold.
    sample()?;
    bencher.measure_values(sample)
}

/// The CPUs, the queues between them, and what comes of one sample.
struct Ring<'heap> {
    heap: &'heap Heap,
    layout: Layout,
    /// Queue `n` leads from CPU `n` to the next.
    queues: Vec<Queue<'heap>>,
    /// CPUs that are ready to begin.
    ready: AtomicUsize,
    deadline: Ticks,
    /// Ticks of the first CPU.
    ticks: AtomicU64,
    is_out_of_memory: AtomicBool,
    is_late: AtomicBool,
    /// Blocks that arrived with the wrong contents.
    damaged: AtomicU64,
}

/// Why a CPU stops early.
enum Stop {
    OutOfMemory,
    Late,
}

impl<'heap> Ring<'heap> {
    fn new(heap: &'heap Heap, layout: Layout, cpus: usize, deadline: Ticks) -> Self {
        Self {
            heap,
            layout,
            queues: (0..cpus).map(|_| Queue::new()).collect(),
            ready: AtomicUsize::new(0),
            deadline,
            ticks: AtomicU64::new(0),
            is_out_of_memory: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
            damaged: AtomicU64::new(0),
        }
    }

    /// What CPU number `cpu` does.
    fn run(&self, cpu: usize) {
        match self.hand_over_and_free(cpu) {
            Ok(ticks) if cpu == 0 => self.ticks.store(ticks, Ordering::Relaxed),
            Ok(_) => {}
            Err(Stop::OutOfMemory) => self.is_out_of_memory.store(true, Ordering::Relaxed),
            Err(Stop::Late) => self.is_late.store(true, Ordering::Relaxed),
        }
    }

    fn hand_over_and_free(&self, cpu: usize) -> Result<u64, Stop> {
        let before = (cpu + self.queues.len() - 1) % self.queues.len();
        let mut output = Cursor { queue: &self.queues[cpu], at: 0 };
        let mut input = Cursor { queue: &self.queues[before], at: 0 };
        for _ in 0..BLOCKS_AHEAD {
            output.push(self.block(cpu)?, self)?;
        }
        self.ready.fetch_add(1, Ordering::AcqRel);
        self.wait_until(|| self.ready.load(Ordering::Acquire) == self.queues.len())?;
        let start = counter::start();
        for _ in 0..PAIRS {
            output.push(self.block(cpu)?, self)?;
            let block = input.pop(self)?;
            if block.as_slice() != mark(before) {
                self.damaged.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(counter::stop().since(start).0)
    }

    #[inline]
    fn block(&self, cpu: usize) -> Result<Block<'heap>, Stop> {
        let mut block = self.heap.allocate(self.layout).map_err(|_| Stop::OutOfMemory)?;
        block.append(&mark(cpu));
        Ok(block)
    }

    /// Waits for another CPU, but not beyond the deadline nor when another has given up.
    fn wait_until(&self, is_so: impl Fn() -> bool) -> Result<(), Stop> {
        while !is_so() {
            let has_failed =
                self.is_late.load(Ordering::Relaxed) || self.is_out_of_memory.load(Ordering::Relaxed);
            if has_failed || counter::now() > self.deadline {
                return Err(Stop::Late);
            }
            core::hint::spin_loop();
        }
        Ok(())
    }

    /// The sample; what is left in the queues is freed with them.
    fn ticks_of_a_pair(self) -> Result<u64, BenchError> {
        if self.is_out_of_memory.into_inner() {
            return Err(BenchError::Skipped("too little memory for the blocks under way".into()));
        }
        if self.is_late.into_inner() {
            return Err(BenchError::Failed("a CPU did not take its blocks in time".into()));
        }
        match self.damaged.into_inner() {
            0 => Ok(self.ticks.into_inner() / u64::from(PAIRS)),
            damaged => Err(BenchError::Failed(alloc::format!("{damaged} blocks arrived damaged"))),
        }
    }
}

/// What a CPU writes into its blocks.
fn mark(cpu: usize) -> [u8; 8] {
    (cpu as u64 ^ 0x5555_5555_5555_5555).to_le_bytes()
}

/// A queue between two CPUs. A place is full or empty, and each side comes to the places in the same order, so that
/// neither needs to see where the other is. The lock of a place is contended only if both sides are at it.
struct Queue<'heap> {
    places: [Place<'heap>; PLACES],
}

/// In a cache line of its own: neighbours must not share one by accident.
#[repr(align(64))]
struct Place<'heap>(spin::Mutex<Option<Block<'heap>>>);

/// One side of a queue.
struct Cursor<'ring, 'heap> {
    queue: &'ring Queue<'heap>,
    at: usize,
}

impl Queue<'_> {
    fn new() -> Self {
        Self { places: core::array::from_fn(|_| Place(spin::Mutex::new(None))) }
    }
}

impl<'heap> Cursor<'_, 'heap> {
    #[inline]
    fn push(&mut self, block: Block<'heap>, ring: &Ring<'heap>) -> Result<(), Stop> {
        let place = &self.queue.places[self.at % PLACES].0;
        ring.wait_until(|| place.lock().is_none())?;
        *place.lock() = Some(block);
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn pop(&mut self, ring: &Ring<'heap>) -> Result<Block<'heap>, Stop> {
        let place = &self.queue.places[self.at % PLACES].0;
        loop {
            let taken = place.lock().take();
            if let Some(block) = taken {
                self.at += 1;
                return Ok(block);
            }
            ring.wait_until(|| place.lock().is_some())?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites::memory::testing::heap;

    fn sample(cpus: usize) -> Result<u64, BenchError> {
        let heap = heap(256 << 10);
        let minute = Ticks(counter::now().0 + 200_000_000_000);
        let ring = Ring::new(&heap, layout(BLOCK_BYTES, BLOCK_BYTES)?, cpus, minute);
        std::thread::scope(|scope| {
            for cpu in 0..cpus {
                let ring = &ring;
                scope.spawn(move || ring.run(cpu));
            }
        });
        let result = ring.ticks_of_a_pair();
        assert_eq!(heap.usage().live_blocks, 0, "every block is freed");
        result
    }

    #[test]
    fn blocks_go_around_rings_of_any_number_of_cpus() {
        for cpus in [1, 2, 4] {
            assert!(sample(cpus).is_ok_and(|ticks| ticks > 0));
        }
    }

    #[test]
    fn a_neighbour_that_never_comes_ends_the_sample() {
        let heap = heap(256 << 10);
        let layout = layout(BLOCK_BYTES, BLOCK_BYTES).expect("a valid layout");
        let ring = Ring::new(&heap, layout, 2, Ticks(0));
        ring.run(0);
        assert!(matches!(ring.ticks_of_a_pair(), Err(BenchError::Failed(_))));
    }

    #[test]
    fn a_heap_that_is_too_small_skips() {
        let heap = Heap::new();
        let layout = layout(BLOCK_BYTES, BLOCK_BYTES).expect("a valid layout");
        let ring = Ring::new(&heap, layout, 1, Ticks(u64::MAX));
        ring.run(0);
        assert!(matches!(ring.ticks_of_a_pair(), Err(BenchError::Skipped(_))));
    }
}
