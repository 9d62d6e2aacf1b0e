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

/// Up to so many pages are forgotten one by one; more, and everything is.
const SINGLE_PAGES_MAX: u64 = 32;

static KERNEL_ROOT: AtomicU64 = AtomicU64::new(0);

/// Takes the tables in use for the kernel's own.
pub(super) fn note_kernel_root() {
    KERNEL_ROOT.store(current_root(), Ordering::Relaxed);
}

/// The root of the kernel's own tables.
pub(super) fn kernel_root() -> u64 {
    KERNEL_ROOT.load(Ordering::Relaxed)
}

/// The root of the tables in use.
#[inline]
pub(super) fn current_root() -> u64 {
    Cr3::read().0.start_address().as_u64()
}

/// Whether the tables in use are the kernel's own.
pub(in crate::arch::x86_64) fn uses_kernel_tables() -> bool {
    current_root() == kernel_root()
}

/// Uses the tables of `root`, unless they are in use. Whoever gives the root has the kernel's upper half in it.
#[inline]
pub(super) fn switch_to(root: u64) {
    if current_root() != root {
        load(root);
    }
}

/// Uses the kernel's own tables if those of `root` are in use.
pub(super) fn retire(root: u64) {
    if current_root() == root {
        load(kernel_root());
    }
}

/// Forgets what is cached of `pages` in the space of `root`. This is the one place that does so for user memory: where
/// several CPUs run, those that use `root` are told here.
pub(super) fn invalidate(root: u64, pages: Range<u64>) {
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

/// Forgets everything.
pub(super) fn invalidate_all() {
    load(current_root());
}

#[inline]
fn load(root: u64) {
    let frame = PhysFrame::containing_address(PhysAddr::new_truncate(root));
    // SAFETY: the tables map the kernel as those in use do, and user memory is reached by checked copies alone.
    unsafe { Cr3::write(frame, Cr3Flags::empty()) };
}
