//! Until when a bench may run, and what the non-maskable interrupt of a timer says of that.

use core::sync::atomic::{AtomicU64, Ordering};

use spin::Once;

use super::{counter, per_cpu};
use crate::units::{Nanoseconds, Ticks};

/// No moment: nothing is watched.
const NEVER: u64 = u64::MAX;

static DEADLINE: AtomicU64 = AtomicU64::new(NEVER);
static LIMIT: AtomicU64 = AtomicU64::new(0);
static RINGS: AtomicU64 = AtomicU64::new(0);
static RING_AFTER: Once<fn(Ticks)> = Once::new();

/// What a non-maskable interrupt is to the watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ring {
    /// Not its own.
    Other,
    /// The deadline is still to come: a timer that cannot wait for that long, or somebody else's interrupt. It rings again.
    Early,
    /// The deadline has passed.
    Passed(Nanoseconds),
}

/// Says once how the timer is made to ring again, in so many ticks or less. It is called in the handler, whatever was
/// interrupted, and must not wait.
pub fn set_ring_after(ring_after: fn(Ticks)) {
    RING_AFTER.call_once(|| ring_after);
}

/// From now on the first CPU is watched: at `deadline`, `limit` after the beginning, what it runs has run for too long. The
/// caller has set the timer.
pub fn watch(deadline: Ticks, limit: Nanoseconds) {
    LIMIT.store(limit.0, Ordering::Relaxed);
    DEADLINE.store(deadline.0.min(NEVER - 1), Ordering::SeqCst);
}

/// From now on nothing is watched.
pub fn stop_watching() {
    DEADLINE.store(NEVER, Ordering::SeqCst);
}

/// Non-maskable interrupts of the first CPU while it was watched, since boot.
#[must_use]
pub fn rings() -> u64 {
    RINGS.load(Ordering::Relaxed)
}

/// What the non-maskable interrupt is that the calling CPU handles.
pub(super) fn look() -> Ring {
    let deadline = DEADLINE.load(Ordering::SeqCst);
    if deadline == NEVER || per_cpu::index() != 0 {
        return Ring::Other;
    }
    RINGS.fetch_add(1, Ordering::Relaxed);
    let left = deadline.saturating_sub(counter::now().0);
    if left == 0 {
        return Ring::Passed(Nanoseconds(LIMIT.load(Ordering::Relaxed)));
    }
    ring_after(Ticks(left));
    Ring::Early
}

/// Makes the timer ring again, in so many ticks or less.
pub(super) fn ring_after(ticks: Ticks) {
    if let Some(ring_after) = RING_AFTER.get() {
        ring_after(ticks);
    }
}
