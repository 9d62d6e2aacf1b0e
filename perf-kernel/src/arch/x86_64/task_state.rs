//! The task state segment: where a CPU finds the stacks of the kernel.

use core::mem::{offset_of, size_of};
use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::VirtAddr;
use x86_64::structures::gdt::Descriptor;
use x86_64::structures::tss::TaskStateSegment;

/// Stacks for exceptions that a CPU can have.
const EXCEPTION_STACKS: usize = 7;
/// Bytes of the segment (Intel SDM volume 3, section 8.7).
const BYTES: usize = 104;

/// A CPU's task state, in its area. The segment begins after the first word, so that the stacks are aligned.
///
/// Interrupts out of user mode begin on the stack that system calls run on, since both read the same word.
#[derive(Debug)]
#[repr(C)]
pub(super) struct TaskState {
    _before: u32,
    _reserved: u32,
    /// RSP0: the stack of system calls, and of interrupts out of user mode.
    pub(super) kernel_stack: AtomicU64,
    _other_rings: [u64; 2],
    _reserved_too: u64,
    exceptions: [AtomicU64; EXCEPTION_STACKS],
    _reserved_three: u64,
    _reserved_four: u16,
    /// Behind the segment: there is no map of I/O ports, and user mode may use none.
    _port_map: u16,
}

const SEGMENT: usize = offset_of!(TaskState, _reserved);
const _: () = assert!(
    size_of::<TaskStateSegment>() == BYTES
        && offset_of!(TaskState, kernel_stack)
            == SEGMENT + offset_of!(TaskStateSegment, privilege_stack_table)
        && offset_of!(TaskState, exceptions) == SEGMENT + offset_of!(TaskStateSegment, interrupt_stack_table)
        && offset_of!(TaskState, _port_map) == SEGMENT + offset_of!(TaskStateSegment, iomap_base)
);

impl TaskState {
    /// One without stacks.
    pub(super) const fn new() -> Self {
        Self {
            _before: 0,
            _reserved: 0,
            kernel_stack: AtomicU64::new(0),
            _other_rings: [0; 2],
            _reserved_too: 0,
            exceptions: [const { AtomicU64::new(0) }; EXCEPTION_STACKS],
            _reserved_three: 0,
            _reserved_four: 0,
            _port_map: 104,
        }
    }

    /// Says where stacks of exceptions end, in the order of their places.
    pub(super) fn set_exception_stacks(&self, tops: &[VirtAddr]) {
        for (place, top) in self.exceptions.iter().zip(tops) {
            place.store(top.as_u64(), Ordering::Relaxed);
        }
    }

    /// What the descriptor table says of it.
    pub(super) fn descriptor(&'static self) -> Descriptor {
        let segment = core::ptr::from_ref(self).cast::<u8>().wrapping_add(SEGMENT);
        // SAFETY: the segment lies there for good, and has the layout that is checked above.
        unsafe { Descriptor::tss_segment_unchecked(segment.cast()) }
    }
}
