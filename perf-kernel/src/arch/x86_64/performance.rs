//! Registers that count and sense, which safe code may write.

use super::{Ring0, checked};

/// The right to program performance counters and to clear logs of sensors.
#[derive(Clone, Copy, Debug)]
pub struct PerformanceRegisters(());

impl PerformanceRegisters {
    /// The registers of the processor that the caller runs on.
    #[must_use]
    pub const fn new(_: Ring0) -> Self {
        Self(())
    }

    /// Reads the register `index`; `None` if the processor refuses.
    #[must_use]
    pub fn read(self, index: u32) -> Option<u64> {
        checked::read_msr(index)
    }

    /// Reads a counter by RDPMC; `None` if the processor refuses.
    #[must_use]
    pub fn read_counter(self, selector: u32) -> Option<u64> {
        checked::read_counter(selector)
    }

    /// Writes the register `index`; `None` if the processor refuses, or if it is none of those that only count or log.
    #[must_use]
    pub fn write(self, index: u32, value: u64) -> Option<()> {
        if !is_harmless(index, value) {
            return None;
        }
        // SAFETY: the register counts events or logs heat, and neither interrupts nor writes to memory, as
        // `is_harmless` has seen.
        unsafe { checked::write_msr(index, value) }
    }
}

/// Whether a write has no effect but on what is counted and logged. An event-select register could also ask for an
/// interrupt at overflow (bit 20), and so could each fixed counter (bit 3 of its four).
const fn is_harmless(index: u32, value: u64) -> bool {
    const INTERRUPT: u64 = 1 << 20;
    const FIXED_INTERRUPTS: u64 = 0x8888_8888_8888_8888;
    match index {
        // Intel SDM volume 4, table 2-2: event selects.
        0x186..=0x18d => value & INTERRUPT == 0,
        0x38d => value & FIXED_INTERRUPTS == 0,
        // Counters, and what enables, tells and clears for all.
        0xc1..=0xc8 | 0x309..=0x30f | 0x38f | 0x390 => true,
        // IA32_THERM_STATUS and IA32_PACKAGE_THERM_STATUS: only log bits can be written.
        0x19c | 0x1b1 => true,
        // AMD APM volume 2, appendix A.5: event selects and counters, of old (first selects, then counters) and extended
        // (in turn), and those of the third-level cache.
        0xc001_0000..=0xc001_0003 => value & INTERRUPT == 0,
        0xc001_0004..=0xc001_0007 => true,
        0xc001_0200..=0xc001_021f | 0xc001_0230..=0xc001_023b => index & 1 == 1 || value & INTERRUPT == 0,
        // PerfCntrGlobalStatus, PerfCntrGlobalCtl, PerfCntrGlobalStatusClr.
        0xc000_0300..=0xc000_0302 => true,
        _ => false,
    }
}
