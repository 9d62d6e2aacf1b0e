//! What kernel threads need of the machine.

use alloc::boxed::Box;
use core::ptr::NonNull;
use core::time::Duration;

/// What a thread calls; what it returns goes to whoever joins it.
pub type Work = Box<dyn FnOnce() -> u64 + Send>;

/// What threads need of the machine.
///
/// # Safety
/// A stack's memory is writable and its own until it is given back. [`Hardware::cpu`] is the calling CPU, and after
/// [`Hardware::interrupts_off`] no code runs on it but the caller's.
pub unsafe trait Hardware: Send + Sync + 'static {
    /// Memory that a thread calls on.
    type Stack: Send;
    /// What a CPU has of user mode for the thread on it; the default is nothing.
    type User: Copy + Default;

    /// A stack that nobody uses; `None` if there is no memory for one.
    fn take_stack(&self) -> Option<Self::Stack>;

    /// Takes a stack back.
    fn give_stack(&self, stack: Self::Stack);

    /// Its end, aligned to 16 bytes.
    fn top(stack: &Self::Stack) -> NonNull<u8>;

    /// How many CPUs can run threads. All but the first wait for interrupts until a thread is given to them.
    fn cpus(&self) -> usize;

    /// The calling CPU, below [`Hardware::cpus`] and 64.
    fn cpu(&self) -> usize;

    /// What the calling CPU has of user mode.
    fn user(&self) -> Self::User;

    /// Brings `user` back, which the calling thread had before it was stopped, if the CPU has something else. Interrupts
    /// are off.
    fn return_to(&self, user: Self::User);

    /// The same where the CPU is likely to have something else.
    fn replace(&self, user: Self::User) {
        self.return_to(user);
    }

    /// Keeps interrupts out of the calling CPU, and says whether they could come.
    fn interrupts_off(&self) -> bool;

    /// Lets interrupts come.
    fn interrupts_on(&self);

    /// The clock of deadlines.
    fn now(&self) -> u64;

    /// The moment on that clock that is `after` from now.
    fn deadline(&self, after: Duration) -> u64;

    /// Makes the calling CPU's timer call `ThreadSystem::on_timer` at `moment` or soon after, or earlier if that was asked
    /// for.
    fn wake_at(&self, moment: u64);

    /// Notes that the calling CPU's timer has rung, and is set for no moment now.
    fn timer_has_rung(&self);

    /// Waits, with interrupts off before and after, until there may be something to do: the moment `until`, an
    /// interrupt, or another CPU's [`Hardware::reschedule`]. May return early.
    fn idle(&self, until: Option<u64>);

    /// Makes `cpu`, which is another, call `ThreadSystem::on_reschedule` soon.
    fn reschedule(&self, cpu: usize);
}
