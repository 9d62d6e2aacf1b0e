//! Exceptions that are a program's: they bring it a page, or end it, and never the kernel.

use core::sync::atomic::Ordering;

use multios_core::memory::paging::Touch;
use x86_64::registers::control::Cr2;

use super::area::UserArea;
use super::entry;
use super::process::Process;
use super::signals;
use crate::arch::x86_64::checked;
use crate::arch::x86_64::exceptions::PAGE_FAULT;
use crate::arch::x86_64::trap::TrapFrame;
use crate::platform::{Ending, UserFault};

const DOUBLE_FAULT: u64 = 8;
const MACHINE_CHECK: u64 = 18;

/// Handles an exception, not an interrupt, that a program caused; `false` if it is the kernel's own.
pub(in crate::arch::x86_64) fn handle(frame: &mut TrapFrame) -> bool {
    if matches!(frame.vector, DOUBLE_FAULT | MACHINE_CHECK) {
        return false;
    }
    if frame.is_from_user() {
        return of_program(frame);
    }
    if frame.vector == PAGE_FAULT && checked::is_copying(frame.rip) {
        let process = UserArea::current().process();
        return process.is_some_and(|process| brings_page(process, frame.error_code));
    }
    if frame.rip == entry::return_address() {
        // GS is the program's already, but the code segment is still the kernel's.
        UserArea::swap_back();
        return of_program(frame);
    }
    false
}

fn of_program(frame: &mut TrapFrame) -> bool {
    let area = UserArea::current();
    let Some(process) = area.process() else { return false };
    if frame.vector == PAGE_FAULT && brings_page(process, frame.error_code) {
        return true;
    }
    tell(area, process, frame);
    true
}

/// Has the program's handler called, or ends it.
#[cold]
#[inline(never)]
fn tell(area: &UserArea, process: &Process<'_>, frame: &mut TrapFrame) {
    let address = (frame.vector == PAGE_FAULT).then(Cr2::read_raw);
    if signals::take_fault(area, process, frame, address.unwrap_or(0)) {
        return;
    }
    process.end(Ending::Faulted(UserFault {
        vector: u8::try_from(frame.vector).unwrap_or(u8::MAX),
        error_code: frame.error_code,
        rip: frame.rip,
        address,
    }));
    frame.resume_in_kernel(entry::finish_address(), area.task_state.kernel_stack.load(Ordering::Relaxed));
}

/// Whether the page of a page fault with `error_code` is there now (Intel SDM volume 3, section 4.7).
fn brings_page(process: &Process<'_>, error_code: u64) -> bool {
    const WRITE: u64 = 1 << 1;
    /// A reserved bit is set in a table: no mistake of the program.
    const RESERVED: u64 = 1 << 3;
    const FETCH: u64 = 1 << 4;
    if error_code & RESERVED != 0 {
        return false;
    }
    let touch = match error_code {
        code if code & WRITE != 0 => Touch::Write,
        code if code & FETCH != 0 => Touch::Execute,
        _ => Touch::Read,
    };
    process.resolve(Cr2::read_raw(), touch)
}
