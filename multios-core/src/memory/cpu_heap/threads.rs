//! Threads of a process in the place of CPUs.

use core::cell::Cell;

use spin::Mutex;

use super::check::Checks;
use super::heap::CpuHeap;
use super::local::{CACHES, CurrentCpu, Entered};
use super::numbers::Numbers;
use super::pages::Pages;

/// Heaps that are told of the end of threads, at most.
const HEAPS_MAX: usize = 8;

/// Has no number yet.
const NEW: usize = usize::MAX;
/// Is ending and gets none any more.
const ENDING: usize = usize::MAX - 1;

static NUMBERS: Numbers = Numbers::new();
static HEAPS: Mutex<[Option<&'static dyn Retire>; HEAPS_MAX]> = Mutex::new([None; HEAPS_MAX]);

std::thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(NEW) };
    /// Apart from the number, which must be had without asking whether it has to be dropped.
    static LEAVE: Leave = const { Leave };
}

/// A heap that keeps something for each thread.
pub(super) trait Retire: Sync {
    /// Gives up what is kept for the thread with this number, which is ending.
    ///
    /// # Safety
    /// Nobody else uses the cache of that number.
    unsafe fn retire(&self, number: usize);
}

/// The threads of this process. As many at a time as there are caches have one of their own, the others share one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

/// The running thread; it is only itself that comes in between, and it does not.
#[derive(Debug)]
pub struct EnteredThread(usize);

impl Entered for EnteredThread {
    #[inline]
    fn number(&self) -> usize {
        self.0
    }
}

// SAFETY: numbers are handed out to one living thread at a time, and `Numbers` orders what one did before the next.
unsafe impl CurrentCpu for Threads {
    type Entered = EnteredThread;

    #[inline]
    fn enter(&self) -> EnteredThread {
        EnteredThread(NUMBER.with(Cell::get))
    }

    fn join(&self) {
        if NUMBER.get() != NEW {
            return;
        }
        // Whoever cannot be told of its end gets no number.
        if LEAVE.try_with(|_| ()).is_err() {
            NUMBER.set(ENDING);
        } else if let Some(number) = NUMBERS.take() {
            NUMBER.set(number);
        }
    }
}

/// Ends the use of a number when a thread ends.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        let number = NUMBER.replace(ENDING);
        if number >= CACHES {
            return;
        }
        let heaps = *HEAPS.lock();
        for heap in heaps.into_iter().flatten() {
            // SAFETY: the number is this thread's until it is given back below.
            unsafe { heap.retire(number) };
        }
        NUMBERS.give(number);
    }
}

impl<P: Pages + 'static, C: Checks + 'static> CpuHeap<P, Threads, C> {
    /// From now on, what a thread keeps goes to the others when it ends; without this to the next that is numbered like it.
    /// `false` if too many heaps have asked for this.
    #[must_use]
    pub fn follow_threads(&'static self) -> bool {
        let mut heaps = HEAPS.lock();
        let free = heaps.iter_mut().find(|place| place.is_none());
        free.map(|place| *place = Some(self)).is_some()
    }
}

impl<P: Pages, C: Checks> Retire for CpuHeap<P, Threads, C> {
    unsafe fn retire(&self, number: usize) {
        // SAFETY: the caller guarantees that nobody else uses the cache.
        unsafe { self.give_up_cache(number) };
    }
}
