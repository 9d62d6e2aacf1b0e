//! Model-specific registers.

use super::checked;

/// Reads the register `index`; `None` if the processor does not have it.
#[must_use]
pub fn read_checked(index: u32) -> Option<u64> {
    checked::read_msr(index)
}

/// The revision of the microcode; `None` if the processor does not tell.
#[must_use]
pub fn microcode_revision(is_intel: bool) -> Option<u32> {
    const IA32_BIOS_SIGN_ID: u32 = 0x8b;
    if !is_intel {
        // AMD, "PATCH_LEVEL": the lower half, always up to date.
        return half(checked::read_msr(IA32_BIOS_SIGN_ID)?);
    }
    // Intel SDM volume 3, section 10.11.7.1: written as zero, it is filled in by CPUID leaf 1, in the upper half.
    // SAFETY: the register only holds this revision.
    unsafe { checked::write_msr(IA32_BIOS_SIGN_ID, 0) }?;
    let _ = raw_cpuid::cpuid!(1);
    half(checked::read_msr(IA32_BIOS_SIGN_ID)? >> 32)
}

fn half(value: u64) -> Option<u32> {
    u32::try_from(value & u64::from(u32::MAX)).ok().filter(|revision| *revision != 0)
}
