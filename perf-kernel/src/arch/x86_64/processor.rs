//! Instructions of ring 0 that stop the processor.

use core::arch::asm;

/// Keeps maskable interrupts out.
pub fn interrupts_off() {
    x86_64::instructions::interrupts::disable();
}

/// Stops this CPU for good.
pub fn halt() -> ! {
    loop {
        interrupts_off();
        x86_64::instructions::hlt();
    }
}

/// The caller's frame pointer.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> u64 {
    let value: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}
