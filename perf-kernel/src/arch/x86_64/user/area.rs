//! What a CPU knows of user mode without asking: a part of its area, to which GS leads while it is in the kernel.

use core::arch::asm;
use core::mem::offset_of;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use x86_64::VirtAddr;
use x86_64::registers::model_specific::KernelGsBase;

use super::entry;
use super::process::Process;
use crate::arch::x86_64::per_cpu::{self, CpuArea};
use crate::arch::x86_64::task_state::TaskState;
use crate::arch::x86_64::vector_state;
use crate::kernel::signals::Signal;

/// The part of a CPU's area that is about user mode. Assembly knows the offsets; only its own CPU uses it.
#[derive(Debug)]
#[repr(C)]
pub(in crate::arch::x86_64) struct UserArea {
    /// With the stack that system calls and interrupts run on: that of whoever entered user mode, below what it keeps there.
    pub(in crate::arch::x86_64) task_state: TaskState,
    /// The stack pointer of user mode, for a moment.
    pub(super) user_stack: AtomicU64,
    /// What runs in user mode or is copied from and to; null if nothing.
    process: AtomicPtr<Process<'static>>,
    /// Whether VZEROALL may be used.
    pub(super) has_avx: AtomicBool,
    /// Whether user memory is out of the kernel's reach unless AC is set.
    has_smap: AtomicBool,
    /// What XSAVE keeps here; 0 without XSAVE.
    pub(super) vector_components: AtomicU64,
    /// What a call that receives gives back in R8 and R9.
    pub(super) words: [AtomicU64; 2],
    /// RIP, RFLAGS and RSP of a program that was interrupted, on the way to its signals.
    pub(super) interrupted: [AtomicU64; 3],
    /// The signal that its exception counts as, by number, and what the handler is told of it; 0 without one.
    fault: [AtomicU64; 3],
}

impl UserArea {
    /// Where the process is noted.
    pub(super) const PROCESS: usize = offset_of!(Self, process);

    pub(in crate::arch::x86_64) const fn new() -> Self {
        Self {
            task_state: TaskState::new(),
            user_stack: AtomicU64::new(0),
            process: AtomicPtr::new(ptr::null_mut()),
            has_avx: AtomicBool::new(false),
            has_smap: AtomicBool::new(false),
            vector_components: AtomicU64::new(0),
            words: [const { AtomicU64::new(0) }; 2],
            interrupted: [const { AtomicU64::new(0) }; 3],
            fault: [const { AtomicU64::new(0) }; 3],
        }
    }

    /// Gets this CPU's ready, before anything uses it.
    pub(super) fn install(has_avx: bool, has_smap: bool) {
        let area = Self::current();
        area.has_avx.store(has_avx, Ordering::Relaxed);
        area.has_smap.store(has_smap, Ordering::Relaxed);
        area.vector_components.store(vector_state::components(), Ordering::Relaxed);
        // What user mode gets by SWAPGS.
        KernelGsBase::write(VirtAddr::zero());
    }

    /// That of the CPU that this runs on. User mode is set up after the CPU's area.
    #[inline]
    pub(super) fn current() -> &'static Self {
        &CpuArea::of_caller().user
    }

    /// Makes GS lead to the area of the first CPU, which calls, wherever it led, with nothing in user mode.
    pub(super) fn reset() {
        per_cpu::area(0).into_iter().for_each(Self::reset_to);
    }

    /// The same with `area`, which is that of the CPU that calls.
    pub(super) fn reset_to(area: &'static CpuArea) {
        per_cpu::adopt(area);
        area.user.process.store(ptr::null_mut(), Ordering::Relaxed);
        KernelGsBase::write(VirtAddr::zero());
    }

    /// The frame pointer of whoever entered user mode, where it is kept; `None` if nobody has.
    pub(super) fn entered_from(&self) -> Option<u64> {
        let process = self.process.load(Ordering::Relaxed);
        let stack = self.task_state.kernel_stack.load(Ordering::Relaxed);
        (!process.is_null()).then(|| stack.wrapping_add(entry::KEPT_FRAME_POINTER))
    }

    /// Makes GS lead to the area again, if an exception came after user mode's base was put in its place.
    pub(super) fn swap_back() {
        // SAFETY: the caller has found that GS is user mode's; nothing else is reached through GS.
        unsafe { asm!("swapgs", options(nostack, preserves_flags)) };
    }

    #[inline]
    pub(super) fn has_smap(&self) -> bool {
        self.has_smap.load(Ordering::Relaxed)
    }

    /// Calls `use_it` while `process` is the one that exceptions belong to.
    #[inline]
    pub(super) fn with_process<T>(&self, process: &Process<'_>, use_it: impl FnOnce() -> T) -> T {
        let address = ptr::from_ref(process).cast::<Process<'static>>().cast_mut();
        let before = self.process.swap(address, Ordering::Relaxed);
        let result = use_it();
        self.process.store(before, Ordering::Relaxed);
        result
    }

    /// Says what a call that receives gives back beside RAX.
    #[inline]
    pub(super) fn set_words(&self, words: [u64; 2]) {
        self.words[0].store(words[0], Ordering::Relaxed);
        self.words[1].store(words[1], Ordering::Relaxed);
    }

    /// What [`UserArea::set_words`] was given last.
    #[inline]
    pub(super) fn words(&self) -> [u64; 2] {
        [self.words[0].load(Ordering::Relaxed), self.words[1].load(Ordering::Relaxed)]
    }

    /// Notes RIP, RFLAGS and RSP of the program.
    pub(super) fn set_interrupted(&self, registers: [u64; 3]) {
        set(&self.interrupted, registers);
    }

    /// Notes the exception for which the program's handler is to be called.
    pub(super) fn set_fault(&self, fault: [u64; 3]) {
        set(&self.fault, fault);
    }

    /// The exception for which the program's handler is to be called, once.
    #[inline]
    pub(super) fn take_fault(&self) -> Option<(Signal, [u64; 2])> {
        let [number, vector, address] = &self.fault;
        let signal = Signal::new(number.load(Ordering::Relaxed))?;
        number.store(0, Ordering::Relaxed);
        Some((signal, [vector.load(Ordering::Relaxed), address.load(Ordering::Relaxed)]))
    }

    /// Makes `process` the one that exceptions belong to, which the calling thread had in [`UserArea::with_process`] when
    /// it was stopped.
    #[inline]
    pub(super) fn set_process(&self, process: Option<NonNull<Process<'static>>>) {
        self.process.store(process.map_or(ptr::null_mut(), NonNull::as_ptr), Ordering::Relaxed);
    }

    /// The process that an exception or a system call belongs to.
    #[inline]
    pub(super) fn process(&self) -> Option<&Process<'static>> {
        let process = self.process.load(Ordering::Relaxed);
        // SAFETY: `with_process` borrows the process for as long as the pointer is here, and what is made of it lives
        // no longer than the handler that interrupts it; nothing in it can be kept beyond that.
        unsafe { process.as_ref() }
    }
}

fn set(words: &[AtomicU64; 3], values: [u64; 3]) {
    for (word, value) in words.iter().zip(values) {
        word.store(value, Ordering::Relaxed);
    }
}
