//! Programs that try what they must not: each ends with its cause, and the kernel goes on.

use alloc::format;

use super::user::refused;
use crate::measure::{BenchError, Bencher};
use crate::platform::{Ending, KernelHalf, Program, UserMode};
use crate::wire::CheckOutcome;

const DIVIDE: u8 = 0;
const DEBUG: u8 = 1;
const INVALID_OPCODE: u8 = 6;
const GENERAL_PROTECTION: u8 = 13;
const PAGE_FAULT: u8 = 14;

/// In the kernel's half: the mapping of physical memory, and the kernel's image.
const PHYSICAL: u64 = 0xffff_8000_0000_0000;
const IMAGE: u64 = 0xffff_ffff_8000_0000;
/// In no program's memory.
const NOTHING: u64 = 0x50_0000_0000;
const NOT_CANONICAL: u64 = 1 << 47;
/// In the stack of every program, above what it uses first.
const STACK: u64 = 0x40_a000;

/// Bits of a page fault's error code (Intel SDM volume 3, section 4.7).
const PRESENT: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const FETCH: u64 = 1 << 4;

/// How a program has to end.
enum Must {
    Exit(u64),
    /// By this exception with this error code.
    Fault(u8, u64),
}

static CASES: [(Program, [u64; 2], Must); 17] = [
    (Program::Read, [PHYSICAL, 0], Must::Fault(PAGE_FAULT, PRESENT | USER)),
    (Program::Read, [IMAGE, 0], Must::Fault(PAGE_FAULT, PRESENT | USER)),
    (Program::Read, [NOTHING, 0], Must::Fault(PAGE_FAULT, USER)),
    (Program::Read, [0, 0], Must::Fault(PAGE_FAULT, USER)),
    (Program::Read, [NOT_CANONICAL, 0], Must::Fault(GENERAL_PROTECTION, 0)),
    (Program::Jump, [IMAGE, 0], Must::Fault(PAGE_FAULT, PRESENT | USER | FETCH)),
    (Program::Jump, [STACK, 0], Must::Fault(PAGE_FAULT, USER | FETCH)),
    (Program::BeginNowhere, [0, 0], Must::Fault(GENERAL_PROTECTION, 0)),
    (Program::WriteCode, [0, 0], Must::Fault(PAGE_FAULT, PRESENT | WRITE | USER)),
    (Program::RunStack, [0, 0], Must::Fault(PAGE_FAULT, PRESENT | USER | FETCH)),
    (Program::OverflowStack, [0, 0], Must::Fault(PAGE_FAULT, WRITE | USER)),
    (Program::DisableInterrupts, [0, 0], Must::Fault(GENERAL_PROTECTION, 0)),
    (Program::ReadPort, [0, 0], Must::Fault(GENERAL_PROTECTION, 0)),
    (Program::InvalidOpcode, [0, 0], Must::Fault(INVALID_OPCODE, 0)),
    (Program::Divide, [0, 0], Must::Fault(DIVIDE, 0)),
    (Program::SetFlags, [0, 0], Must::Fault(DEBUG, 0)),
    // The kernel reads nothing of its own for a program.
    (Program::SumWords, [PHYSICAL, 1], Must::Exit(u64::MAX)),
];

/// Runs every program, and one whose pages the kernel brings itself, and looks at the kernel's pages.
///
/// # Errors
/// One does not end as it must, or the kernel's pages allow what they must not.
pub(super) fn check(bencher: &mut Bencher<'_>, machine: &dyn UserMode) -> Result<(), BenchError> {
    for (program, arguments, must) in &CASES {
        let ending = machine.start(*program).map_err(refused)?.run(*arguments);
        let is_right = match (must, ending) {
            (Must::Exit(status), Ending::Exited([left, ..])) => left == *status,
            (Must::Fault(vector, error_code), Ending::Faulted(fault)) => {
                (fault.vector, fault.error_code) == (*vector, *error_code)
            }
            _ => false,
        };
        if !is_right {
            let reason = format!("the program {program:?} of {arguments:x?} ended otherwise: {ending:x?}");
            return Err(BenchError::Failed(reason));
        }
    }
    let ending = machine.start(Program::SumWords).map_err(refused)?.run([STACK, 64]);
    if !matches!(ending, Ending::Exited([0, ..])) {
        return Err(BenchError::Failed(format!("a copy did not bring the page of a stack: {ending:x?}")));
    }
    let half = machine.kernel_half();
    let executable_bytes = half.executable_bytes;
    if executable_bytes == 0 || half != (KernelHalf { executable_bytes, ..KernelHalf::default() }) {
        return Err(BenchError::Failed(format!("the kernel's pages allow too much: {half:?}")));
    }
    let detail = format!("{} programs ended with their causes, and the kernel went on", CASES.len());
    bencher.add_check("isolation", CheckOutcome::Passed, detail);
    bencher.add_figure("kernel_executable_bytes", executable_bytes);
    Ok(())
}
