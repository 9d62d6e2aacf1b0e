//! Interrupts of devices: a vector for each device that has one, and the thread that waits for it.
//!
//! No wake-up is lost. Whoever waits reads how often the device has interrupted before it looks at what the device has
//! done. If that is nothing, it names itself as the one that waits, with interrupts off on its CPU, looks at the count
//! again, and parks only if it has not changed. The handler counts first and then looks for the one that waits; both go
//! through one lock. So either the count has changed, or the handler finds the thread and gives it its token, which waits
//! for it if it has not yet parked.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use spin::Mutex;

use super::recovery::Over;
use super::{apic, keep_interrupts_out, restore_interrupts};
use crate::kernel::threads::ThreadId;

/// The first of the vectors of devices.
const FIRST: u8 = 0x60;
/// How many devices have a vector at the same time.
const COUNT: usize = 16;

static SLOTS: [Slot; COUNT] = [const { Slot::new() }; COUNT];
static TAKEN: AtomicU64 = AtomicU64::new(0);
static WAITS: AtomicU64 = AtomicU64::new(0);

struct Slot {
    is_in_use: AtomicBool,
    interrupts: AtomicU64,
    waiter: Mutex<Option<ThreadId>>,
}

impl Slot {
    const fn new() -> Self {
        Self { is_in_use: AtomicBool::new(false), interrupts: AtomicU64::new(0), waiter: Mutex::new(None) }
    }
}

/// A vector that belongs to one device. It is free again when it is dropped, which must not be before the device has been
/// kept from interrupting.
#[derive(Debug)]
pub(crate) struct DeviceVector(usize);

impl DeviceVector {
    /// A vector that is free; `None` if none is, or if there is no local APIC to deliver it.
    pub(crate) fn take() -> Option<Self> {
        apic::local()?;
        let slot = SLOTS.iter().position(|slot| !slot.is_in_use.swap(true, Ordering::AcqRel));
        slot.map(Self)
    }

    /// The local APIC of the CPU that calls, by which a message finds it.
    pub(crate) fn caller() -> Option<u32> {
        apic::local().map(|apic| apic.identity())
    }

    /// Its number.
    pub(crate) fn number(&self) -> u8 {
        FIRST + u8::try_from(self.0).unwrap_or(0)
    }

    /// How often the device has interrupted, and its predecessors at this vector.
    pub(crate) fn interrupts(&self) -> u64 {
        self.slot().interrupts.load(Ordering::Acquire)
    }

    /// Stops the calling thread, `me`, by calling `park`, until the device has interrupted more often than `seen`, or until
    /// `park`, which waits for the thread's token and says whether it came, gives up. Says whether it did wait: where
    /// interrupts do not come, it does not.
    pub(crate) fn wait(&self, seen: u64, me: impl FnOnce() -> ThreadId, park: impl Fn() -> bool) -> bool {
        let had_interrupts = keep_interrupts_out();
        if !had_interrupts {
            return false;
        }
        *self.slot().waiter.lock() = Some(me());
        let is_woken = self.interrupts() == seen && {
            WAITS.fetch_add(1, Ordering::Relaxed);
            park()
        };
        // A handler that has found the thread gives it its token, which is not to be left for another wait.
        let was_found = self.slot().waiter.lock().take().is_none();
        if was_found && !is_woken {
            park();
        }
        restore_interrupts(had_interrupts);
        true
    }

    fn slot(&self) -> &'static Slot {
        &SLOTS[self.0]
    }
}

impl Drop for DeviceVector {
    fn drop(&mut self) {
        let had_interrupts = keep_interrupts_out();
        *self.slot().waiter.lock() = None;
        restore_interrupts(had_interrupts);
        self.slot().is_in_use.store(false, Ordering::Release);
    }
}

/// Whether `vector` is one of devices.
pub(super) fn is_of_a_device(vector: u8) -> bool {
    vector.checked_sub(FIRST).is_some_and(|slot| usize::from(slot) < COUNT)
}

/// Counts the interrupt `vector`, and gives the thread that waits for it.
pub(super) fn note(vector: u8) -> Option<ThreadId> {
    let slot = SLOTS.get(usize::from(vector.checked_sub(FIRST)?))?;
    TAKEN.fetch_add(1, Ordering::Relaxed);
    slot.interrupts.fetch_add(1, Ordering::Release);
    slot.waiter.lock().take()
}

/// Interrupts of devices that were taken since boot.
#[must_use]
pub fn taken() -> u64 {
    TAKEN.load(Ordering::Relaxed)
}

/// How often a thread was stopped to wait for one.
#[must_use]
pub fn waits() -> u64 {
    WAITS.load(Ordering::Relaxed)
}

/// Frees all vectors of devices that whoever is over has used, and that may send nothing any longer.
pub(crate) fn abandon(over: &Over) {
    for slot in &SLOTS {
        *over.seize(&slot.waiter) = None;
        slot.is_in_use.store(false, Ordering::Release);
    }
}
