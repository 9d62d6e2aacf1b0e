//! Whose user mode a CPU has ready, which changes with the threads.

use core::arch::asm;
use core::mem::offset_of;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;

use super::area::UserArea;
use super::process::Process;
use super::translations;
use crate::arch::x86_64::per_cpu::CpuArea;

/// The process whose address space and kernel stack a CPU has ready; by default none, as threads of the kernel have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(*mut ());

impl Default for Owner {
    fn default() -> Self {
        Self(ptr::null_mut())
    }
}

impl Owner {
    /// That of the calling CPU.
    #[inline]
    #[must_use]
    pub(in crate::arch::x86_64) fn current() -> Self {
        let process: *mut ();
        // SAFETY: GS leads to the CPU's area as long as the CPU is in the kernel, and nothing is changed.
        unsafe {
            asm!(
                "mov {}, gs:[{}]", out(reg) process, const offset_of!(CpuArea, user) + UserArea::PROCESS,
                options(nostack, preserves_flags, readonly)
            );
        }
        Self(process)
    }

    /// Makes it the calling CPU's again. The calling thread had it when it was stopped, and interrupts are off.
    #[expect(clippy::inline_always, reason = "a call and a frame less in each switch of processes")]
    #[inline(always)]
    pub(in crate::arch::x86_64) fn return_to(self) {
        if Self::current() != self {
            self.replace();
        }
    }

    /// The same where another's is likely to be there.
    #[expect(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    pub(in crate::arch::x86_64) fn replace(self) {
        let cpu = CpuArea::of_caller();
        let process = NonNull::new(self.0.cast::<Process<'static>>());
        cpu.user.set_process(process);
        // SAFETY: the calling thread has borrowed it, for as long as the area has it.
        let root = match process.map(|process| unsafe { process.as_ref() }) {
            Some(process) => {
                cpu.user.task_state.kernel_stack.store(process.kernel_stack.get(), Ordering::Relaxed);
                // What another program has left in registers that a call does not keep stays there until the call that
                // waited returns, which clears them.
                process.root()
            }
            // The space may be given back by another CPU.
            None => translations::kernel_root(),
        };
        translations::switch_to_on(cpu, root);
    }
}
