//! Interrupts that CPUs send to themselves and to each other, and what their handlers do.

use core::sync::atomic::{AtomicU64, Ordering};

use spin::Once;

use super::apic::{self, Destination, Message, Vectors};
use super::processor::spin_until;
use super::{counter, device_interrupts, keep_interrupts_out, per_cpu, restore_interrupts, shootdown};
use crate::kernel::threads::ThreadId;
use crate::units::Ticks;

/// There is work; see [`super::work`].
pub(super) const WAKE: u8 = 0xf0;
/// A question that the handler answers.
const ASK: u8 = 0xf1;
/// Its stub reads the counter before anything else; see [`super::interrupt_table`].
pub(super) const TIMED: u8 = 0xf2;
/// The CPU has a thread to look at.
pub(super) const RESCHEDULE: u8 = 0xf3;
/// The local APIC's timer.
pub(super) const TIMER: u8 = 0xf4;
/// Translations are to be forgotten.
pub(super) const SHOOTDOWN: u8 = 0xf5;
/// The vectors that local APICs raise by themselves.
pub(super) const VECTORS: Vectors = Vectors { spurious: 0xff, error: 0xfe };

/// The counter at the first instruction of the last handler of [`TIMED`]; 0 where there was none.
pub(super) static TIMED_TICKS: AtomicU64 = AtomicU64::new(0);

/// What the threads have to do with interrupts.
#[derive(Debug)]
pub struct ThreadHandlers {
    /// Called last by the timer's.
    pub on_timer: fn(),
    /// Called last by that of another CPU that has made a thread ready.
    pub on_reschedule: fn(),
    /// Called last by that of a device, with the thread that waits for it.
    pub on_device: fn(ThreadId),
}

static THREAD_HANDLERS: Once<ThreadHandlers> = Once::new();
static ASKED: AtomicU64 = AtomicU64::new(0);
static TIMED_TAKEN: AtomicU64 = AtomicU64::new(0);
static SPURIOUS_TAKEN: AtomicU64 = AtomicU64::new(0);
static ERRORS_TAKEN: AtomicU64 = AtomicU64::new(0);

/// Says once what the threads have to do with interrupts.
pub fn set_thread_handlers(handlers: ThreadHandlers) {
    THREAD_HANDLERS.call_once(|| handlers);
}

/// Does what the interrupt `vector` asks for, and ends it.
pub(super) fn take(vector: u8) {
    let Some(apic) = apic::local() else { return };
    match vector {
        // Nothing is in service (Intel SDM volume 3, section 10.9): the end would be another interrupt's.
        vector if vector == VECTORS.spurious => {
            SPURIOUS_TAKEN.fetch_add(1, Ordering::Relaxed);
            return;
        }
        vector if vector == VECTORS.error => {
            let _ = apic.take_errors();
            ERRORS_TAKEN.fetch_add(1, Ordering::Relaxed);
        }
        ASK => {
            if let Some(area) = per_cpu::current() {
                area.answered.store(ASKED.load(Ordering::Acquire), Ordering::Release);
            }
        }
        TIMED => {
            TIMED_TAKEN.fetch_add(1, Ordering::Relaxed);
        }
        // Being interrupted is all that it is for.
        WAKE => {}
        SHOOTDOWN => shootdown::answer(),
        // Ended first: another thread may go on before this one comes back.
        TIMER | RESCHEDULE => {
            apic.end_of_interrupt();
            if let Some(handlers) = THREAD_HANDLERS.get() {
                if vector == TIMER { (handlers.on_timer)() } else { (handlers.on_reschedule)() }
            }
            return;
        }
        other => return take_from_device(other),
    }
    apic.end_of_interrupt();
}

/// The same for those of devices; apart, so that it costs the others nothing.
#[inline(never)]
fn take_from_device(vector: u8) {
    // The interrupt controllers of old are masked, and what they raise by mistake is not the APIC's.
    let (true, Some(apic)) = (device_interrupts::is_of_a_device(vector), apic::local()) else { return };
    // Ended first: another thread may go on before this one comes back.
    apic.end_of_interrupt();
    if let Some((thread, handlers)) = device_interrupts::note(vector).zip(THREAD_HANDLERS.get()) {
        (handlers.on_device)(thread);
    }
}

/// Spurious interrupts and errors that local APICs have raised since boot.
#[must_use]
pub fn complaints() -> (u64, u64) {
    (SPURIOUS_TAKEN.load(Ordering::Relaxed), ERRORS_TAKEN.load(Ordering::Relaxed))
}

/// Interrupts the started CPU number `index`, which waits for work, and waits for its handler's answer; whether it came
/// within `patience`. One CPU asks at a time.
#[must_use]
pub fn ask(index: usize, patience: Ticks) -> bool {
    let (Some(apic), Some(area)) = (apic::local(), per_cpu::area(index)) else { return false };
    let question = ASKED.load(Ordering::Relaxed).wrapping_add(1);
    ASKED.store(question, Ordering::Release);
    if apic.send(Destination::Cpu(area.apic_id()), Message::Interrupt(ASK)).is_err() {
        return false;
    }
    spin_until(patience, || area.answered.load(Ordering::Acquire) == question)
}

/// Interrupts the CPU that calls, and gives the ticks from before the command to the first instruction of the handler.
/// `None` if it was not taken exactly once within `patience`. Interrupts are on for the while.
#[must_use]
pub fn interrupt_myself(patience: Ticks) -> Option<Ticks> {
    let apic = apic::local()?;
    let taken = TIMED_TAKEN.load(Ordering::Relaxed);
    TIMED_TICKS.store(0, Ordering::Relaxed);
    apic.wait_until_sent().ok()?;
    x86_64::instructions::interrupts::enable();
    let start = counter::start();
    let sent = apic.send(Destination::Myself, Message::Interrupt(TIMED));
    if sent.is_ok() {
        spin_until(patience, || TIMED_TAKEN.load(Ordering::Relaxed) != taken);
    }
    super::interrupts_off();
    let handler = TIMED_TICKS.load(Ordering::Relaxed);
    let is_taken_once = TIMED_TAKEN.load(Ordering::Relaxed) == taken.wrapping_add(1);
    (is_taken_once && handler >= start.0).then(|| Ticks(handler).since(start))
}

/// Waits on the calling CPU until `is_so`, with interrupts on; whether it is so within `patience`.
pub fn wait_until(patience: Ticks, is_so: &mut dyn FnMut() -> bool) -> bool {
    let had_interrupts = keep_interrupts_out();
    x86_64::instructions::interrupts::enable();
    let is_done = spin_until(patience, is_so);
    super::interrupts_off();
    restore_interrupts(had_interrupts);
    is_done
}
