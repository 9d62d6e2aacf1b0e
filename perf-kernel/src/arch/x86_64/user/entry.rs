//! The ways into user mode and out of it.

use core::arch::global_asm;
use core::mem::offset_of;

use super::calls;
use crate::arch::x86_64::descriptors::{USER_CODE, USER_DATA};
use crate::arch::x86_64::per_cpu::CpuArea;
use crate::arch::x86_64::vector_state;

/// Instructions that go on in user mode at the address that the stack has, with the flags and the stack pointer above it, and
/// leave RDX zero.
///
/// An address that is not canonical would make SYSRET fault in ring 0 on the user's stack on some processors (Intel SDM
/// volume 2, SYSRET). Any outside the user's half goes by IRETQ, which faults on the kernel's stack if it is not canonical;
/// `traps` ends the program for that.
macro_rules! leave_instructions {
    () => {
        concat!(
            "pop rcx\n",
            "pop r11\n",
            "mov rdx, rcx\n",
            "shr rdx, 47\n",
            "jnz user_leave_slowly\n",
            "pop rsp\n",
            "swapgs\n",
            "sysretq\n",
        )
    };
}

// `user_enter` keeps what a called function must keep on the stack, notes the stack in the area, and goes to user mode.
// It returns when `user_finish` is reached: after a system call that ends the program, or by the return of an exception
// that does.
//
// System calls have their number in RAX and arguments in RDI, RSI, RDX, R10 and R8; RAX has the result. The kernel keeps
// RBX, RBP, RSP and R12 to R15, and leaves nothing of its own in the others, XMM included. SYSCALL puts RIP into RCX and
// RFLAGS into R11 and keeps RSP (Intel SDM volume 2, SYSCALL); interrupts and AC are off by its mask.
global_asm!(
    ".pushsection .text.user_entry, \"ax\", @progbits",
    // fn(rip: u64, rsp: u64, first: u64, second: u64, kernel_stack: *mut u64, flags: u64)
    ".global user_enter",
    "user_enter:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "pushfq",
    "cli",
    // The modes of SSE and x87, which the program may change.
    "sub rsp, 16",
    "stmxcsr [rsp]",
    "fnstcw [rsp + 8]",
    "mov gs:[{kernel_stack}], rsp",
    "mov [r8], rsp",
    "push rsi",
    "push r9",
    "push rdi",
    "mov rdi, rdx",
    "mov rsi, rcx",
    "xor eax, eax",
    "xor ebx, ebx",
    "xor ebp, ebp",
    "xor r12d, r12d",
    "xor r13d, r13d",
    "xor r14d, r14d",
    "xor r15d, r15d",
    // The upper halves of YMM, which the kernel uses in ciphers only, not in system calls.
    "cmp byte ptr gs:[{has_avx}], 0",
    "je user_leave",
    "vzeroall",
    "jmp user_leave",
    ".global user_system_call",
    "user_system_call:",
    "swapgs",
    "mov gs:[{user_stack}], rsp",
    "mov rsp, gs:[{kernel_stack}]",
    "push qword ptr gs:[{user_stack}]",
    "push r11",
    "push rcx",
    // Aligns the stack.
    "push rax",
    "mov rcx, r10",
    "cmp rax, {count}",
    "jae user_unknown_call",
    "lea r9, [rip + {calls}]",
    "call [r9 + 8 * rax]",
    "test rdx, rdx",
    "jnz user_finish_call",
    "user_call_is_done:",
    "add rsp, 8",
    "xor edi, edi",
    "xor esi, esi",
    // On the stack are RIP, RFLAGS and RSP of user mode.
    "user_leave:",
    "xor r8d, r8d",
    "xor r9d, r9d",
    "xor r10d, r10d",
    "pxor xmm0, xmm0",
    "pxor xmm1, xmm1",
    "pxor xmm2, xmm2",
    "pxor xmm3, xmm3",
    "pxor xmm4, xmm4",
    "pxor xmm5, xmm5",
    "pxor xmm6, xmm6",
    "pxor xmm7, xmm7",
    "pxor xmm8, xmm8",
    "pxor xmm9, xmm9",
    "pxor xmm10, xmm10",
    "pxor xmm11, xmm11",
    "pxor xmm12, xmm12",
    "pxor xmm13, xmm13",
    "pxor xmm14, xmm14",
    "pxor xmm15, xmm15",
    leave_instructions!(),
    "user_leave_slowly:",
    "pop rdx",
    "push {user_data}",
    "push rdx",
    "push r11",
    "push {user_code}",
    "push rcx",
    "xor edx, edx",
    "swapgs",
    ".global user_iretq",
    "user_iretq:",
    "iretq",
    "user_unknown_call:",
    "mov rax, {failed}",
    "jmp user_call_is_done",
    "user_finish_call:",
    "jns user_return_words",
    "cmp rdx, {over}",
    "jne user_signal_call",
    "mov rsp, gs:[{kernel_stack}]",
    ".global user_finish",
    "user_finish:",
    "fninit",
    "fldcw [rsp + 8]",
    "ldmxcsr [rsp]",
    "add rsp, 16",
    "popfq",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    // A call that may have waited gives two words back as well, and other programs may have run since.
    "user_return_words:",
    "mov r8, rax",
    "mov eax, gs:[{vector_components}]",
    // The word that aligns the stack is free.
    vector_state::clear_instructions!(),
    "mov rax, r8",
    "add rsp, 8",
    "xor edi, edi",
    "xor esi, esi",
    "mov r8, gs:[{words}]",
    "mov r9, gs:[{words} + 8]",
    "xor r10d, r10d",
    leave_instructions!(),
    ".popsection",
    user_code = const USER_CODE,
    user_data = const USER_DATA,
    kernel_stack = const offset_of!(CpuArea, user.task_state.kernel_stack),
    user_stack = const offset_of!(CpuArea, user.user_stack),
    over = const calls::OVER,
    words = const offset_of!(CpuArea, user.words),
    vector_components = const offset_of!(CpuArea, user.vector_components),
    clean = sym vector_state::CLEAN,
    has_avx = const offset_of!(CpuArea, user.has_avx),
    calls = sym calls::CALLS,
    count = const calls::COUNT,
    failed = const calls::FAILED.cast_signed(),
);

unsafe extern "sysv64" {
    /// Runs user mode at `rip` with the stack pointer `rsp` and two arguments in RDI and RSI until the program has ended.
    /// Where system calls and interrupts have their stack is stored at `kernel_stack`. RFLAGS of user mode are `flags`.
    ///
    /// # Safety
    /// CR3 has the tables of a process, which is the area's, and the kernel's segments, tables and GS are set up. Of the
    /// flags bit 1 is set, and IF (bit 9) only where the calling thread takes interrupts.
    pub(super) fn user_enter(rip: u64, rsp: u64, first: u64, second: u64, kernel_stack: *mut u64, flags: u64);
    // Labels: never called, only their addresses are used.
    safe fn user_system_call();
    safe fn user_iretq();
    safe fn user_finish();
}

/// Where SYSCALL goes.
pub(super) fn system_call_address() -> u64 {
    address(user_system_call)
}

/// The return to user mode that may fault.
pub(super) fn return_address() -> u64 {
    address(user_iretq)
}

/// From the noted stack to the frame pointer that `user_enter` keeps, with its return address above: the modes of SSE and
/// x87, the flags, and five registers.
pub(super) const KEPT_FRAME_POINTER: u64 = 16 + 8 + 5 * 8;

/// Where a handler goes on that has ended a program, on the area's kernel stack.
pub(super) fn finish_address() -> u64 {
    address(user_finish)
}

fn address(label: extern "sysv64" fn()) -> u64 {
    (label as *const ()).addr() as u64
}
