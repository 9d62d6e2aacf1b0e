//! The end of normal running: from here on one report is made, and nothing that was interrupted goes on.

use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, Ordering};

use spin::{Mutex, MutexGuard};

use super::apic::{self, Destination, Message};
use super::processor::spin_until;
use super::{allocator, halt, interrupts_off, per_cpu, recovery};
use crate::arch::sides;
use crate::units::Ticks;

const NOBODY: u32 = u32::MAX;
/// How long the other CPUs may take to stop: a tenth of a second at 5 GHz. One that has not stopped by then does not
/// answer a non-maskable interrupt, and is not waited for.
const STOP_PATIENCE: Ticks = Ticks(500_000_000);

/// The CPU that ends normal running.
static ENDER: AtomicU32 = AtomicU32::new(NOBODY);
/// How often it has come here.
static ENDINGS: AtomicU32 = AtomicU32::new(0);

/// Proof that whatever was running has stopped for good.
#[derive(Debug)]
pub struct Ending(());

/// Stops normal running for good, on every CPU, and makes `report`, with allocations from memory of its own. If that
/// fails and ends here again, `last_words` are tried; if these fail too, the processor halts. Of several CPUs that come
/// here, the first one reports.
pub fn end(report: impl FnOnce(&Ending) -> Infallible, last_words: impl FnOnce(&Ending)) -> ! {
    interrupts_off();
    let own = per_cpu::index();
    let _ = ENDER.compare_exchange(NOBODY, own, Ordering::SeqCst, Ordering::SeqCst);
    halt_if_other_ends();
    recovery::give_up();
    match ENDINGS.fetch_add(1, Ordering::SeqCst) {
        0 => {
            stop_others(own);
            allocator::use_emergency_memory();
            sides::close();
            match report(&Ending(())) {}
        }
        1 => last_words(&Ending(())),
        _ => {}
    }
    halt()
}

/// Stops this CPU for good if another one ends normal running.
pub(super) fn halt_if_other_ends() {
    let ender = ENDER.load(Ordering::SeqCst);
    if ender != NOBODY && ender != per_cpu::index() {
        if let Some(area) = per_cpu::current() {
            area.has_halted.store(true, Ordering::Release);
        }
        halt();
    }
}

/// Stops the CPUs other than number `own`, and waits until they have.
fn stop_others(own: u32) {
    let Some(apic) = apic::local() else { return };
    for area in per_cpu::areas().filter(|area| area.index != own) {
        // The command register may hold one that was interrupted; what is lost with it does not matter any more.
        let _ = apic.send(Destination::Cpu(area.apic_id()), Message::NonMaskable);
    }
    // One that has not stopped by then is not waited for.
    spin_until(STOP_PATIENCE, || {
        per_cpu::areas().all(|area| area.index == own || area.has_halted.load(Ordering::Acquire))
    });
}

/// A value behind a lock that the report of an ending can take from whoever held it.
#[derive(Debug)]
pub struct Seizable<T>(Mutex<T>);

impl<T> Seizable<T> {
    /// A value that nobody holds.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits for the value: whoever holds it must let go first.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    /// Takes the value, held or not.
    pub fn seize(&self, _ending: &Ending) -> MutexGuard<'_, T> {
        if let Some(guard) = self.0.try_lock() {
            return guard;
        }
        // SAFETY: the holder was interrupted on this CPU or stopped on another; `Ending` says that it never goes on.
        unsafe { self.0.force_unlock() };
        self.0.lock()
    }
}
