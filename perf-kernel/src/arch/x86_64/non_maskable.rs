//! The non-maskable interrupt: a call of another CPU, the watchdog's ring, or a disturbance that is only counted.
//!
//! It comes anywhere, also where the kernel runs with the GS base of user mode: between SYSCALL and SWAPGS, between SWAPGS
//! and SYSRET or IRETQ, and at the ends of the other stubs. So its stub looks at the base itself. Until its IRETQ, no other
//! comes (Intel SDM volume 3, section 6.7.1): nothing here may fault, as the return from that fault would let one in, on the
//! same stack.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use super::per_cpu::IA32_GS_BASE;
use super::recovery::{self, Overrun};
use super::trap::TrapFrame;
use super::watchdog::{self, Ring};
use super::{ending, exceptions, standby};
use crate::units::Ticks;

/// When the watchdog looks again if what it interrupted cannot be ended: within a millisecond at any frequency.
const SOON: Ticks = Ticks(1_000_000);

static TAKEN: AtomicU64 = AtomicU64::new(0);

// As the common stub of `interrupt_table`, but for GS: user mode has no way to set its base, which is zero, and areas of CPUs
// lie in the upper half. RBX and R12 are kept by the called function.
global_asm!(
    ".pushsection .text.non_maskable, \"ax\", @progbits",
    ".balign 16",
    ".global non_maskable_stub",
    "non_maskable_stub:",
    // An error code, which there is none of, and the vector.
    "push 0",
    "push 2",
    "push rax",
    "push rbx",
    "push rcx",
    "push rdx",
    "push rsi",
    "push rdi",
    "push rbp",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "cld",
    // AC (bit 18 of RFLAGS) may have come from user mode.
    "pushfq",
    "and dword ptr [rsp], 0xfffbffff",
    "popfq",
    "xor ebx, ebx",
    "mov ecx, {gs_base}",
    "rdmsr",
    "test edx, edx",
    "js 2f",
    "swapgs",
    "mov ebx, 1",
    "2:",
    "mov rdi, rsp",
    "mov r12, rsp",
    "sub rsp, 512",
    "and rsp, -16",
    "fxsave64 [rsp]",
    "call {take}",
    "fxrstor64 [rsp]",
    "mov rsp, r12",
    // Elsewhere in the kernel, GS is the kernel's; back where it came from, it is what it was.
    "test al, al",
    "jnz 3f",
    "test ebx, ebx",
    "jz 3f",
    "swapgs",
    "3:",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rbp",
    "pop rdi",
    "pop rsi",
    "pop rdx",
    "pop rcx",
    "pop rbx",
    "pop rax",
    // The vector and the error code.
    "add rsp, 16",
    "iretq",
    ".popsection",
    gs_base = const IA32_GS_BASE,
    take = sym take,
);

unsafe extern "sysv64" {
    // A label: never called, only its address is used.
    safe fn non_maskable_stub();
}

/// Where the processor goes.
pub(super) fn stub_address() -> u64 {
    let stub: extern "sysv64" fn() = non_maskable_stub;
    (stub as *const ()).addr() as u64
}

/// Non-maskable interrupts taken since boot that nobody here has asked for.
pub(super) fn taken() -> u64 {
    TAKEN.load(Ordering::Relaxed)
}

/// What the stub calls; whether the CPU goes on elsewhere in the kernel than where it was.
extern "sysv64" fn take(frame: &mut TrapFrame) -> bool {
    // Another CPU stops this one to report a crash.
    ending::halt_if_other_ends();
    if let Some(goes_elsewhere) = standby::answer(frame) {
        return goes_elsewhere;
    }
    match watchdog::look() {
        Ring::Other | Ring::Early => {
            TAKEN.fetch_add(1, Ordering::Relaxed);
            false
        }
        Ring::Passed(limit) => match recovery::overrun(frame, limit) {
            Overrun::Ended => true,
            Overrun::NotNow => {
                watchdog::ring_after(SOON);
                false
            }
            // What was watched is over.
            Overrun::NothingRuns => false,
            Overrun::NoWayBack => exceptions::report_overrun(frame, limit),
        },
    }
}
