//! What a CPU knows without asking: its area, at its GS base while it is in the kernel.

use core::arch::asm;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use x86_64::VirtAddr;
use x86_64::registers::model_specific::{GsBase, KernelGsBase};

use super::process::Process;

/// The area of a CPU. Assembly knows the offsets; only its own CPU uses it.
#[repr(C)]
pub(super) struct CpuArea {
    /// Where the area itself is.
    this: AtomicPtr<Self>,
    /// The stack that system calls run on: that of whoever entered user mode, below what it keeps there.
    pub(super) kernel_stack: AtomicU64,
    /// The stack pointer of user mode, for a moment.
    pub(super) user_stack: AtomicU64,
    /// What runs in user mode or is copied from and to; null if nothing.
    process: AtomicPtr<Process<'static>>,
    /// Whether VZEROALL may be used.
    pub(super) has_avx: AtomicBool,
    /// Whether user memory is out of the kernel's reach unless AC is set.
    has_smap: AtomicBool,
}

static AREA: CpuArea = CpuArea::new();

impl CpuArea {
    const fn new() -> Self {
        Self {
            this: AtomicPtr::new(ptr::null_mut()),
            kernel_stack: AtomicU64::new(0),
            user_stack: AtomicU64::new(0),
            process: AtomicPtr::new(ptr::null_mut()),
            has_avx: AtomicBool::new(false),
            has_smap: AtomicBool::new(false),
        }
    }

    /// Gives this CPU its area, before anything uses one.
    pub(super) fn install(has_avx: bool, has_smap: bool) {
        AREA.this.store((&raw const AREA).cast_mut(), Ordering::Relaxed);
        AREA.has_avx.store(has_avx, Ordering::Relaxed);
        AREA.has_smap.store(has_smap, Ordering::Relaxed);
        GsBase::write(VirtAddr::from_ptr(&raw const AREA));
        // What user mode gets by SWAPGS.
        KernelGsBase::write(VirtAddr::zero());
    }

    /// The area of the CPU that this runs on.
    #[inline]
    pub(super) fn current() -> &'static Self {
        let this: *const Self;
        // SAFETY: `install` has made GS lead to an area, whose first word is its address; nothing is changed.
        unsafe {
            asm!("mov {}, gs:[0]", out(reg) this, options(nostack, preserves_flags, readonly));
        }
        // SAFETY: areas are statics, of which atomics are the only contents.
        unsafe { &*this }
    }

    /// Makes GS lead to the area, wherever it led, with nothing in user mode.
    pub(super) fn reset() {
        AREA.process.store(ptr::null_mut(), Ordering::Relaxed);
        GsBase::write(VirtAddr::from_ptr(&raw const AREA));
        KernelGsBase::write(VirtAddr::zero());
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

    /// The process that an exception or a system call belongs to.
    #[inline]
    pub(super) fn process(&self) -> Option<&Process<'static>> {
        let process = self.process.load(Ordering::Relaxed);
        // SAFETY: `with_process` borrows the process for as long as the pointer is here, and what is made of it lives
        // no longer than the handler that interrupts it; nothing in it can be kept beyond that.
        unsafe { process.as_ref() }
    }
}
