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

/// A thermal status register (Intel SDM volume 3, section 15.8.2.1 and 15.8.4). Its layout is the same for both.
#[derive(Clone, Copy, Debug)]
pub enum ThermalStatus {
    /// `IA32_THERM_STATUS`: this core.
    Core,
    /// `IA32_PACKAGE_THERM_STATUS`: the whole package.
    Package,
}

impl ThermalStatus {
    /// Whether it is throttled, or was since the last call, which clears the log; `None` if the processor refuses.
    #[must_use]
    pub fn take_log(self) -> Option<bool> {
        const STATUS: u64 = 1 << 0;
        const LOG: u64 = 1 << 1;
        /// The log bits are sticky, cleared by a zero; a one keeps the others as they are. All else is read-only.
        const OTHER_LOGS: u64 = 1 << 3 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 11 | 1 << 13 | 1 << 15;
        let index = match self {
            Self::Core => 0x19c,
            Self::Package => 0x1b1,
        };
        let value = checked::read_msr(index)?;
        if value & LOG != 0 {
            // SAFETY: the register holds only flags about heat.
            let _ = unsafe { checked::write_msr(index, value & OTHER_LOGS) };
        }
        Some(value & (STATUS | LOG) != 0)
    }
}
