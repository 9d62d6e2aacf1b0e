//! Faults on purpose, for the tests of crash reporting.

use core::arch::asm;

use super::apic::{self, Destination, Message};
use super::{Ring0, interrupts_off, per_cpu, recovery, reset};

/// Where nothing is ever mapped: the loader maps the upper half only, and its own switch code low.
const UNMAPPED: u64 = 0x0000_5555_0000_0000;
/// Bits 63 to 47 differ.
const NOT_CANONICAL: u64 = 0x0123_4567_89ab_cdef;

/// Reads where no page is.
#[inline(never)]
#[must_use]
pub fn page_fault() -> u64 {
    load(UNMAPPED)
}

/// Reads at an address that no page can have.
#[inline(never)]
#[must_use]
pub fn general_protection() -> u64 {
    load(NOT_CANONICAL)
}

/// Executes an instruction that no processor has.
#[inline(never)]
pub fn invalid_opcode() {
    // SAFETY: UD2 raises its exception and does nothing else.
    unsafe { asm!("ud2", options(nomem, nostack)) };
}

/// Divides by zero.
#[inline(never)]
#[must_use]
pub fn divide() -> u64 {
    let quotient: u64;
    // SAFETY: DIV by zero raises its exception and does nothing else.
    unsafe {
        asm!("div {divisor}", divisor = in(reg) 0_u64, inout("rax") 1_u64 => quotient, inout("rdx") 0_u64 => _,
            options(nomem, nostack));
    }
    quotient
}

/// Raises a non-maskable interrupt of the first CPU.
pub fn interrupt_first_cpu() {
    if let (Some(apic), Some(area)) = (apic::local(), per_cpu::area(0)) {
        // A command that does not leave would be missed by whoever counts.
        let _ = apic.send(Destination::Cpu(area.apic_id()), Message::NonMaskable);
    }
}

/// Raises the exception that the hardware reports its own errors by.
#[inline(never)]
pub fn machine_check() {
    // SAFETY: the handler reports it and ends the kernel; nothing else is done.
    unsafe { asm!("int 18", options(nomem)) };
}

/// Writes over the seal of the recovery point.
pub fn break_seal() {
    let seal: *mut u64 =
        core::ptr::with_exposed_provenance_mut(usize::try_from(recovery::point()).unwrap_or(0));
    // SAFETY: the word lies on the stack of a caller, which is never gone back to: what is meant to see it broken ends
    // the kernel.
    unsafe { seal.write_volatile(0) };
}

/// Raises an exception that the processor cannot deliver.
pub fn triple_fault() -> ! {
    // SAFETY: benches that need ring 0 run in it.
    reset::triple_fault(unsafe { Ring0::assume() })
}

/// Never comes back, and lets no interrupt in.
pub fn spin() -> ! {
    interrupts_off();
    loop {
        core::hint::spin_loop();
    }
}

/// Addresses at which [`super::checked::load`] must fail.
pub const NOT_READABLE: [u64; 2] = [UNMAPPED, NOT_CANONICAL];

fn load(address: u64) -> u64 {
    let value: u64;
    // SAFETY: the load faults, and changes nothing if it does not.
    unsafe { asm!("mov {}, [{}]", out(reg) value, in(reg) address, options(nostack, readonly)) };
    value
}
