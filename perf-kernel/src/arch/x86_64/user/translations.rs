//! The processor's translations: which tables it uses, and what it has cached of them.
//!
//! There are no global pages and no process-context identifiers: loading CR3 forgets everything (Intel SDM volume 3,
//! section 4.10.4.1).

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use multios_core::memory::FRAME_BYTES;
use x86_64::instructions::tlb;
use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::PhysFrame;
use x86_64::{PhysAddr, VirtAddr};

use crate::arch::x86_64::per_cpu::CpuArea;
use crate::arch::x86_64::shootdown::{self, Forget};

/// Up to so many pages are forgotten one by one; more, and everything is.
const SINGLE_PAGES_MAX: u64 = 32;

static KERNEL_ROOT: AtomicU64 = AtomicU64::new(0);

/// Takes the tables in use for the kernel's own.
pub(super) fn note_kernel_root() {
    KERNEL_ROOT.store(current_root(), Ordering::Relaxed);
}

/// The root of the kernel's own tables.
pub(in crate::arch::x86_64) fn kernel_root() -> u64 {
    KERNEL_ROOT.load(Ordering::Relaxed)
}

/// Which tables a CPU uses, for others to see. While it changes them it may use both.
#[derive(Debug)]
pub(in crate::arch::x86_64) struct InUse {
    root: AtomicU64,
    next: AtomicU64,
}

impl InUse {
    pub(in crate::arch::x86_64) const fn new() -> Self {
        Self { root: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// Notes what the calling CPU, whose it is, came with.
    pub(in crate::arch::x86_64) fn begin(&self) {
        let root = Cr3::read().0.start_address().as_u64();
        self.next.store(root, Ordering::SeqCst);
        self.root.store(root, Ordering::SeqCst);
    }

    /// Whether the CPU may have cached translations of `root`.
    pub(in crate::arch::x86_64) fn may_use(&self, root: u64) -> bool {
        self.root.load(Ordering::SeqCst) == root || self.next.load(Ordering::SeqCst) == root
    }
}

/// The root of the tables in use.
#[inline]
pub(super) fn current_root() -> u64 {
    CpuArea::of_caller().translations.root.load(Ordering::Relaxed)
}

/// Whether the tables in use are the kernel's own.
pub(in crate::arch::x86_64) fn uses_kernel_tables() -> bool {
    current_root() == kernel_root()
}

/// Uses the tables of `root`, unless they are in use. Whoever gives the root has the kernel's upper half in it.
#[inline]
pub(super) fn switch_to(root: u64) {
    switch_to_on(CpuArea::of_caller(), root);
}

/// The same where the area of the calling CPU is known.
#[inline]
pub(super) fn switch_to_on(cpu: &CpuArea, root: u64) {
    if cpu.translations.root.load(Ordering::Relaxed) != root {
        load_on(cpu, root);
    }
}

/// Makes sure that no CPU uses the tables of `root`, whose process is gone.
pub(super) fn retire(root: u64) {
    leave(root);
    shootdown::ask_others(&Forget::Space(root));
}

/// Forgets, on every CPU, what is cached of `pages` in the space of `root`. This is the one place that does so for user
/// memory.
pub(super) fn invalidate(root: u64, pages: Range<u64>) {
    forget(root, pages.clone());
    shootdown::ask_others(&Forget::Pages(root, pages));
}

/// Uses the kernel's own tables on this CPU if those of `root` are in use.
pub(in crate::arch::x86_64) fn leave(root: u64) {
    if current_root() == root {
        load(kernel_root());
    }
}

/// Forgets on this CPU what is cached of `pages` in the space of `root`.
pub(in crate::arch::x86_64) fn forget(root: u64, pages: Range<u64>) {
    if current_root() != root {
        // Its translations were forgotten when other tables were loaded.
        return;
    }
    if (pages.end - pages.start) / FRAME_BYTES > SINGLE_PAGES_MAX {
        load(root);
        return;
    }
    let mut page = pages.start;
    while page < pages.end {
        tlb::flush(VirtAddr::new_truncate(page));
        page += FRAME_BYTES;
    }
}

/// Forgets everything on this CPU.
pub(in crate::arch::x86_64) fn forget_all() {
    load(current_root());
}

fn load(root: u64) {
    load_on(CpuArea::of_caller(), root);
}

/// Loading CR3 stores everything before it and forgets everything cached (Intel SDM volume 3, sections 4.10.4.1 and 8.3).
#[inline]
fn load_on(cpu: &CpuArea, root: u64) {
    // SAFETY: a root is the address of a frame.
    let address = unsafe { PhysAddr::new_unsafe(root) };
    // SAFETY: as above.
    let frame = unsafe { PhysFrame::from_start_address_unchecked(address) };
    let in_use = &cpu.translations;
    in_use.next.store(root, Ordering::Relaxed);
    // SAFETY: the tables map the kernel as those in use do, and user memory is reached by checked copies alone.
    unsafe { Cr3::write(frame, Cr3Flags::empty()) };
    in_use.root.store(root, Ordering::Relaxed);
}
