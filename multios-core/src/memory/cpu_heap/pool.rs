//! Spans without a class, between the CPUs and the source.

use spin::Mutex;

use super::check::Checks;
use super::pages::Pages;
use super::span::{SPAN_BYTES, SpanList, SpanRef};

/// Spans that are kept at most: another CPU may want them soon.
const KEPT_MAX: usize = 16;

/// Unused spans.
pub(super) struct Pool<C: Checks> {
    state: Mutex<State<C>>,
}

struct State<C: Checks> {
    spans: SpanList<C>,
    count: usize,
}

// SAFETY: the spans of a pool are nobody else's.
unsafe impl<C: Checks> Send for State<C> {}

impl<C: Checks> Pool<C> {
    pub(super) const fn new() -> Self {
        Self { state: Mutex::new(State { spans: SpanList::new(), count: 0 }) }
    }

    /// Forgets all spans.
    ///
    /// # Safety
    /// A holder of the lock never goes on.
    pub(super) unsafe fn restart(&self) {
        // SAFETY: the caller says that a holder never goes on.
        unsafe { self.state.force_unlock() };
        *self.state.lock() = State { spans: SpanList::new(), count: 0 };
    }

    /// A span that is nobody else's; `None` if there is no memory for one.
    pub(super) fn take(&self, pages: &impl Pages) -> Option<SpanRef<C>> {
        let mut state = self.state.lock();
        if let Some(span) = state.spans.pop() {
            state.count -= 1;
            return Some(span);
        }
        drop(state);
        let start = pages.take(SPAN_BYTES, SPAN_BYTES)?;
        // SAFETY: the source gives so many bytes at a multiple of them.
        Some(unsafe { SpanRef::begin(start) })
    }

    /// Gives a span of which no block is in use.
    pub(super) fn give(&self, span: SpanRef<C>, pages: &impl Pages) {
        let mut state = self.state.lock();
        if state.count < KEPT_MAX {
            state.spans.push(span);
            state.count += 1;
            return;
        }
        drop(state);
        // SAFETY: the span was taken with this size, and nothing of it is in use.
        unsafe { pages.give(span.start(), SPAN_BYTES) };
    }

    /// Gives all its spans to the source, and says how many bytes they were.
    pub(super) fn trim(&self, pages: &impl Pages) -> usize {
        let mut given = 0;
        loop {
            let mut state = self.state.lock();
            let Some(span) = state.spans.pop() else { return given };
            state.count -= 1;
            drop(state);
            // SAFETY: the span was taken with this size, and nothing of it is in use.
            unsafe { pages.give(span.start(), SPAN_BYTES) };
            given += SPAN_BYTES;
        }
    }
}
