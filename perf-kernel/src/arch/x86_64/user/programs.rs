//! The programs that run in user mode: instructions that may lie anywhere, copied to a page of the program's.

use core::arch::global_asm;
use core::slice;

use super::calls;
use crate::platform::{PROGRAM_DATA, Program};

// Constant data of the kernel, which cannot execute it. A program begins with its arguments in RDI and RSI.
global_asm!(
    ".pushsection .rodata.user_programs, \"a\", @progbits",
    ".balign 16",
    ".global user_programs",
    "user_programs:",
    ".global user_program_exit",
    "user_program_exit:",
    "push rdi",
    "add [rsp], rsi",
    "pop rdi",
    "mov eax, {exit}",
    "syscall",
    ".balign 16",
    ".global user_program_system_calls",
    "user_program_system_calls:",
    "mov r12, rdi",
    "xor ebx, ebx",
    "lfence",
    "rdtsc",
    "lfence",
    "mov r13d, eax",
    "mov r14d, edx",
    "2:",
    "mov eax, {null}",
    "syscall",
    "add rbx, rax",
    "dec r12",
    "jnz 2b",
    "3:",
    "lfence",
    "rdtsc",
    "shl rdx, 32",
    "or rdx, rax",
    "shl r14, 32",
    "or r13, r14",
    "mov rsi, r13",
    "mov rdi, rbx",
    "mov eax, {exit}",
    "syscall",
    ".balign 16",
    ".global user_program_touch_pages",
    "user_program_touch_pages:",
    "xor ebx, ebx",
    "lfence",
    "rdtsc",
    "lfence",
    "mov r13d, eax",
    "mov r14d, edx",
    "2:",
    "inc qword ptr [rdi]",
    "add rbx, [rdi]",
    "add rdi, 4096",
    "dec rsi",
    "jnz 2b",
    "jmp 3b",
    ".global user_program_take_turns",
    "user_program_take_turns:",
    "mov r12, rdi",
    "mov r15, rsi",
    "mov ebp, {data}",
    "mov rbx, [rbp]",
    // Until the other has come as far.
    "mov eax, {yield}",
    "syscall",
    "mov eax, {yield}",
    "syscall",
    "lfence",
    "rdtsc",
    "lfence",
    "mov r13d, eax",
    "mov r14d, edx",
    "4:",
    "test r15, r15",
    "jz 6f",
    "lea rdi, [rbp + 4096]",
    "lea rsi, [rdi + r15]",
    "5:",
    "add [rdi], rbx",
    "add rdi, 8",
    "cmp rdi, rsi",
    "jb 5b",
    "6:",
    "mov eax, {yield}",
    "syscall",
    "dec r12",
    "jnz 4b",
    "jmp 3b",
    ".global user_program_sum_words",
    "user_program_sum_words:",
    "mov eax, {sum}",
    "syscall",
    "mov rdi, rax",
    "mov eax, {exit}",
    "syscall",
    ".global user_program_read",
    "user_program_read:",
    "mov rax, [rdi]",
    "ud2",
    ".global user_program_jump",
    "user_program_jump:",
    "jmp rdi",
    ".global user_program_write_code",
    "user_program_write_code:",
    "lea rax, [rip + user_program_write_code]",
    "mov [rax], rax",
    "ud2",
    ".global user_program_run_stack",
    "user_program_run_stack:",
    "push 0x0b0f",
    "jmp rsp",
    ".global user_program_overflow_stack",
    "user_program_overflow_stack:",
    "push rax",
    "jmp user_program_overflow_stack",
    ".global user_program_disable_interrupts",
    "user_program_disable_interrupts:",
    "cli",
    "ud2",
    ".global user_program_read_port",
    "user_program_read_port:",
    "in al, 0x60",
    "ud2",
    ".global user_program_invalid_opcode",
    "user_program_invalid_opcode:",
    "ud2",
    ".global user_program_divide",
    "user_program_divide:",
    "xor ecx, ecx",
    "div ecx",
    "ud2",
    ".global user_program_set_flags",
    "user_program_set_flags:",
    // TF (bit 8), DF (bit 10) and AC (bit 18): the kernel sees none of them, and the next instruction traps.
    "pushfq",
    "or qword ptr [rsp], 0x40500",
    "mov eax, {null}",
    "popfq",
    "syscall",
    "ud2",
    ".global user_programs_end",
    "user_programs_end:",
    ".popsection",
    null = const calls::NULL,
    exit = const calls::EXIT,
    sum = const calls::SUM,
    yield = const calls::YIELD,
    data = const PROGRAM_DATA,
);

unsafe extern "sysv64" {
    // Labels: never called, only their addresses are used.
    safe fn user_programs();
    safe fn user_program_exit();
    safe fn user_program_system_calls();
    safe fn user_program_touch_pages();
    safe fn user_program_take_turns();
    safe fn user_program_sum_words();
    safe fn user_program_read();
    safe fn user_program_jump();
    safe fn user_program_write_code();
    safe fn user_program_run_stack();
    safe fn user_program_overflow_stack();
    safe fn user_program_disable_interrupts();
    safe fn user_program_read_port();
    safe fn user_program_invalid_opcode();
    safe fn user_program_divide();
    safe fn user_program_set_flags();
    safe fn user_programs_end();
}

type Label = extern "sysv64" fn();

/// The page of code: less than 4 KiB.
pub(super) fn image() -> &'static [u8] {
    let (begin, end): (Label, Label) = (user_programs, user_programs_end);
    let (begin, end) = (begin as *const u8, end as *const u8);
    let length = (end.addr() - begin.addr()).min(4096);
    // SAFETY: the bytes between the labels are constant data of the kernel.
    unsafe { slice::from_raw_parts(begin, length) }
}

/// Where `program` begins in the page; `None` if that is to be nowhere.
pub(super) fn offset(program: Program) -> Option<u64> {
    let label: Label = match program {
        Program::Exit => user_program_exit,
        Program::SystemCalls => user_program_system_calls,
        Program::TouchPages => user_program_touch_pages,
        Program::TakeTurns => user_program_take_turns,
        Program::SumWords => user_program_sum_words,
        Program::Read => user_program_read,
        Program::Jump => user_program_jump,
        Program::BeginNowhere => return None,
        Program::WriteCode => user_program_write_code,
        Program::RunStack => user_program_run_stack,
        Program::OverflowStack => user_program_overflow_stack,
        Program::DisableInterrupts => user_program_disable_interrupts,
        Program::ReadPort => user_program_read_port,
        Program::InvalidOpcode => user_program_invalid_opcode,
        Program::Divide => user_program_divide,
        Program::SetFlags => user_program_set_flags,
    };
    let begin: Label = user_programs;
    Some(((label as *const u8).addr() - (begin as *const u8).addr()) as u64)
}
