//! The local APIC's timer of each CPU, set for moments of the counter.

use core::sync::atomic::{AtomicU64, Ordering};

use super::apic::{self, ApicAccess, LocalApic, Periods};
use super::{counter, per_cpu, signals};
use crate::units::{Hertz, Nanoseconds, Ticks};

/// For how long the timer is held against the counter.
const CALIBRATION: Nanoseconds = Nanoseconds::from_milliseconds(10);
const NEVER: u64 = u64::MAX;

/// The timers. A moment that is set replaces a later one.
pub(super) struct DeadlineTimer {
    apic: &'static LocalApic<ApicAccess>,
    /// How many counts of the timer a tick of the counter takes, in parts of 2^32; `None` where it waits for the counter
    /// itself.
    counts_per_tick: Option<u64>,
    /// What each CPU's is set for.
    moments: [AtomicU64; per_cpu::CPUS_MAX],
}

impl DeadlineTimer {
    /// Finds out how fast the timers count; `frequency` is the counter's. `None` if there is no timer that can be used.
    pub(super) fn new(frequency: Hertz) -> Option<Self> {
        let apic = apic::local()?;
        let counts_per_tick = if apic::has_tsc_deadline() {
            None
        } else {
            Some(calibrate(apic, frequency).filter(|it| *it > 0)?)
        };
        Some(Self { apic, counts_per_tick, moments: [const { AtomicU64::new(NEVER) }; per_cpu::CPUS_MAX] })
    }

    /// Lets the calling CPU's ring at `moment` or, if that is further away than it can count, before. Interrupts are off.
    pub(super) fn set(&self, moment: u64) {
        let set_for = &self.moments[per_cpu::index() as usize];
        if moment >= set_for.load(Ordering::Relaxed) {
            return;
        }
        set_for.store(moment, Ordering::Relaxed);
        let Some(counts_per_tick) = self.counts_per_tick else {
            return self.apic.start_deadline(signals::TIMER, Ticks(moment));
        };
        let ticks = moment.saturating_sub(counter::now().0);
        self.apic.start_timer(signals::TIMER, Periods::One, counts(ticks, counts_per_tick));
    }

    /// Notes that no CPU's is set.
    pub(super) fn abandon(&self) {
        self.moments.iter().for_each(|moment| moment.store(NEVER, Ordering::Relaxed));
    }

    /// Notes that the calling CPU's has rung.
    pub(super) fn has_rung(&self) {
        self.moments[per_cpu::index() as usize].store(NEVER, Ordering::Relaxed);
    }
}

/// The counts of `ticks`, rounded up so that the timer never rings early; at least one, as zero would stop it.
fn counts(ticks: u64, counts_per_tick: u64) -> u32 {
    let counts = (u128::from(ticks) * u128::from(counts_per_tick)).div_ceil(1 << 32);
    u32::try_from(counts).unwrap_or(u32::MAX).max(1)
}

/// Holds the timer against the counter.
fn calibrate(apic: &LocalApic<ApicAccess>, frequency: Hertz) -> Option<u64> {
    let patience = CALIBRATION.to_ticks(frequency);
    apic.start_timer(signals::TIMER, Periods::One, u32::MAX);
    let begin = counter::now();
    let before = apic.timer_count();
    while counter::now().since(begin) < patience {
        core::hint::spin_loop();
    }
    let after = apic.timer_count();
    let ticks = counter::now().since(begin).0;
    apic.stop_timer();
    let counts = u128::from(before.checked_sub(after)?);
    u64::try_from((counts << 32) / u128::from(ticks.max(1))).ok()
}
