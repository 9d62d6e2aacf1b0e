//! Replays a recorded trace of allocations with a live heap.

use alloc::vec::Vec;

use multios_core::memory::{Block, Heap, OutOfMemory};

use super::trace::{Action, Operation, RECORDED, Trace};
use crate::measure::{BenchError, Bencher, Expected};
use crate::suites::buffer::layout;

/// Alignment of every block: what the recorded program's allocator promised.
const ALIGN: usize = 16;

/// Share of the live bytes, one in so many, that the replayed programs may have at most.
const REPLAYED_SHARE: u64 = 2;

/// One iteration is one operation of the recorded trace.
///
/// Several instances of the recorded program run in turn, one operation each, and begin again at its end. They
/// start at different places of the trace; together they have at most half the live bytes at once. The other half,
/// for which sizes are drawn from the trace too, is allocated in between while they start, and held.
pub(super) fn trace(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let trace = Trace::decode(RECORDED).map_err(|error| BenchError::Failed(alloc::format!("{error}")))?;
    let heap = bencher.heap();
    let mut live = LiveHeap::new(heap, &trace, bencher.scale());
    live.grow(&mut || bencher.random())?;
    let blocks = live.blocks();
    bencher.add_figure("held_blocks", live.held.len() as u64);
    bencher.measure(Expected::Each(1), || u64::from(live.step()))?;
    if blocks == 0 {
        return Err(BenchError::Failed("the heap was not live".into()));
    }
    live.end()
}

/// A heap that programs work on.
struct LiveHeap<'heap, 'trace> {
    heap: &'heap Heap,
    trace: &'trace Trace,
    live_bytes: u64,
    programs: Vec<Program<'heap>>,
    /// The program whose turn it is.
    turn: usize,
    held: Vec<Block<'heap>>,
}

/// One instance of the recorded program.
struct Program<'heap> {
    /// Its next operation.
    at: usize,
    slots: Vec<Option<Block<'heap>>>,
    /// What it writes into its blocks.
    mark: u8,
}

impl<'heap, 'trace> LiveHeap<'heap, 'trace> {
    /// Programs that have not begun, and no blocks.
    fn new(heap: &'heap Heap, trace: &'trace Trace, live_bytes: u64) -> Self {
        let programs = (live_bytes / REPLAYED_SHARE / trace.peak_bytes.max(1)).max(1);
        let programs = (0..programs).zip((1..=u8::MAX).cycle()).map(|(_, mark)| Program::new(trace, mark));
        Self { heap, trace, live_bytes, programs: programs.collect(), turn: 0, held: Vec::new() }
    }

    /// Brings each program to its place in the trace, and holds blocks until so many bytes are live.
    fn grow(&mut self, random: &mut dyn FnMut() -> u64) -> Result<(), BenchError> {
        let sizes = self.trace.sizes();
        let (count, length) = (self.programs.len(), self.trace.operations.len());
        let before = self.heap.usage().live_bytes;
        let held_for =
            |random: u64| sizes.get(usize::try_from(random % sizes.len().max(1) as u64).unwrap_or(0));
        for (number, program) in self.programs.iter_mut().enumerate() {
            for _ in 0..number * length / count {
                if !program.step(self.heap, self.trace)? {
                    return Err(BenchError::Failed("a block lost its contents".into()));
                }
            }
        }
        while self.heap.usage().live_bytes.saturating_sub(before) < self.live_bytes {
            let bytes = held_for(random()).copied().unwrap_or(1);
            let block = self.heap.allocate(layout(to_usize(bytes), ALIGN)?)?;
            self.held.push(block);
            if !self.step() {
                return Err(BenchError::Failed("an operation of the trace failed".into()));
            }
        }
        Ok(())
    }

    /// The next operation of the program whose turn it is; says whether all was as it should be.
    #[inline]
    fn step(&mut self) -> bool {
        let turn = self.turn;
        self.turn = if turn + 1 == self.programs.len() { 0 } else { turn + 1 };
        self.programs[turn].step(self.heap, self.trace) == Ok(true)
    }

    fn blocks(&self) -> usize {
        let live = |program: &Program<'_>| program.slots.iter().flatten().count();
        self.held.len() + self.programs.iter().map(live).sum::<usize>()
    }

    /// Frees everything, and checks that the heap accounts for all of it.
    fn end(self) -> Result<(), BenchError> {
        let blocks =
            self.programs.iter().flat_map(|program| program.slots.iter().flatten()).chain(&self.held);
        let (count, bytes) = blocks
            .fold((0_u64, 0_u64), |(count, bytes), block| (count + 1, bytes + block.layout().size() as u64));
        let Self { heap, programs, held, .. } = self;
        let slots: Vec<_> = programs.into_iter().map(|program| program.slots).collect();
        let mut blocks: Vec<Block<'_>> = slots.into_iter().flatten().flatten().chain(held).collect();
        let before = heap.usage();
        blocks.clear();
        let after = heap.usage();
        if (before.live_blocks - after.live_blocks, before.live_bytes - after.live_bytes) == (count, bytes) {
            return Ok(());
        }
        let text =
            alloc::format!("{count} blocks of {bytes} bytes were freed, but {before:?} became {after:?}");
        Err(BenchError::Failed(text))
    }
}

impl<'heap> Program<'heap> {
    fn new(trace: &Trace, mark: u8) -> Self {
        Self { at: 0, slots: (0..trace.slots).map(|_| None).collect(), mark }
    }

    /// The next operation; says whether the block holds what was written into it.
    #[inline]
    fn step(&mut self, heap: &'heap Heap, trace: &Trace) -> Result<bool, OutOfMemory> {
        let Operation { slot, action } = trace.operations[self.at];
        self.at = if self.at + 1 == trace.operations.len() { 0 } else { self.at + 1 };
        let slot = &mut self.slots[to_usize(slot)];
        match action {
            Action::Allocate(bytes) => {
                let bytes = to_usize(bytes);
                let layout = layout(bytes, ALIGN).map_err(|_| OutOfMemory { bytes })?;
                let mut block = heap.allocate(layout)?;
                block.append(&[self.mark]);
                Ok(slot.replace(block).is_none())
            }
            Action::Resize(bytes) => {
                let Some(block) = slot else { return Ok(false) };
                block.resize(to_usize(bytes))?;
                Ok(block.as_slice() == [self.mark])
            }
            Action::Free => Ok(slot.take().is_some_and(|block| block.as_slice() == [self.mark])),
        }
    }
}

/// A size or slot of a trace, which any `usize` holds.
fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites::memory::testing::heap;

    fn trace() -> Trace {
        Trace::decode(RECORDED).expect("a valid trace")
    }

    #[test]
    fn a_program_ends_as_it_began() {
        let (trace, heap) = (trace(), heap(1 << 20));
        let mut program = Program::new(&trace, 7);
        for _ in 0..2 * trace.operations.len() {
            assert_eq!(program.step(&heap, &trace), Ok(true));
        }
        assert_eq!(heap.usage().live_blocks, 0);
        assert!(heap.usage().peak_bytes >= trace.peak_bytes);
    }

    #[test]
    fn the_heap_is_as_live_as_the_scale_says_and_empty_at_the_end() {
        let (trace, heap) = (trace(), heap(8 << 20));
        let mut live = LiveHeap::new(&heap, &trace, 2 << 20);
        assert_eq!(live.programs.len(), 4);
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 32
        };
        live.grow(&mut random).expect("enough memory");
        for _ in 0..3 * trace.operations.len() {
            assert!(live.step());
            let bytes = heap.usage().live_bytes;
            assert!((3 << 19..3 << 20).contains(&bytes), "{bytes}");
        }
        assert_eq!(live.end(), Ok(()));
        assert_eq!(heap.usage().live_blocks, 0);
    }

    #[test]
    fn a_heap_that_is_too_small_skips() {
        let (trace, heap) = (trace(), heap(1 << 20));
        let mut live = LiveHeap::new(&heap, &trace, 64 << 20);
        assert!(matches!(live.grow(&mut || 3), Err(BenchError::Skipped(_))));
    }
}
