//! What an interrupted program looked like.

use super::descriptors::{KERNEL_CODE, KERNEL_DATA};
use crate::wire::Registers;

/// The registers as the stubs push them, lowest address first, above them what the processor pushed
/// (Intel SDM volume 3, section 6.14.2).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct TrapFrame {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    pub(super) rbp: u64,
    rdi: u64,
    rsi: u64,
    rdx: u64,
    rcx: u64,
    rbx: u64,
    rax: u64,
    pub(super) vector: u64,
    pub(super) error_code: u64,
    pub(super) rip: u64,
    cs: u64,
    pub(super) rflags: u64,
    pub(super) rsp: u64,
    ss: u64,
}

impl TrapFrame {
    /// Whether user mode was interrupted.
    pub(super) const fn is_from_user(&self) -> bool {
        self.cs & 3 != 0
    }

    /// Goes on in the kernel at `rip`, with interrupts off and `rsp` as its stack.
    pub(super) fn resume_in_kernel(&mut self, rip: u64, rsp: u64) {
        /// Bit 1 of RFLAGS is always set.
        const FLAGS: u64 = 1 << 1;
        (self.rip, self.rsp, self.rflags) = (rip, rsp, FLAGS);
        (self.cs, self.ss) = (KERNEL_CODE.into(), KERNEL_DATA.into());
    }

    /// The frame as a record carries it, with the two control registers that say what a page fault was about.
    pub(super) const fn registers(&self, cr2: u64, cr3: u64) -> Registers {
        Registers {
            rip: self.rip,
            cs: self.cs,
            rflags: self.rflags,
            rsp: self.rsp,
            ss: self.ss,
            error_code: self.error_code,
            cr2,
            cr3,
            rax: self.rax,
            rbx: self.rbx,
            rcx: self.rcx,
            rdx: self.rdx,
            rsi: self.rsi,
            rdi: self.rdi,
            rbp: self.rbp,
            r8: self.r8,
            r9: self.r9,
            r10: self.r10,
            r11: self.r11,
            r12: self.r12,
            r13: self.r13,
            r14: self.r14,
            r15: self.r15,
        }
    }
}
