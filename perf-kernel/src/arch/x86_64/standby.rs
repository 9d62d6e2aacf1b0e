//! CPUs other than the first, stopped while the first one cleans up after a bench, and sent back to wait for work.
//!
//! A CPU that is stopped by a non-maskable interrupt goes on at [`stand_by`], on its own stack from the beginning, whatever it
//! was at: nothing of that is used again. Leaving the handler lets further such interrupts in, so that a crash can still
//! stop it for good.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::apic::{self, Destination, Message};
use super::per_cpu::{self, CpuArea};
use super::processor::spin_until;
use super::trap::TrapFrame;
use super::{allocator, counter, halt, interrupts_off, recovery, user, work};
use crate::units::Ticks;

/// How long the CPUs may take to stop, to go back, or to come to the point: some seconds at any frequency.
const PATIENCE: Ticks = Ticks(20_000_000_000);
/// How long a call may go unanswered until it is made again: the CPU may have been where it cannot be stopped.
const CALL_INTERVAL: Ticks = Ticks(10_000_000);

static IS_STOPPING: AtomicBool = AtomicBool::new(false);
/// How often CPUs on standby were sent back.
static RELEASES: AtomicU64 = AtomicU64::new(0);

/// Stops all CPUs but the first, which calls, until [`release_others`].
///
/// # Panics
/// Panics if one does not stop.
pub(super) fn stop_others() {
    if per_cpu::count() < 2 {
        return;
    }
    IS_STOPPING.store(true, Ordering::SeqCst);
    let begin = counter::now();
    while let Some(index) = first_that(|area| !area.is_on_standby.load(Ordering::Acquire)) {
        assert!(counter::now().since(begin) < PATIENCE, "CPU {index} does not stop");
        for area in others().filter(|area| !area.is_on_standby.load(Ordering::Acquire)) {
            call(area);
        }
        let are_all_on_standby = || first_that(|area| !area.is_on_standby.load(Ordering::Acquire)).is_none();
        spin_until(CALL_INTERVAL, are_all_on_standby);
    }
}

/// Lets the CPUs that [`stop_others`] has stopped wait for work again, and waits until they do.
///
/// # Panics
/// Panics if one does not go back.
pub(super) fn release_others() {
    if !IS_STOPPING.swap(false, Ordering::SeqCst) {
        return;
    }
    RELEASES.fetch_add(1, Ordering::SeqCst);
    let is_back = || first_that(|area| area.is_on_standby.load(Ordering::Acquire)).is_none();
    assert!(spin_until(PATIENCE, is_back), "a CPU does not go back to waiting for work");
}

/// The CPUs that work was given to, with the instruction at which each was stopped.
pub fn stopped_at_work() -> impl Iterator<Item = (u32, u64)> {
    let had_work = |area: &&CpuArea| {
        area.is_on_standby.load(Ordering::Acquire) && !area.job.load(Ordering::Acquire).is_null()
    };
    others().filter(had_work).map(|area| (area.index, area.stopped_at.load(Ordering::Relaxed)))
}

/// Answers a call by a non-maskable interrupt, if the CPU is called: whether it goes elsewhere than where it was.
pub(super) fn answer(frame: &mut TrapFrame) -> Option<bool> {
    let area = per_cpu::current()?;
    if area.index == 0 {
        return recovery::answer(frame);
    }
    if !IS_STOPPING.load(Ordering::SeqCst) {
        return None;
    }
    // The call is repeated until it has left that heap.
    if area.is_on_standby.load(Ordering::Relaxed) || allocator::is_in_kernel_heap() {
        return Some(false);
    }
    area.stopped_at.store(frame.rip, Ordering::Relaxed);
    let (rip, rsp) = place(area);
    frame.resume_in_kernel(rip, rsp);
    Some(true)
}

/// Where the CPU with `area` goes on that is over with a bench, and with which stack.
pub(super) fn place(area: &CpuArea) -> (u64, u64) {
    let stand_by: extern "sysv64" fn() -> ! = stand_by;
    // As after a call, whose return address takes eight bytes (System V ABI, section 3.2.2).
    ((stand_by as *const ()).addr() as u64, area.stack.end - 8)
}

/// Interrupts the CPU with `area`, whether it takes interrupts or not.
pub(super) fn call(area: &CpuArea) {
    if let Some(apic) = apic::local() {
        // The command register may hold one that was interrupted; the call is repeated.
        let _ = apic.send(Destination::Cpu(area.apic_id()), Message::NonMaskable);
    }
}

fn others() -> impl Iterator<Item = &'static CpuArea> {
    per_cpu::areas().filter(|area| area.index != 0)
}

fn first_that(is_so: impl Fn(&CpuArea) -> bool) -> Option<u32> {
    others().find(|area| is_so(area)).map(|area| area.index)
}

/// Uses nothing of a bench's, waits until the first CPU has cleaned up, and waits for work.
extern "sysv64" fn stand_by() -> ! {
    interrupts_off();
    let Some(area) = per_cpu::current() else { halt() };
    let releases = RELEASES.load(Ordering::SeqCst);
    user::leave_on_cpu(area);
    area.is_on_standby.store(true, Ordering::Release);
    let (begin, mut called) = (counter::now(), None);
    // The first CPU sends it back, or ends the boot by an interrupt that this one takes here.
    while RELEASES.load(Ordering::SeqCst) == releases {
        if recovery::waits_for_first() {
            let now = counter::now();
            assert!(now.since(begin) < PATIENCE, "the first CPU does not come to clean up");
            if called.is_none_or(|called| now.since(called) >= CALL_INTERVAL) {
                called = Some(now);
                per_cpu::area(0).into_iter().for_each(call);
            }
        }
        core::hint::spin_loop();
    }
    end_interrupts();
    reset_modes();
    area.job.store(core::ptr::null_mut(), Ordering::Relaxed);
    area.is_on_standby.store(false, Ordering::Release);
    work::serve(area)
}

/// Ends, on the calling CPU, interrupts that nobody comes back to, stops its timer, and forgets what it has cached of page
/// tables.
pub(super) fn end_interrupts() {
    if let Some(apic) = apic::local() {
        apic.stop_timer();
        apic.end_all_interrupts();
    }
    user::translations::forget_all();
}

/// Gives x87 and SSE the modes that they have after reset: all exceptions masked, rounding to nearest (Intel SDM volume 1,
/// sections 8.1.5 and 10.2.3).
fn reset_modes() {
    static MXCSR: u32 = 0x1f80;
    // SAFETY: the state after reset is what the kernel's code expects.
    unsafe { asm!("fninit", options(nomem, nostack)) };
    // SAFETY: as above.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const MXCSR, options(nostack, readonly)) };
}
