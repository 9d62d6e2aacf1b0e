//! From one thread to another that waits for it, without the run queue.

use core::ptr::NonNull;

use multios_core::sync::{Deadline, Wake};
use spin::mutex::SpinMutexGuard as MutexGuard;

use super::context::{self, Context};
use super::thread_system::{Hardware, ThreadSystem};
use crate::kernel::threads::ThreadId;

/// What a thread is told that goes on by [`ThreadSystem::hand_back`].
const HANDED_BACK: u64 = 1;

/// How a thread goes on that has given its CPU to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// It was woken, and what it waited for is where it always is.
    Woken,
    /// By [`ThreadSystem::hand_back`] of another, on the same CPU: it has what that one says it has.
    HandedBack,
}

impl<H: Hardware> ThreadSystem<H> {
    /// Wakes `to`, which runs at once, and parks the calling thread until `deadline`; says how that ended. `None` if it is
    /// not as simple as that, and then nothing was done: see `Threads::hand_over`. Interrupts are off, and the CPU is not
    /// held.
    #[inline(never)]
    pub fn hand_over_until(&'static self, to: ThreadId, deadline: Deadline) -> Option<Wake> {
        self.give_cpu(to, Some(deadline.0))?;
        Some(self.table.lock().end_park(self.hardware.cpu()))
    }

    /// The same without a deadline, after which the thread may go on by [`ThreadSystem::hand_back`].
    #[inline(never)]
    pub fn hand_over(&'static self, to: ThreadId) -> Option<Return> {
        self.give_cpu(to, None)
    }

    /// The same in fewer steps, for a `to` that has given its CPU away by one of the two. As soon as it is clear that it
    /// will be, `held` is dropped; else that is what the error has.
    ///
    /// # Errors
    /// It is not as simple as that, and nothing was done: see `Threads::hand_back`.
    #[expect(clippy::inline_always, reason = "a call and a frame less in each call of a process")]
    #[inline(always)]
    pub fn hand_back<T>(&'static self, to: ThreadId, held: T) -> Result<Return, T> {
        let mut table = self.lock();
        self.expire(&mut table);
        let Some([own, other]) = table.hand_back(self.hardware.cpu(), to) else { return Err(held) };
        let (from, to) = (NonNull::from(&mut own.context), other.context);
        MutexGuard::leak(table);
        drop(held);
        // SAFETY: the table says that the thread is stopped and on no CPU, and stays locked until the switch is done.
        Ok(unsafe { self.switch_and_tell(from, to, HANDED_BACK) })
    }

    fn give_cpu(&'static self, to: ThreadId, deadline: Option<u64>) -> Option<Return> {
        let mut table = self.table.lock();
        self.expire(&mut table);
        let [own, other] = table.hand_over(self.hardware.cpu(), to, deadline)?;
        if let Some(deadline) = deadline {
            self.hardware.wake_at(deadline);
        }
        let (from, to) = (NonNull::from(&mut own.context), other.context);
        MutexGuard::leak(table);
        // SAFETY: the table says that the thread is stopped and on no CPU, and stays locked until the switch is done.
        Some(unsafe { self.switch_and_tell(from, to, 0) })
    }

    /// Goes on with `to`, which is told `note`, and returns when the calling thread does, which `from` is.
    ///
    /// # Safety
    /// The table is locked, and says of `to` that it is stopped and on no CPU.
    #[expect(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    unsafe fn switch_and_tell(&'static self, from: NonNull<Context>, to: Context, note: u64) -> Return {
        let user = self.hardware.user();
        // SAFETY: the caller keeps the contract.
        if unsafe { context::switch(from, to, note) } != HANDED_BACK {
            self.arrive(user);
            return Return::Woken;
        }
        self.hardware.replace(user);
        // SAFETY: the table is locked for whoever arrives. The side before has not ended.
        unsafe { self.table.force_unlock() };
        Return::HandedBack
    }
}
