//! The machine under kernel threads: guarded stacks, the interrupt flag, the timers, and the counter as their clock.

use core::ptr::NonNull;
use core::time::Duration;

use multios_core::memory::Frames;
use spin::Mutex;
use x86_64::instructions::interrupts;

use super::apic::{self, Destination, Message};
use super::deadline_timer::DeadlineTimer;
use super::guarded_stacks::{GuardedStacks, Stack};
use super::recovery::Over;
use super::thread_system::Hardware;
use super::user::Owner;
use super::{PhysicalMemory, Ring0, counter, keep_interrupts_out, per_cpu, signals};
use crate::units::{Hertz, Nanoseconds};

/// All CPUs that run.
pub struct BareHardware {
    stacks: GuardedStacks,
    frequency: Hertz,
    /// `None` if there is no timer: deadlines are then looked at when a thread blocks or yields, and a CPU without a ready
    /// thread watches the counter.
    timer: Option<DeadlineTimer>,
}

impl BareHardware {
    /// The machine with `memory`, where stacks come from `frames`, and a counter that runs at `frequency`.
    #[must_use]
    pub fn new(
        ring0: Ring0,
        memory: PhysicalMemory,
        frames: &'static Mutex<Frames>,
        frequency: Hertz,
    ) -> Self {
        let stacks = GuardedStacks::new(ring0, memory, frames);
        Self { stacks, frequency, timer: DeadlineTimer::new(frequency) }
    }

    /// The stacks of the threads.
    pub const fn stacks(&self) -> &GuardedStacks {
        &self.stacks
    }

    /// Forgets what the timers of all CPUs are set for. They are stopped.
    pub fn abandon_timers(&self, _over: &Over) {
        if let Some(timer) = &self.timer {
            timer.abandon();
        }
    }
}

// SAFETY: a stack's pages are mapped, writable and its own; each CPU has its number in its area, and the
// flag keeps all other code out.
unsafe impl Hardware for BareHardware {
    type Stack = Stack;
    type User = Owner;

    fn take_stack(&self) -> Option<Stack> {
        self.stacks.take()
    }

    fn give_stack(&self, stack: Stack) {
        self.stacks.give(stack);
    }

    fn top(stack: &Stack) -> NonNull<u8> {
        GuardedStacks::top(stack)
    }

    fn cpus(&self) -> usize {
        per_cpu::count()
    }

    #[inline]
    fn cpu(&self) -> usize {
        per_cpu::CpuArea::index_of_caller()
    }

    #[inline]
    fn user(&self) -> Owner {
        Owner::current()
    }

    #[inline]
    fn return_to(&self, user: Owner) {
        user.return_to();
    }

    #[inline]
    fn replace(&self, user: Owner) {
        user.replace();
    }

    #[inline]
    fn interrupts_off(&self) -> bool {
        keep_interrupts_out()
    }

    #[inline]
    fn interrupts_on(&self) {
        interrupts::enable();
    }

    fn now(&self) -> u64 {
        counter::now().0
    }

    fn deadline(&self, after: Duration) -> u64 {
        let after = Nanoseconds(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
        let ticks = after.to_ticks(self.frequency);
        counter::now().0.saturating_add(ticks.0)
    }

    fn wake_at(&self, moment: u64) {
        if let Some(timer) = &self.timer {
            timer.set(moment);
        }
    }

    fn timer_has_rung(&self) {
        if let Some(timer) = &self.timer {
            timer.has_rung();
        }
    }

    /// # Panics
    /// Panics if nothing could ever wake a thread: there is no deadline, and no other CPU.
    fn idle(&self, until: Option<u64>) {
        assert!(until.is_some() || self.cpus() > 1, "every thread waits for another");
        match (&self.timer, until) {
            (None, Some(until)) => {
                while counter::now().0 < until {
                    core::hint::spin_loop();
                }
            }
            (timer, until) => {
                if let (Some(timer), Some(until)) = (timer, until) {
                    timer.set(until);
                }
                // What has come since interrupts were switched off is pending, and ends the halt: STI takes effect after
                // the instruction that follows it (Intel SDM volume 2, STI).
                interrupts::enable_and_hlt();
                interrupts::disable();
            }
        }
    }

    /// # Panics
    /// If the interrupt controller takes no command.
    fn reschedule(&self, cpu: usize) {
        let (Some(apic), Some(area)) = (apic::local(), per_cpu::area(cpu)) else { return };
        let sent = apic.send(Destination::Cpu(area.apic_id()), Message::Interrupt(signals::RESCHEDULE));
        sent.expect("the interrupt controller takes commands");
    }
}
