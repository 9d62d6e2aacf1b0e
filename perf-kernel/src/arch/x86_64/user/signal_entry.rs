//! The way from user mode by its signals back to user mode.

use core::arch::global_asm;
use core::mem::offset_of;

use super::{calls, signals};
use crate::arch::x86_64::descriptors::{USER_CODE, USER_DATA};
use crate::arch::x86_64::per_cpu::CpuArea;
use crate::arch::x86_64::signal_frame::SignalFrame;
use crate::arch::x86_64::trap::TrapFrame;
use crate::arch::x86_64::vector_state;

const _: () = assert!(
    size_of::<SignalFrame>() == size_of::<TrapFrame>()
        && offset_of!(SignalFrame, modes) == offset_of!(TrapFrame, error_code)
        && offset_of!(SignalFrame, rip) == offset_of!(TrapFrame, rip)
        && offset_of!(SignalFrame, rflags) == offset_of!(TrapFrame, rflags)
        && offset_of!(SignalFrame, rsp) == offset_of!(TrapFrame, rsp)
);

// There are two ways in, each of which makes a frame at the top of the kernel stack: from a system call, behind what
// `user_system_call` has pushed, with the number of what is to be done in EDX; and from the return of an interrupt or
// exception that was sent here, when all registers are the program's but for RIP, RFLAGS and RSP, which the area has. GS is
// the kernel's, and interrupts are off.
//
global_asm!(
    ".pushsection .text.user_signals, \"ax\", @progbits",
    ".global user_signal_call",
    "user_signal_call:",
    // The word that aligned the stack.
    "pop rcx",
    "pop rcx",
    "pop r11",
    "pop rsi",
    "push {user_data}",
    "push rsi",
    "push r11",
    "push {user_code}",
    "push rcx",
    "push 0",
    "push 0",
    "push rax",
    "push rbx",
    "push rcx",
    // RDX, RSI, RDI.
    "push 0",
    "push 0",
    "push 0",
    "push rbp",
    "push qword ptr gs:[{words}]",
    "push qword ptr gs:[{words} + 8]",
    // R10.
    "push 0",
    "push r11",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov rbp, rsp",
    // The address that a handler returns to, and alignment.
    "push 0",
    "push 0",
    "stmxcsr [rbp + {modes}]",
    "fnstcw [rbp + {modes} + 4]",
    "lea rdi, [rbp - 8]",
    "cmp rdx, {with_frame}",
    "je 2f",
    "xor esi, esi",
    "call {deliver}",
    "jmp user_signal_go_on",
    "2:",
    "sub rsp, {area_bytes}",
    "and rsp, -64",
    "mov rsi, rsp",
    "call {go_back}",
    "jmp user_signal_go_on",
    ".global user_signal_interrupted",
    "user_signal_interrupted:",
    "push {user_data}",
    "push qword ptr gs:[{interrupted} + 16]",
    "push qword ptr gs:[{interrupted} + 8]",
    "push {user_code}",
    "push qword ptr gs:[{interrupted}]",
    "push 0",
    "push 0",
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
    "mov rbp, rsp",
    // The address that a handler returns to, and alignment.
    "push 0",
    "push 0",
    "stmxcsr [rbp + {modes}]",
    "fnstcw [rbp + {modes} + 4]",
    "sub rsp, {area_bytes}",
    "and rsp, -64",
    // All of it goes to the program, and XSAVE leaves gaps as they are.
    "mov rdi, rsp",
    "mov ecx, {area_bytes} / 8",
    "xor eax, eax",
    "rep stosq",
    "mov eax, gs:[{vector_components}]",
    "xor edx, edx",
    "test eax, eax",
    "jz 3f",
    "xsave64 [rsp]",
    "jmp 4f",
    "3:",
    "fxsave64 [rsp]",
    "4:",
    "lea rdi, [rbp - 8]",
    "mov rsi, rsp",
    "call {deliver}",
    // RBP leads to the frame and, if they are as stored, RSP to the vector and x87 registers.
    "user_signal_go_on:",
    "mov ecx, eax",
    "mov eax, gs:[{vector_components}]",
    "xor edx, edx",
    "cmp ecx, {as_stored}",
    "ja user_signal_end",
    "je 5f",
    // The word that aligns the stack is free.
    vector_state::clear_instructions!(),
    "ldmxcsr [rbp + {modes}]",
    "fldcw [rbp + {modes} + 4]",
    "jmp 7f",
    "5:",
    "test eax, eax",
    "jz 6f",
    "xrstor64 [rsp]",
    "jmp 7f",
    "6:",
    "fxrstor64 [rsp]",
    "7:",
    "mov rsp, rbp",
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
    // The mask and the modes.
    "add rsp, 16",
    "swapgs",
    "jmp user_iretq",
    "user_signal_end:",
    "mov rsp, gs:[{kernel_stack}]",
    "jmp user_finish",
    ".popsection",
    user_code = const USER_CODE,
    user_data = const USER_DATA,
    words = const offset_of!(CpuArea, user.words),
    interrupted = const offset_of!(CpuArea, user.interrupted),
    kernel_stack = const offset_of!(CpuArea, user.task_state.kernel_stack),
    vector_components = const offset_of!(CpuArea, user.vector_components),
    modes = const offset_of!(SignalFrame, modes),
    area_bytes = const vector_state::AREA_BYTES,
    with_frame = const calls::WITH_FRAME,
    as_stored = const signals::AS_STORED,
    clean = sym vector_state::CLEAN,
    deliver = sym signals::deliver,
    go_back = sym signals::go_back,
);

unsafe extern "sysv64" {
    // A label: never called, only its address is used.
    safe fn user_signal_interrupted();
}

/// Where an interrupt or exception returns to, on the area's kernel stack, for the program to look at its signals.
pub(super) fn interrupted_address() -> u64 {
    let label: extern "sysv64" fn() = user_signal_interrupted;
    (label as *const ()).addr() as u64
}
