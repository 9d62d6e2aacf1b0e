//! The machine under kernel threads: guarded stacks, the interrupt flag, and the counter as their clock.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use multios_core::memory::Frames;
use spin::Mutex;
use x86_64::instructions::interrupts;

use super::guarded_stacks::{GuardedStacks, Stack};
use super::thread_system::Hardware;
use super::user::Owner;
use super::{PhysicalMemory, Ring0, counter};
use crate::units::{Hertz, Nanoseconds};

/// The boot CPU.
///
/// It has no timer and no neighbour yet: deadlines are looked at when a thread blocks or yields, and a CPU without a
/// ready thread watches the counter. A timer driver calls [`ThreadSystem::on_timer`] and lets [`Hardware::idle`] halt.
///
/// [`ThreadSystem::on_timer`]: super::thread_system::ThreadSystem::on_timer
pub struct BareHardware {
    stacks: GuardedStacks,
    frequency: AtomicU64,
}

impl BareHardware {
    /// The machine with `memory`, where stacks come from `frames`.
    #[must_use]
    pub fn new(ring0: Ring0, memory: PhysicalMemory, frames: &'static Mutex<Frames>) -> Self {
        Self { stacks: GuardedStacks::new(ring0, memory, frames), frequency: AtomicU64::new(0) }
    }

    /// Says how fast the counter runs.
    pub fn set_frequency(&self, frequency: Hertz) {
        self.frequency.store(frequency.0, Ordering::Relaxed);
    }

    /// The stacks of the threads.
    pub const fn stacks(&self) -> &GuardedStacks {
        &self.stacks
    }
}

// SAFETY: a stack's pages are mapped, writable and its own; one CPU runs, and the flag keeps all other code out.
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

    #[inline]
    fn cpu(&self) -> usize {
        0
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
    fn interrupts_off(&self) -> bool {
        let had_interrupts = interrupts::are_enabled();
        if had_interrupts {
            interrupts::disable();
        }
        had_interrupts
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
        let ticks = after.to_ticks(Hertz(self.frequency.load(Ordering::Relaxed)));
        counter::now().0.saturating_add(ticks.0)
    }

    /// # Panics
    /// Panics if there is no deadline: with interrupts off nothing could ever wake a thread.
    fn idle(&self, until: Option<u64>) {
        let until = until.expect("every thread waits for another");
        while counter::now().0 < until {
            core::hint::spin_loop();
        }
    }

    /// # Panics
    /// Panics: threads are put on CPUs that run, and no other does.
    fn reschedule(&self, cpu: usize) {
        unreachable!("CPU {cpu} runs no threads");
    }
}
