//! The last means to start the machine again.

use core::arch::asm;

use x86_64::VirtAddr;
use x86_64::structures::DescriptorTablePointer;

use super::{Ring0, halt, interrupts_off};

/// Raises an exception that cannot be delivered, nor the one that this raises: the processor shuts down, which chipsets
/// answer with a reset (Intel SDM volume 3, section 6.15, interrupt 8).
pub fn triple_fault(_ring0: Ring0) -> ! {
    interrupts_off();
    let nothing = DescriptorTablePointer { limit: 0, base: VirtAddr::new(0) };
    // SAFETY: no handler is wanted from here on.
    unsafe { x86_64::instructions::tables::lidt(&nothing) };
    // SAFETY: the exception ends everything.
    unsafe { asm!("int3", options(nomem, nostack)) };
    halt()
}

/// Writes the caches back, which a reset may drop.
pub fn write_back_caches(_ring0: Ring0) {
    // SAFETY: `Ring0` says that the instruction is allowed; it changes no memory.
    unsafe { asm!("wbinvd", options(nostack, preserves_flags)) };
}
