//! When a CPU leaves a thread that does not ask for it.

use core::sync::atomic::Ordering;
use core::time::Duration;

use super::thread_system::{Hardware, Table, ThreadSystem};
use super::vector_state::keep;
use crate::kernel::threads::{Pick, ThreadId, Unparked};

/// How long a thread runs before another that is as urgent has its turn.
const TURN: Duration = Duration::from_millis(10);

impl<H: Hardware> ThreadSystem<H> {
    /// What the timer's interrupt calls last, with interrupts off: wakes those whose deadline has passed, and gives the
    /// CPU to a thread as urgent as the interrupted one, or more. All registers of that one are kept.
    pub fn on_timer(&'static self) {
        self.hardware.timer_has_rung();
        self.sharing.fetch_and(!(1 << self.hardware.cpu()), Ordering::Relaxed);
        self.on_interrupt(|table, cpu| table.end_turn(cpu));
    }

    /// What the interrupt of another CPU's [`Hardware::reschedule`] calls last, with interrupts off: gives the CPU to a
    /// thread that is more urgent than the interrupted one. All registers of that one are kept.
    pub fn on_reschedule(&'static self) {
        self.on_interrupt(|table, cpu| table.preempt(cpu));
    }

    /// What the interrupt of a device calls last, with interrupts off: gives `thread` its token, and the CPU to a thread that
    /// is more urgent than the interrupted one. All registers of that one are kept.
    pub fn on_device(&'static self, thread: ThreadId) {
        let mut table = self.table.lock();
        let unparked = table.unpark(thread);
        self.tell_another(self.hardware.cpu(), unparked);
        drop(table);
        self.on_reschedule();
    }

    fn on_interrupt(&'static self, decide: impl FnOnce(&mut Table<'_, H>, usize) -> Pick) {
        let mut table = self.table.lock();
        let cpu = self.hardware.cpu();
        if cpu >= table.cpus() {
            return;
        }
        self.expire(&mut table);
        if self.holds[cpu].load(Ordering::Relaxed) > 0 {
            self.held_back.fetch_or(1 << cpu, Ordering::Relaxed);
            self.set_timer(&table, cpu);
            return;
        }
        let pick = decide(&mut table, cpu);
        self.set_timer(&table, cpu);
        match pick {
            Pick::Stay => {}
            pick => keep(self.vectors, || self.follow(table, cpu, pick)),
        }
    }

    /// Sets the timer for the end of the turn of the CPU's thread, if others wait for it, and for the next deadline.
    fn set_timer(&self, table: &Table<'_, H>, cpu: usize) {
        if table.is_shared(cpu) {
            self.begin_turn(cpu);
        }
        if let Some(deadline) = table.earliest() {
            self.hardware.wake_at(deadline);
        }
    }

    /// Lets the timer end the turn of the thread on the calling CPU.
    pub(super) fn begin_turn(&self, cpu: usize) {
        let bit = 1 << cpu;
        if self.sharing.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            self.hardware.wake_at(self.hardware.deadline(TURN));
        }
    }

    /// Lets the timer end the turn of the calling thread, if others are ready that are as urgent: for one that takes no
    /// interrupts where it makes them ready, but does soon.
    pub fn share_turns(&self) {
        self.quietly(|| {
            let table = self.table.lock();
            let cpu = self.hardware.cpu();
            if table.is_shared(cpu) {
                self.begin_turn(cpu);
            }
        });
    }

    /// Calls `work` with interrupts on, in the calling thread and in those that it starts.
    pub fn preemptibly(&self, work: &mut dyn FnMut()) {
        let had_interrupts = self.hardware.interrupts_off();
        self.hardware.interrupts_on();
        work();
        self.hardware.interrupts_off();
        self.restore(had_interrupts);
    }

    /// Keeps the calling thread on its CPU until as many calls of [`ThreadSystem::release_preemption`].
    #[inline]
    pub(super) fn hold_preemption(&self) {
        self.quietly(|| self.holds[self.hardware.cpu()].fetch_add(1, Ordering::Relaxed));
    }

    /// Ends a hold, and lets a more urgent thread run that has become ready meanwhile.
    #[inline]
    pub(super) fn release_preemption(&'static self) {
        self.quietly(|| {
            let cpu = self.hardware.cpu();
            let bit = 1 << cpu;
            let is_last = self.holds[cpu].fetch_sub(1, Ordering::Relaxed) == 1;
            if is_last && self.held_back.load(Ordering::Relaxed) & bit != 0 {
                self.held_back.fetch_and(!bit, Ordering::Relaxed);
                let mut table = self.table.lock();
                let pick = table.preempt(cpu);
                self.follow(table, cpu, pick);
            }
        });
    }

    /// Does what a wake-up asks of a CPU other than `cpu`, the calling one; whether it is another's affair.
    #[inline]
    pub(super) fn tell_another(&self, cpu: usize, unparked: Unparked) -> bool {
        let (Unparked::Reschedule(target) | Unparked::Share(target)) = unparked else { return true };
        if target == cpu {
            return false;
        }
        // The handler of a CPU that is shared already has nothing to do.
        let is_sharing = self.sharing.load(Ordering::Relaxed) & (1 << target) != 0;
        if !is_sharing || matches!(unparked, Unparked::Reschedule(_)) {
            self.hardware.reschedule(target);
        }
        true
    }

    /// Does what a wake-up asks for. `can_interrupt` says whether interrupts come in the calling thread.
    #[inline]
    pub(super) fn answer(&'static self, mut table: Table<'_, H>, unparked: Unparked, can_interrupt: bool) {
        let cpu = self.hardware.cpu();
        match unparked {
            Unparked::Nothing => {}
            // A thread that takes no interrupts takes no turns either.
            Unparked::Share(target) if target == cpu && !can_interrupt => {}
            Unparked::Share(target) if target == cpu => self.begin_turn(cpu),
            Unparked::Share(target) | Unparked::Reschedule(target) if target != cpu => {
                drop(table);
                self.tell_another(cpu, unparked);
            }
            Unparked::Reschedule(_) if self.holds[cpu].load(Ordering::Relaxed) > 0 => {
                self.held_back.fetch_or(1 << cpu, Ordering::Relaxed);
            }
            Unparked::Reschedule(_) | Unparked::Share(_) => {
                let pick = table.preempt(cpu);
                self.follow(table, cpu, pick);
            }
        }
    }
}
