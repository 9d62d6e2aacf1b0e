//! From one thread to another that waits for it, without the run queue.

use core::ptr::NonNull;

use multios_core::sync::{Deadline, Wake};
use spin::mutex::SpinMutexGuard as MutexGuard;

use super::thread_system::{Hardware, ThreadSystem};
use crate::kernel::threads::ThreadId;

impl<H: Hardware> ThreadSystem<H> {
    /// Wakes `to`, which runs at once, and parks the calling thread until `deadline`; says how that ended. `None` if it is
    /// not as simple as that, and then nothing was done: see `Threads::hand_over`. Interrupts are off, and the CPU is not
    /// held.
    #[inline(never)]
    pub fn hand_over_until(&'static self, to: ThreadId, deadline: Deadline) -> Option<Wake> {
        let is_done = self.give_cpu(to, Some(deadline.0));
        is_done.then(|| self.table.lock().end_park(self.hardware.cpu()))
    }

    /// The same without a deadline, and so in fewer steps; whether it was done.
    #[expect(clippy::inline_always, reason = "as below")]
    #[inline(always)]
    pub fn hand_over(&'static self, to: ThreadId) -> bool {
        self.give_cpu(to, None)
    }

    #[expect(clippy::inline_always, reason = "a call and a frame less in each call of a process")]
    #[inline(always)]
    fn give_cpu(&'static self, to: ThreadId, deadline: Option<u64>) -> bool {
        let mut table = self.table.lock();
        self.expire(&mut table);
        let Some([own, other]) = table.hand_over(self.hardware.cpu(), to, deadline) else { return false };
        if let Some(deadline) = deadline {
            self.hardware.wake_at(deadline);
        }
        let (from, to) = (NonNull::from(&mut own.context), other.context);
        MutexGuard::leak(table);
        // SAFETY: the table says that the thread is stopped and on no CPU, and stays locked until the switch is done.
        unsafe { self.switch_to(from, to) };
        true
    }
}
