//! Work that one CPU gives to others, and how these wait for it.
//!
//! A CPU without work sleeps in HLT. No wake-up is lost: with interrupts off it looks for work, and only if there is
//! none it executes `STI; HLT`. An interrupt that arrives after the look stays pending, is not taken before the HLT has
//! begun, as STI holds interrupts back for one instruction (Intel SDM volume 2B, STI), and ends it. The giver stores the
//! work before it sends the interrupt, and `LocalApic::send` orders the two: whoever is woken by it sees the work.

use core::sync::atomic::Ordering;

use super::apic::{self, Destination, Message};
use super::per_cpu::{self, CpuArea};
use super::{counter, interrupts_off, signals};
use crate::units::Ticks;

/// What all CPUs of one piece of work are told. It lives on the giver's stack until the last of them has let go.
pub(super) struct Job {
    /// What is done, with the number that a CPU has among those that do it.
    work: *const (dyn Fn(usize) + Sync + 'static),
    /// The CPUs by their indices, the giver first.
    cpus: *const [usize],
}

/// Runs `work` at once on the CPU that calls and on `others`, which are indices of started CPUs, each once and none of
/// them the caller's. `work` gets 0 on the caller and 1 and up on the others, in their order. Returns when all have
/// ended.
///
/// # Panics
/// If one of `others` is not there, has work already, or has not ended `patience` after the caller has: it still uses
/// what the caller has lent to it.
pub fn run_on(others: &[usize], patience: Ticks, work: &(dyn Fn(usize) + Sync)) {
    let work: *const (dyn Fn(usize) + Sync + '_) = work;
    // SAFETY: the lifetime is that of the borrow, before whose end all CPUs have let go of the work: see below.
    let work = unsafe {
        core::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync + 'static)>(
            work,
        )
    };
    let job = Job { work, cpus: others };
    let apic = apic::local().expect("other CPUs were started by its interrupts");
    for index in others {
        let area = per_cpu::area(*index).expect("the CPU has started");
        let free = core::ptr::null_mut();
        let given = (&raw const job).cast_mut();
        let is_given = area.job.compare_exchange(free, given, Ordering::AcqRel, Ordering::Relaxed);
        is_given.expect("the CPU has no other work");
        let sent = apic.send(Destination::Cpu(area.apic_id()), Message::Interrupt(signals::WAKE));
        sent.expect("the interrupt controller takes commands");
    }
    // SAFETY: the borrow outlives this call.
    let own = unsafe { &*job.work };
    own(0);
    let begin = counter::now();
    for index in others {
        let area = per_cpu::area(*index).expect("the CPU has started");
        // With this load the giver sees all that the CPU has written for the work.
        while !area.job.load(Ordering::Acquire).is_null() {
            assert!(counter::now().since(begin) < patience, "CPU {index} did not end its work");
            core::hint::spin_loop();
        }
    }
}

/// What a CPU does that was started by another: work, and wait for more.
pub(super) fn serve(area: &'static CpuArea) -> ! {
    loop {
        interrupts_off();
        let job = area.job.load(Ordering::Acquire);
        if job.is_null() {
            x86_64::instructions::interrupts::enable_and_hlt();
            continue;
        }
        // SAFETY: the giver keeps the job until this CPU lets go of it below.
        let Job { work, cpus } = unsafe { &*job };
        // SAFETY: the giver keeps the list as long.
        let cpus = unsafe { &**cpus };
        let place = cpus.iter().position(|index| *index == area.index as usize);
        if let Some(place) = place {
            // SAFETY: the giver keeps the work as long.
            let work = unsafe { &**work };
            work(place + 1);
        }
        // From here on nothing of the job is touched.
        area.job.store(core::ptr::null_mut(), Ordering::Release);
    }
}
