//! What an exception says, in words.

use alloc::format;
use alloc::string::{String, ToString};
use core::ops::Range;

use crate::kernel::threads::stack_region;
use crate::units::Nanoseconds;
use crate::wire::Registers;

/// Bytes below the kernel's stack that are kept unmapped.
const GUARD_BYTES: u64 = 4096;

/// The mnemonic of exception `vector` (Intel SDM volume 3, table 6-1).
pub(super) const fn mnemonic(vector: u8) -> &'static str {
    match vector {
        0 => "#DE",
        1 => "#DB",
        2 => "NMI",
        3 => "#BP",
        4 => "#OF",
        5 => "#BR",
        6 => "#UD",
        7 => "#NM",
        8 => "#DF",
        10 => "#TS",
        11 => "#NP",
        12 => "#SS",
        13 => "#GP",
        14 => "#PF",
        16 => "#MF",
        17 => "#AC",
        18 => "#MC",
        19 => "#XM",
        20 => "#VE",
        21 => "#CP",
        28 => "#HV",
        29 => "#VC",
        30 => "#SX",
        _ => "reserved",
    }
}

/// What happened, with what the error code and CR2 add. `stack` is the one that it happened on.
pub(super) fn explain(vector: u8, registers: &Registers, stack: &Range<u64>) -> String {
    match vector {
        0 => "division by zero, or the quotient is too large".to_string(),
        3 => "a breakpoint instruction".to_string(),
        6 => "an instruction that this processor does not have".to_string(),
        7 => "the floating-point unit is switched off".to_string(),
        8 => format!("an exception could not be delivered{}", stack_remark(registers.rsp, stack)),
        10..=13 => selector(vector, registers.error_code),
        14 => page_fault(registers, stack),
        16 => "an x87 floating-point error".to_string(),
        17 => "a misaligned access".to_string(),
        18 => "a machine check: the hardware reports an error of its own".to_string(),
        19 => "an SSE floating-point error".to_string(),
        21 => format!("a control-flow violation (error code {:#x})", registers.error_code),
        other => format!("exception {other} (error code {:#x})", registers.error_code),
    }
}

/// What a bench was at that has run for longer than `limit`.
pub(super) fn explain_overrun(limit: Nanoseconds, registers: &Registers) -> String {
    /// Bit 9 of RFLAGS: interrupts are taken.
    const INTERRUPTS: u64 = 1 << 9;
    let seconds = limit.0 / 1_000_000_000;
    let place = if registers.cs & 3 != 0 { "in user mode" } else { "in the kernel" };
    let interrupts = if registers.rflags & INTERRUPTS == 0 { "off" } else { "on" };
    format!("it still ran after {seconds} s, {place} with interrupts {interrupts}")
}

/// The error code names a segment or a gate (section 6.13).
fn selector(vector: u8, error_code: u64) -> String {
    let what = match vector {
        10 => "an invalid task state segment",
        11 => "a segment that is not present",
        12 => "a stack access through an address that is not canonical, or a bad stack segment",
        _ => "a general protection fault",
    };
    if error_code == 0 {
        return match vector {
            13 => format!("{what}: an address that is not canonical, or an operation that is not allowed"),
            _ => what.to_string(),
        };
    }
    let table = match (error_code >> 1) & 3 {
        0 => "GDT",
        2 => "LDT",
        _ => "IDT",
    };
    let origin = if error_code & 1 == 1 { ", from outside the program" } else { "" };
    format!("{what} at {table} entry {}{origin}", (error_code >> 3) & 0x1fff)
}

/// The error code says what was tried (section 4.7).
fn page_fault(registers: &Registers, stack: &Range<u64>) -> String {
    let code = registers.error_code;
    let access = if code & 1 << 4 != 0 {
        "execute"
    } else if code & 1 << 1 != 0 {
        "write"
    } else {
        "read"
    };
    let cause = if code & 1 << 3 != 0 {
        "a reserved bit is set in a page table"
    } else if code & 1 << 5 != 0 {
        "the protection key forbids it"
    } else if code & 1 != 0 {
        "the page's protection forbids it"
    } else {
        "no page is mapped"
    };
    let mode = if code & 1 << 2 != 0 { " in user mode" } else { "" };
    let remark = stack_remark(registers.cr2, stack);
    format!("{access} at {:#x}{mode}: {cause}{remark}", registers.cr2)
}

fn stack_remark(address: u64, stack: &Range<u64>) -> &'static str {
    if stack_region::is_in_guard(address) {
        return " (the stack of a kernel thread is full)";
    }
    let guard = stack.start.saturating_sub(GUARD_BYTES)..stack.start;
    if guard.contains(&address) { " (the kernel's stack is full)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: Range<u64> = 0x10_0000..0x20_0000;

    fn say(vector: u8, error_code: u64, cr2: u64) -> String {
        explain(vector, &Registers { error_code, cr2, ..Registers::default() }, &STACK)
    }

    #[test]
    fn a_page_fault_says_what_was_tried_where_and_why_not() {
        assert_eq!(say(14, 0, 0x1234), "read at 0x1234: no page is mapped");
        assert_eq!(say(14, 3, 0x1234), "write at 0x1234: the page's protection forbids it");
        assert_eq!(say(14, 0x15, 0x10), "execute at 0x10 in user mode: the page's protection forbids it");
        assert_eq!(say(14, 9, 0x10), "read at 0x10: a reserved bit is set in a page table");
    }

    #[test]
    fn a_full_stack_is_named() {
        assert_eq!(say(14, 2, 0xf_fff8), "write at 0xffff8: no page is mapped (the kernel's stack is full)");
        let registers = Registers { rsp: 0xf_f010, ..Registers::default() };
        assert_eq!(
            explain(8, &registers, &STACK),
            "an exception could not be delivered (the kernel's stack is full)"
        );
    }

    #[test]
    fn a_full_stack_of_a_thread_is_named() {
        let stack = stack_region::stack_of(3);
        let cr2 = stack.start - 8;
        let words = explain(14, &Registers { error_code: 2, cr2, ..Registers::default() }, &stack);
        assert!(words.ends_with("no page is mapped (the stack of a kernel thread is full)"), "{words}");
    }

    #[test]
    fn a_protection_fault_names_the_table_entry() {
        assert!(say(13, 0, 0).contains("not canonical"));
        assert_eq!(say(13, 0x18, 0), "a general protection fault at GDT entry 3");
        assert_eq!(say(13, 0x103, 0), "a general protection fault at IDT entry 32, from outside the program");
    }

    #[test]
    fn an_overrun_says_where_the_processor_was() {
        let limit = Nanoseconds::from_milliseconds(2_000);
        let say = |cs, rflags| explain_overrun(limit, &Registers { cs, rflags, ..Registers::default() });
        assert_eq!(say(8, 0x202), "it still ran after 2 s, in the kernel with interrupts on");
        assert_eq!(say(0x23, 2), "it still ran after 2 s, in user mode with interrupts off");
    }

    #[test]
    fn every_vector_has_a_name_and_words() {
        for vector in 0..=255 {
            assert!(!mnemonic(vector).is_empty());
            assert!(!say(vector, 0, 0).is_empty());
        }
        assert_eq!((mnemonic(14), mnemonic(6), mnemonic(15)), ("#PF", "#UD", "reserved"));
    }
}
