//! The page that holds all programs, and where in it each begins.

use core::slice;

use crate::platform::Program;

unsafe extern "sysv64" {
    // Labels: never called, only their addresses are used.
    safe fn user_programs();
    safe fn user_program_exit();
    safe fn user_program_system_calls();
    safe fn user_program_touch_pages();
    safe fn user_program_take_turns();
    safe fn user_program_take_turns_chilled();
    safe fn user_program_call();
    safe fn user_program_call_chilled();
    safe fn user_program_answer();
    safe fn user_program_script();
    safe fn user_program_signals();
    safe fn user_program_loop();
    safe fn user_program_sum_words();
    safe fn user_program_read();
    safe fn user_program_jump();
    safe fn user_program_endless();
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
        Program::TakeTurnsChilled => user_program_take_turns_chilled,
        Program::Call => user_program_call,
        Program::CallChilled => user_program_call_chilled,
        Program::Answer => user_program_answer,
        Program::Script => user_program_script,
        Program::Signals => user_program_signals,
        Program::Loop => user_program_loop,
        Program::SumWords => user_program_sum_words,
        Program::Read => user_program_read,
        Program::Jump => user_program_jump,
        Program::Endless => user_program_endless,
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
