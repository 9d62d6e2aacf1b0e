//! Segments, and the stacks that exceptions run on.

use core::cell::UnsafeCell;

use spin::Once;
use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};

use super::Ring0;
use super::task_state::TaskState;

/// Room for encoding a crash record and drawing it, which the handler does on the stack it is given.
pub(super) const STACK_BYTES: usize = 64 * 1024;

/// Every exception has a stack other than the kernel's, so that one which finds that stack full is still reported.
/// Those that the handler may return from, or that interrupt another handler, have one each.
#[derive(Clone, Copy)]
pub(super) enum ExceptionStack {
    /// Exceptions that end the kernel.
    Fatal,
    /// Exception 8: another exception could not be delivered.
    DoubleFault,
    /// Exception 2: may come at any time, inside other handlers as well.
    NonMaskable,
    /// Exception 18: may come at any time.
    MachineCheck,
    /// Exception 14: a full kernel stack ends here.
    PageFault,
    /// Exception 13: returns after a refused model-specific register.
    GeneralProtection,
}

impl ExceptionStack {
    /// All of them, in the order of their places.
    pub(super) const ALL: [Self; 6] = [
        Self::Fatal,
        Self::DoubleFault,
        Self::NonMaskable,
        Self::MachineCheck,
        Self::PageFault,
        Self::GeneralProtection,
    ];

    /// Its place in the TSS, from 0.
    pub(super) const fn index(self) -> u8 {
        match self {
            Self::Fatal => 0,
            Self::DoubleFault => 1,
            Self::NonMaskable => 2,
            Self::MachineCheck => 3,
            Self::PageFault => 4,
            Self::GeneralProtection => 5,
        }
    }
}

/// Memory that only the processor and the handler running on it use.
#[repr(align(16))]
struct Stack(UnsafeCell<[u8; STACK_BYTES]>);

// SAFETY: Rust code never makes a reference to the contents.
unsafe impl Sync for Stack {}

static STACKS: [Stack; ExceptionStack::ALL.len()] =
    [const { Stack(UnsafeCell::new([0; STACK_BYTES])) }; ExceptionStack::ALL.len()];

/// The kernel's code segment. The order of the four is the one that SYSCALL and SYSRET want: code before data for the
/// kernel, data before code for user mode (Intel SDM volume 2, SYSCALL and SYSRET; AMD APM volume 2, section 6.1.1).
pub(super) const KERNEL_CODE: u16 = 1 << 3;
/// The kernel's data segment.
pub(super) const KERNEL_DATA: u16 = 2 << 3;
/// The data segment of user mode, with its privilege level.
pub(super) const USER_DATA: u16 = 3 << 3 | 3;
/// The code segment of user mode, with its privilege level.
pub(super) const USER_CODE: u16 = 4 << 3 | 3;

static FIRST: Once<Descriptors> = Once::new();

/// The segments of one CPU, and where its exceptions run.
#[derive(Debug)]
pub(super) struct Descriptors {
    tops: [VirtAddr; ExceptionStack::ALL.len()],
    table: Once<(GlobalDescriptorTable, Selectors)>,
}

#[derive(Debug)]
struct Selectors {
    code: SegmentSelector,
    data: SegmentSelector,
    task_state: SegmentSelector,
}

/// Loads the first CPU's own segments and task state, and gives the selector of its code, which is that of every CPU.
pub(super) fn load(_ring0: Ring0, task_state: &'static TaskState) -> SegmentSelector {
    let top = |stack: &Stack| VirtAddr::from_ptr(stack.0.get()) + STACK_BYTES as u64;
    let tops = || ExceptionStack::ALL.map(|stack| top(&STACKS[usize::from(stack.index())]));
    FIRST.call_once(|| Descriptors::new(tops())).load(task_state)
}

impl Descriptors {
    /// Those of a CPU whose exceptions run on stacks that end at `tops`, in the order of [`ExceptionStack::ALL`].
    pub(super) const fn new(tops: [VirtAddr; ExceptionStack::ALL.len()]) -> Self {
        Self { tops, table: Once::new() }
    }

    /// Loads them on the CPU that calls, the only one to do so, with the task state of its area, and gives the selector of
    /// its code.
    pub(super) fn load(&'static self, task_state: &'static TaskState) -> SegmentSelector {
        task_state.set_exception_stacks(&self.tops);
        let (table, selectors) = self.table.call_once(|| {
            let mut table = GlobalDescriptorTable::new();
            let code = table.append(Descriptor::kernel_code_segment());
            let data = table.append(Descriptor::kernel_data_segment());
            let user = [Descriptor::user_data_segment(), Descriptor::user_code_segment()];
            let user = user.map(|descriptor| table.append(descriptor).0);
            debug_assert_eq!(
                [code.0, data.0, user[0], user[1]],
                [KERNEL_CODE, KERNEL_DATA, USER_DATA, USER_CODE]
            );
            let task_state = table.append(task_state.descriptor());
            (table, Selectors { code, data, task_state })
        });
        table.load();
        // SAFETY: the selector names the 64-bit code segment of the table just loaded.
        unsafe { CS::set_reg(selectors.code) };
        for set in [SS::set_reg, DS::set_reg, ES::set_reg] {
            // SAFETY: the selector names the flat data segment of the table just loaded.
            unsafe { set(selectors.data) };
        }
        // Null selectors, which a return to user mode leaves alone: it would clear those of the firmware, on some
        // processors with the base of the segment.
        for set in [FS::set_reg, GS::set_reg] {
            // SAFETY: nothing is reached through the two segments yet.
            unsafe { set(SegmentSelector::NULL) };
        }
        // SAFETY: the selector names a task state segment that lives for good, loaded once.
        unsafe { load_tss(selectors.task_state) };
        selectors.code
    }
}
