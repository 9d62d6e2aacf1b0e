//! What disturbs the processor, as far as its registers tell.

use raw_cpuid::CpuIdReader;

use super::identity::{Processor, Vendor};
use super::registers::Registers;

const MSR_SMI_COUNT: u32 = 0x34;
const IA32_MPERF: u32 = 0xe7;
const IA32_APERF: u32 = 0xe8;
const IA32_THERM_STATUS: u32 = 0x19c;
const IA32_PACKAGE_THERM_STATUS: u32 = 0x1b1;

/// `IA32_APERF` and `IA32_MPERF`: cycles at the actual and at the nominal speed (Intel SDM volume 3, section 15.2; AMD APM
/// volume 2, section 17.3, "Effective Frequency").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerformanceClocks {
    /// Cycles at the actual speed.
    pub aperf: u64,
    /// Cycles at the nominal speed.
    pub mperf: u64,
}

/// The sensors that a processor has.
#[derive(Debug)]
pub struct Sensors<R> {
    registers: R,
    has_smi_count: bool,
    has_performance_clocks: bool,
    has_thermal_sensor: bool,
    /// Registers that log throttling.
    thermal: [Option<u32>; 2],
}

impl<R: Registers> Sensors<R> {
    /// Asks CPUID, and tries each register that it promises.
    #[must_use]
    pub fn detect<C: CpuIdReader>(cpuid: &C, registers: R) -> Self {
        let processor = Processor::read(cpuid);
        let is_intel = processor.vendor == Vendor::Intel;
        // CPUID leaf 6: Intel SDM volume 2A; of AMD's only ECX bit 0 is in the APM (volume 3, Fn0000_0006).
        let power = (cpuid.cpuid1(0).eax >= 6).then(|| cpuid.cpuid1(6));
        let (eax, ecx) = power.map_or((0, 0), |leaf| (leaf.eax, leaf.ecx));
        let has = |index: u32| registers.read(index).is_some();
        let log = |is_promised: bool, index| (is_intel && is_promised && has(index)).then_some(index);
        Self {
            has_smi_count: counts_smis(&processor) && has(MSR_SMI_COUNT),
            has_performance_clocks: ecx & 1 == 1 && has(IA32_APERF) && has(IA32_MPERF),
            has_thermal_sensor: eax & 1 == 1,
            // Digital sensor (bit 0) and package management (bit 6). AMD documents no such register.
            thermal: [
                log(eax & 1 == 1, IA32_THERM_STATUS),
                log(eax >> 6 & 1 == 1, IA32_PACKAGE_THERM_STATUS),
            ],
            registers,
        }
    }

    /// Whether APERF and MPERF can be read.
    #[must_use]
    pub const fn has_performance_clocks(&self) -> bool {
        self.has_performance_clocks
    }

    /// Whether there is a digital thermal sensor.
    #[must_use]
    pub const fn has_thermal_sensor(&self) -> bool {
        self.has_thermal_sensor
    }

    /// System management interrupts since reset: bits 31 to 0 (Intel SDM volume 4, table 2-15).
    #[must_use]
    pub fn smi_count(&self) -> Option<u64> {
        let count = self.has_smi_count.then(|| self.registers.read(MSR_SMI_COUNT)).flatten();
        count.map(|count| count & u64::from(u32::MAX))
    }

    /// Both clocks, as close to each other as two reads are.
    #[must_use]
    pub fn performance_clocks(&self) -> Option<PerformanceClocks> {
        let read = |index| self.has_performance_clocks.then(|| self.registers.read(index)).flatten();
        Some(PerformanceClocks { aperf: read(IA32_APERF)?, mperf: read(IA32_MPERF)? })
    }

    /// Whether core or package is throttled for heat, or was since the last call, which clears the logs of both; `None`
    /// where no register tells.
    #[must_use]
    pub fn take_throttling(&self) -> Option<bool> {
        let logs = self.thermal.iter().flatten().filter_map(|index| self.take_log(*index));
        // All logs are taken: one that is left would be charged to the next bench.
        logs.fold(None, |any, log| Some(any.unwrap_or(false) | log))
    }

    /// The layout is that of both registers (Intel SDM volume 3, section 15.8.2.1 and 15.8.4).
    fn take_log(&self, index: u32) -> Option<bool> {
        const STATUS: u64 = 1 << 0;
        const LOG: u64 = 1 << 1;
        /// The log bits are sticky, cleared by a zero; a one keeps the others as they are. All else is read-only.
        const OTHER_LOGS: u64 = 1 << 3 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 11 | 1 << 13 | 1 << 15;
        let value = self.registers.read(index)?;
        if value & LOG != 0 {
            // Where it cannot be cleared, it goes on saying that the processor was throttled, which it was.
            let _ = self.registers.write(index, value & OTHER_LOGS);
        }
        Some(value & (STATUS | LOG) != 0)
    }
}

/// Nehalem and later of family 6 have the count. Atoms of that time do not, and refuse the read.
fn counts_smis(processor: &Processor) -> bool {
    const NEHALEM: u32 = 0x1a;
    processor.vendor == Vendor::Intel && processor.family == 6 && processor.model >= NEHALEM
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pmu::scripted::{AMD, INTEL, Scripted, cpuid, leaf};

    const SKYLAKE: u32 = 0x0005_0654;

    /// A processor whose leaf 6 promises everything.
    fn sensors(vendor: [u8; 12], signature: u32, registers: &Scripted) -> Sensors<&Scripted> {
        Sensors::detect(&cpuid(vendor, signature, &[(6, leaf(1 | 1 << 6, 0, 1, 0))]), registers)
    }

    #[test]
    fn all_that_intel_has_is_read() {
        let registers =
            Scripted::with(&[(0x34, 0xffff_ffff_0000_0007), (0xe7, 50), (0xe8, 60), (0x19c, 0), (0x1b1, 0)]);
        let sensors = sensors(INTEL, SKYLAKE, &registers);
        assert_eq!(sensors.smi_count(), Some(7));
        assert_eq!(sensors.performance_clocks(), Some(PerformanceClocks { aperf: 60, mperf: 50 }));
        assert_eq!(sensors.take_throttling(), Some(false));
    }

    #[test]
    fn a_log_of_throttling_is_taken_once_and_others_are_kept() {
        let others = 1 << 3 | 1 << 11;
        let registers = Scripted::with(&[(0x19c, 1 << 31 | 1 << 1 | others), (0x1b1, 1 << 1)]);
        let sensors = sensors(INTEL, SKYLAKE, &registers);
        assert_eq!(sensors.take_throttling(), Some(true));
        assert_eq!(registers.writes(), [(0x19c, others), (0x1b1, 0)]);
        assert_eq!(sensors.take_throttling(), Some(false));
    }

    #[test]
    fn a_log_that_cannot_be_cleared_stays() {
        let registers = Scripted::with(&[(0x19c, 1 << 1)]);
        registers.refuse_write(0x19c);
        let sensors = sensors(INTEL, SKYLAKE, &registers);
        assert_eq!((sensors.take_throttling(), sensors.take_throttling()), (Some(true), Some(true)));
    }

    #[test]
    fn every_register_that_faults_is_absent_alone() {
        let all = [(0x34, 7), (0xe7, 50), (0xe8, 60), (0x19c, 1), (0x1b1, 1)];
        for (refused, _) in all {
            let present: Vec<(u32, u64)> = all.into_iter().filter(|(index, _)| *index != refused).collect();
            let registers = Scripted::with(&present);
            let sensors = sensors(INTEL, SKYLAKE, &registers);
            assert_eq!(sensors.smi_count().is_none(), refused == 0x34, "{refused:#x}");
            let are_clocks_gone = refused == 0xe7 || refused == 0xe8;
            assert_eq!(sensors.performance_clocks().is_none(), are_clocks_gone, "{refused:#x}");
            assert_eq!(sensors.take_throttling(), Some(true), "the other register tells");
        }
    }

    #[test]
    fn registers_of_intel_are_not_touched_on_amd() {
        let registers = Scripted::with(&[(0x34, 7), (0xe7, 50), (0xe8, 60), (0x19c, 3), (0x1b1, 3)]);
        let sensors = sensors(AMD, 0x00a0_0f11, &registers);
        assert_eq!((sensors.smi_count(), sensors.take_throttling()), (None, None));
        assert_eq!(sensors.performance_clocks(), Some(PerformanceClocks { aperf: 60, mperf: 50 }));
        assert_eq!(registers.reads_of(&[0x34, 0x19c, 0x1b1]), 0);
    }

    #[test]
    fn what_cpuid_does_not_promise_is_not_touched() {
        let registers = Scripted::with(&[(0xe7, 50), (0xe8, 60), (0x19c, 3), (0x1b1, 3)]);
        let sensors = Sensors::detect(&cpuid(INTEL, SKYLAKE, &[]), &registers);
        assert_eq!((sensors.performance_clocks(), sensors.take_throttling()), (None, None));
        assert!(!sensors.has_thermal_sensor() && !sensors.has_performance_clocks());
    }
}
