//! Blocks that are longer than small ones and shorter than large ones.
//!
//! `talc` finds and joins them in arenas, stretches that the heap takes from its source.

use core::alloc::Layout;
use core::ptr::NonNull;

use spin::Mutex;
use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;

use super::pages::{Pages, UNIT_BYTES};

/// The longest middle block.
pub(super) const MIDDLE_BYTES_MAX: usize = 512 * 1024;

/// The shortest arena; longer ones are an eighth of what there is.
const ARENA_BYTES_MIN: usize = 1 << 20;
/// Arenas that can be given back.
const ARENAS_MAX: usize = 64;
/// Room for `talc`'s table of free blocks and for what stands around an arena's blocks.
const OVERHEAD_BYTES: usize = 4096;

/// The middle blocks of a heap.
pub(super) struct Middle {
    state: Mutex<State>,
}

struct State {
    talc: Talc<Manual, DefaultBinning>,
    /// The first arena holds the table, and stays. Those that find no place here stay too.
    arenas: [Option<Arena>; ARENAS_MAX],
    arena_bytes: usize,
}

#[derive(Clone, Copy)]
struct Arena {
    start: NonNull<u8>,
    bytes: usize,
    /// What `talc` knows it by.
    end: NonNull<u8>,
}

// SAFETY: the arenas are the state's own.
unsafe impl Send for State {}

/// What middle blocks there are.
pub(super) struct MiddleUsage {
    pub(super) live_bytes: u64,
    pub(super) live_blocks: u64,
    pub(super) allocations_total: u64,
    pub(super) arena_bytes: u64,
}

impl Middle {
    pub(super) const fn new() -> Self {
        Self { state: Mutex::new(State::new()) }
    }

    /// Forgets everything, arenas too.
    ///
    /// # Safety
    /// No block is used any more; a holder of the lock never goes on.
    pub(super) unsafe fn restart(&self) {
        // SAFETY: the caller says that a holder never goes on.
        unsafe { self.state.force_unlock() };
        *self.state.lock() = State::new();
    }

    /// A block; `None` if there is no memory for it.
    ///
    /// # Safety
    /// `layout` has a size.
    pub(super) unsafe fn allocate(&self, layout: Layout, pages: &impl Pages) -> Option<NonNull<u8>> {
        let mut state = self.state.lock();
        // SAFETY: the caller guarantees a size.
        if let Some(block) = unsafe { state.talc.allocate(layout) } {
            return Some(block);
        }
        state.grow(layout, pages)?;
        // SAFETY: the caller guarantees a size.
        unsafe { state.talc.allocate(layout) }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It is a live block of this, which is not used any more.
    pub(super) unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller guarantees a live block.
        unsafe { self.state.lock().talc.deallocate(block.as_ptr(), layout) };
    }

    /// Changes the size of a block where it lies, and says whether that was possible.
    ///
    /// # Safety
    /// It is a live block of this; `bytes` is not zero.
    pub(super) unsafe fn resize(&self, block: NonNull<u8>, layout: Layout, bytes: usize) -> bool {
        // SAFETY: the caller guarantees a live block and a size.
        unsafe { self.state.lock().talc.try_realloc_in_place(block.as_ptr(), layout, bytes) }
    }

    /// Gives arenas without blocks back, and says how many bytes they were.
    pub(super) fn trim(&self, pages: &impl Pages) -> usize {
        let mut state = self.state.lock();
        let state = &mut *state;
        let mut given = 0;
        for place in &mut state.arenas {
            let Some(arena) = *place else { continue };
            // SAFETY: the end is that of an arena, which has not changed since.
            if unsafe { state.talc.reserved(arena.end) }.any {
                continue;
            }
            // SAFETY: as above. Nothing in the arena is in use, so that all of it is given up.
            let rest = unsafe { state.talc.truncate(arena.end, arena.start.as_ptr()) };
            debug_assert!(rest.is_none(), "an arena without blocks is given up as a whole");
            if rest.is_none() {
                *place = None;
                state.arena_bytes -= arena.bytes;
                given += arena.bytes;
                // SAFETY: the arena was taken with this size, and `talc` has given it up.
                unsafe { pages.give(arena.start, arena.bytes) };
            }
        }
        given
    }

    pub(super) fn usage(&self) -> MiddleUsage {
        let state = self.state.lock();
        let counters = state.talc.counters();
        MiddleUsage {
            live_bytes: counters.allocated_bytes as u64,
            live_blocks: counters.allocation_count as u64,
            allocations_total: counters.total_allocation_count,
            arena_bytes: state.arena_bytes as u64,
        }
    }
}

impl State {
    const fn new() -> Self {
        Self { talc: Talc::new(Manual), arenas: [None; ARENAS_MAX], arena_bytes: 0 }
    }

    /// Takes an arena in which `layout` finds room.
    fn grow(&mut self, layout: Layout, pages: &impl Pages) -> Option<()> {
        let least = layout.size().checked_add(layout.align())?.checked_add(OVERHEAD_BYTES)?;
        let least = least.checked_next_multiple_of(UNIT_BYTES)?;
        let wished = (self.arena_bytes / 8).next_multiple_of(UNIT_BYTES).max(ARENA_BYTES_MIN).max(least);
        let take = |bytes| Some((pages.take(bytes, UNIT_BYTES)?, bytes));
        let (start, bytes) = take(wished).or_else(|| take(least))?;
        let is_first = !self.talc.is_metadata_established();
        // SAFETY: the memory was taken just now and is nobody else's until `talc` has given it up.
        let Some(end) = (unsafe { self.talc.claim(start.as_ptr(), bytes) }) else {
            // SAFETY: it was taken with this size, and `talc` does not want it.
            unsafe { pages.give(start, bytes) };
            return None;
        };
        self.arena_bytes += bytes;
        let place = self.arenas.iter_mut().find(|place| place.is_none());
        if let (false, Some(place)) = (is_first, place) {
            *place = Some(Arena { start, bytes, end });
        }
        Some(())
    }
}
