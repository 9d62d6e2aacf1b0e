//! How ring 0 stops the processor, keeps interrupts out of it, and lets it wait.

use core::arch::asm;

use x86_64::instructions::interrupts;

use super::counter;
use crate::units::Ticks;

/// Keeps maskable interrupts out.
pub fn interrupts_off() {
    interrupts::disable();
}

/// Whether interrupts came when this was called; they do not from now on.
#[inline]
#[must_use]
pub fn keep_interrupts_out() -> bool {
    let had_interrupts = interrupts::are_enabled();
    if had_interrupts {
        interrupts::disable();
    }
    had_interrupts
}

/// Lets interrupts in, if [`keep_interrupts_out`] said that they came before.
#[inline]
pub fn restore_interrupts(had_interrupts: bool) {
    if had_interrupts {
        interrupts::enable();
    }
}

/// Waits until `is_so`, which is asked at least once; whether it is so within `patience`.
pub(super) fn spin_until(patience: Ticks, mut is_so: impl FnMut() -> bool) -> bool {
    let begin = counter::now();
    loop {
        if is_so() {
            return true;
        }
        if counter::now().since(begin) >= patience {
            return false;
        }
        core::hint::spin_loop();
    }
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
