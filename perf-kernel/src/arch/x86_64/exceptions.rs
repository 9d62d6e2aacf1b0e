//! Exceptions and interrupts: what is counted, what is survived, what ends the kernel.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use spin::Once;
use x86_64::registers::control::{Cr2, Cr3};

use super::backtrace::Backtrace;
use super::interrupt_table::{self, InterruptTable};
use super::recovery::{self, Cause};
use super::trap::TrapFrame;
use super::{Ports, Ring0, checked, descriptors, non_maskable, per_cpu, pic, signals, user};
use crate::kernel::threads::stack_region;
use crate::units::Nanoseconds;
use crate::wire::Registers;

const INVALID_OPCODE: u64 = 6;
const GENERAL_PROTECTION: u64 = 13;
pub(super) const PAGE_FAULT: u64 = 14;

static INTERRUPTS_TAKEN: AtomicU64 = AtomicU64::new(0);
static HANDLER: Once<Handler> = Once::new();
/// The table of the first CPU.
static INTERRUPTS: InterruptTable = InterruptTable::new();

/// What the kernel does not survive: no bench ran that could be ended for it.
#[derive(Debug)]
pub struct Fault {
    /// An exception, or a bench that has run for too long.
    pub cause: Cause,
    /// The registers where it happened.
    pub registers: Registers,
    /// Who had called the code there.
    pub backtrace: Backtrace,
    /// The stack that it was on: a kernel thread's, or the kernel's first.
    pub stack: Range<u64>,
}

/// Where faults go.
#[derive(Debug)]
pub struct Handler {
    /// Reports a fault; runs on a stack of its own, with interrupts off, whatever the kernel was doing.
    pub report: fn(&Fault) -> !,
    /// The first CPU's stack, which backtraces stay in.
    pub stack: Range<u64>,
}

/// Takes over the processor's tables, with interrupts off and the interrupt controllers of old masked.
pub fn install(ring0: Ring0, handler: Handler) {
    let handler = HANDLER.call_once(|| handler);
    let area = per_cpu::first(&handler.stack);
    let code = descriptors::load(ring0, area.task_state());
    INTERRUPTS.load(code);
    per_cpu::install_first(area);
    pic::mask(Ports::new(ring0));
}

/// The stack in which `address` lies: that of a kernel thread, or else that of the CPU that calls, once [`install`] has been
/// told the first one's.
#[must_use]
pub fn stack_at(address: u64) -> Option<Range<u64>> {
    stack_region::stack_at(address).or_else(|| per_cpu::current().map(|area| area.stack.clone()))
}

/// Non-maskable interrupts taken since boot that nobody here has asked for.
#[must_use]
pub fn non_maskable_taken() -> u64 {
    non_maskable::taken()
}

/// Maskable interrupts that the first CPU, which benches, has taken since boot.
#[must_use]
pub fn interrupts_taken() -> u64 {
    INTERRUPTS_TAKEN.load(Ordering::Relaxed)
}

/// What the stubs call with the registers that they have pushed; it may change where the program goes on.
pub(super) extern "sysv64" fn dispatch(frame: &mut TrapFrame) {
    let vector = frame.vector;
    match vector {
        interrupt_table::EXCEPTIONS.. => {
            if per_cpu::index() == 0 {
                INTERRUPTS_TAKEN.fetch_add(1, Ordering::Relaxed);
            }
            signals::take(u8::try_from(frame.vector).unwrap_or(u8::MAX));
            if frame.is_from_user() {
                user::before_user_mode(frame);
            }
        }
        // What user mode does is its own affair, and the pages that it was promised come when they are touched.
        _ if user::handle(frame) => {}
        INVALID_OPCODE => match checked::recovery_of_invalid_opcode(frame.rip) {
            Some(rip) => frame.rip = rip,
            None => end(frame),
        },
        GENERAL_PROTECTION | PAGE_FAULT => match checked::recovery(frame.rip) {
            Some(rip) => frame.rip = rip,
            None => end(frame),
        },
        _ => end(frame),
    }
}

/// Ends the bench that runs, or else the kernel.
fn end(frame: &mut TrapFrame) {
    let cause = Cause::Exception(u8::try_from(frame.vector).unwrap_or(u8::MAX));
    let site = Site::of(frame);
    if !recovery::divert(frame, cause, &site) {
        report(cause, &site)
    }
}

/// Ends the kernel, as a bench has run for longer than `limit` and there is no way back from it.
pub(super) fn report_overrun(frame: &TrapFrame, limit: Nanoseconds) -> ! {
    report(Cause::Overrun(limit), &Site::of(frame))
}

fn report(cause: Cause, site: &Site) -> ! {
    let Some(handler) = HANDLER.get() else { super::halt() };
    let (registers, stack) = (site.registers, site.stack.clone());
    (handler.report)(&Fault { cause, registers, backtrace: site.backtrace(), stack })
}

/// Where something was interrupted.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) registers: Registers,
    /// The stack of the kernel there.
    pub(super) stack: Range<u64>,
    /// Where frames of the kernel begin.
    frame_pointer: u64,
}

impl Site {
    /// Where `frame` was made. Without a frame of the kernel, as in user mode and on the way between it and the kernel, it is
    /// that of whoever entered user mode.
    pub(super) fn of(frame: &TrapFrame) -> Self {
        // CR2 may hold an address that is not canonical, and then it is shown as zero.
        let cr2 = Cr2::read().map_or(0, x86_64::VirtAddr::as_u64);
        let cr3 = Cr3::read().0.start_address().as_u64();
        let registers = frame.registers(cr2, cr3);
        let stack = stack_at(frame.rsp).unwrap_or_default();
        let has_frame = !frame.is_from_user() && stack.contains(&frame.rbp);
        match user::entered_from().filter(|_| !has_frame) {
            Some(frame_pointer) => {
                Self { registers, stack: stack_at(frame_pointer).unwrap_or_default(), frame_pointer }
            }
            None => Self { registers, stack, frame_pointer: frame.rbp },
        }
    }

    /// Who had called the code there.
    pub(super) fn backtrace(&self) -> Backtrace {
        Backtrace::walk(self.frame_pointer, &self.stack, checked::load)
    }
}
