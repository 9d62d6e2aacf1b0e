//! Stretches of one contiguous range of memory, found by a map with one bit for each unit.

use core::ptr::NonNull;

use spin::Mutex;

use super::pages::{Pages, UNIT_BYTES};

/// What is under the memory of [`Extents`].
pub trait Backing: Sync {
    /// The memory is free: what stands in it need not be kept. What was not kept is zero when it is used again.
    fn discard(&self, start: NonNull<u8>, bytes: usize);
}

/// Memory that is simply there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resident;

impl Backing for Resident {
    fn discard(&self, _start: NonNull<u8>, _bytes: usize) {}
}

/// First fit over a contiguous range. The map lies at the range's start.
pub struct Extents<B: Backing = Resident> {
    backing: B,
    state: Mutex<Option<Map>>,
}

/// Which units are taken. Unit 0 is the first behind the map.
struct Map {
    first_unit: NonNull<u8>,
    /// A bit that is set is a unit that is taken, or behind the end.
    words: NonNull<u64>,
    units: usize,
    taken: usize,
    /// No unit below is free.
    lowest: usize,
}

// SAFETY: the map is the only owner of its words.
unsafe impl Send for Map {}

impl<B: Backing> Extents<B> {
    /// Without memory.
    pub const fn new(backing: B) -> Self {
        Self { backing, state: Mutex::new(None) }
    }

    /// Gets its memory, and says whether it took it: only once, and only if a unit fits beside the map.
    ///
    /// # Safety
    /// The `bytes` bytes at `start` are valid for reads and writes as long as any use of this or of what was taken from it, and
    /// nobody else uses them.
    pub unsafe fn claim(&self, start: *mut u8, bytes: usize) -> bool {
        let mut state = self.state.lock();
        if state.is_some() {
            return false;
        }
        // SAFETY: the caller gives the memory away.
        *state = unsafe { Map::over(start, bytes) };
        state.is_some()
    }

    /// Forgets all that was taken, and begins anew with the `bytes` bytes at `start`.
    ///
    /// # Safety
    /// As for [`claim`](Self::claim), and nothing that was taken is used any more. Whoever is in one of the functions of this,
    /// and may hold its lock, never goes on.
    pub unsafe fn restart(&self, start: *mut u8, bytes: usize) -> bool {
        // SAFETY: the caller says that a holder never goes on.
        unsafe { self.state.force_unlock() };
        *self.state.lock() = None;
        // SAFETY: the caller gives the memory away.
        unsafe { self.claim(start, bytes) }
    }

    /// Units of 64 KiB: all, and those that are taken.
    pub fn units(&self) -> (usize, usize) {
        self.state.lock().as_ref().map_or((0, 0), |map| (map.units, map.taken))
    }
}

// SAFETY: the map marks what is taken, under a lock; what is behind it was given away by the caller of `claim`.
unsafe impl<B: Backing> Pages for Extents<B> {
    fn take(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let (units, step) = (bytes.div_ceil(UNIT_BYTES), align.max(UNIT_BYTES));
        let mut state = self.state.lock();
        let map = state.as_mut()?;
        let at = map.find(units, step)?;
        map.set(at, units, true);
        map.taken += units;
        if at == map.lowest {
            map.lowest += units;
        }
        // SAFETY: the unit lies in the range.
        Some(unsafe { map.first_unit.add(at * UNIT_BYTES) })
    }

    unsafe fn give(&self, start: NonNull<u8>, bytes: usize) {
        let units = bytes.div_ceil(UNIT_BYTES);
        // Before others may have it.
        self.backing.discard(start, units * UNIT_BYTES);
        let mut state = self.state.lock();
        let Some(map) = state.as_mut() else { return };
        let at = (start.addr().get() - map.first_unit.addr().get()) / UNIT_BYTES;
        map.set(at, units, false);
        map.taken -= units;
        map.lowest = map.lowest.min(at);
    }

    fn may_own(&self, address: usize) -> bool {
        self.state.lock().as_ref().is_some_and(|map| {
            let offset = address.wrapping_sub(map.first_unit.addr().get());
            offset / UNIT_BYTES < map.units
        })
    }
}

impl Map {
    /// # Safety
    /// As for [`Extents::claim`].
    unsafe fn over(start: *mut u8, bytes: usize) -> Option<Self> {
        let end = start.addr().checked_add(bytes)?;
        let words_at = start.addr().checked_next_multiple_of(align_of::<u64>())?;
        let word_count = (bytes / UNIT_BYTES).div_ceil(64);
        let behind = words_at.checked_add(word_count * size_of::<u64>())?;
        let first = behind.checked_next_multiple_of(UNIT_BYTES)?;
        let units = end.checked_sub(first)? / UNIT_BYTES;
        if start.is_null() || units == 0 {
            return None;
        }
        let words = NonNull::new(start.with_addr(words_at).cast::<u64>())?;
        for at in 0..word_count {
            let units_here = units.saturating_sub(at * 64).min(64);
            let taken = if units_here == 64 { 0 } else { u64::MAX << units_here };
            // SAFETY: the words lie in the range.
            let word = unsafe { words.add(at) };
            // SAFETY: as above; the range is ours alone.
            unsafe { word.write(taken) };
        }
        Some(Self { first_unit: NonNull::new(start.with_addr(first))?, words, units, taken: 0, lowest: 0 })
    }

    /// The first of `count` free units that lie together, at a multiple of `step` bytes.
    fn find(&mut self, count: usize, step: usize) -> Option<usize> {
        let mut at = self.aligned(self.next_free(self.lowest)?, step);
        self.lowest = self.next_free(self.lowest)?;
        while at.checked_add(count)? <= self.units {
            match self.first_taken(at, count) {
                None => return Some(at),
                Some(taken) => at = self.aligned(self.next_free(taken)?, step),
            }
        }
        None
    }

    /// The first unit from `at` up that begins at a multiple of `step`.
    fn aligned(&self, at: usize, step: usize) -> usize {
        let first = self.first_unit.addr().get();
        ((first + at * UNIT_BYTES).next_multiple_of(step) - first) / UNIT_BYTES
    }

    /// The first free unit from `at` up.
    fn next_free(&self, at: usize) -> Option<usize> {
        self.next(at, self.units, u64::MAX)
    }

    /// The first taken unit among the `count` from `at` up.
    fn first_taken(&self, at: usize, count: usize) -> Option<usize> {
        self.next(at, at + count, 0)
    }

    /// The first unit in `from..end` whose bit differs from those of `flip`.
    fn next(&self, from: usize, end: usize, flip: u64) -> Option<usize> {
        let mut at = from;
        while at < end {
            let word = (self.word(at / 64) ^ flip) >> (at % 64);
            if word != 0 {
                at += word.trailing_zeros() as usize;
                return (at < end).then_some(at);
            }
            at = (at / 64 + 1) * 64;
        }
        None
    }

    fn word(&self, at: usize) -> u64 {
        // SAFETY: a unit of the range has its word.
        let word = unsafe { self.words.add(at) };
        // SAFETY: as above; the words are written and ours alone.
        unsafe { word.read() }
    }

    fn set(&mut self, at: usize, count: usize, is_taken: bool) {
        let (mut at, end) = (at, at + count);
        while at < end {
            let bits = (end - at).min(64 - at % 64);
            let mask = (u64::MAX >> (64 - bits)) << (at % 64);
            let word = self.word(at / 64);
            debug_assert_eq!(word & mask, if is_taken { 0 } else { mask }, "a unit is taken or given twice");
            // SAFETY: a unit of the range has its word.
            let place = unsafe { self.words.add(at / 64) };
            // SAFETY: as above; the words are ours alone.
            unsafe { place.write(if is_taken { word | mask } else { word & !mask }) };
            at += bits;
        }
    }
}
