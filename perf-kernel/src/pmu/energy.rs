//! Energy that the package has taken, by its running average power limit (RAPL) registers.

use raw_cpuid::CpuIdReader;

use super::identity::{Processor, Vendor};
use super::registers::Registers;

/// A counter of energy, and how much it was ahead when last read. It has 32 bits and wraps around within minutes to hours:
/// the sum is right as long as it is read once in that time.
#[derive(Debug)]
pub struct EnergyMeter<R> {
    registers: R,
    register: u32,
    scale: Scale,
    latest: u32,
    /// Units since the meter was made.
    units: u64,
}

/// What one unit of the counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// 1 J divided by two to the power of this.
    JoulesOver(u32),
    /// 1 uJ times two to the power of this.
    MicrojoulesTimes(u32),
}

impl<R: Registers> EnergyMeter<R> {
    /// The meter of the package; `None` where the processor has none or refuses, and where it has never counted anything,
    /// as under hypervisors that answer every read with zero.
    #[must_use]
    pub fn detect<C: CpuIdReader>(cpuid: &C, registers: R) -> Option<Self> {
        let processor = Processor::read(cpuid);
        let (unit, register) = match processor.vendor {
            // MSR_RAPL_POWER_UNIT and MSR_PKG_ENERGY_STATUS (Intel SDM volume 3, section 15.10.1 and 15.10.3). No leaf of
            // CPUID tells of them.
            Vendor::Intel if processor.family == 6 => (0x606, 0x611),
            // RAPL_PWR_UNIT and PKG_ENERGY_STAT (Processor Programming References from 54945 on, MSRC001_0299 and
            // MSRC001_029B), if Fn8000_0007_EDX bit 14 says so.
            Vendor::Amd if has_rapl(cpuid) => (0xc001_0299, 0xc001_029b),
            _ => return None,
        };
        // Bits 12 to 8: energy status units, in both manuals.
        let exponent = u32::try_from(registers.read(unit)? >> 8 & 0x1f).ok()?;
        let scale = if is_silvermont(&processor) {
            Scale::MicrojoulesTimes(exponent)
        } else {
            Scale::JoulesOver(exponent)
        };
        let latest = count(registers.read(register)?);
        (latest != 0).then_some(Self { registers, register, scale, latest, units: 0 })
    }

    /// Microjoules that the package has taken since the meter was made, rounded down; `None` if the register is refused.
    pub fn microjoules(&mut self) -> Option<u64> {
        let now = count(self.registers.read(self.register)?);
        self.units = self.units.saturating_add(now.wrapping_sub(self.latest).into());
        self.latest = now;
        let units = u128::from(self.units);
        let microjoules = match self.scale {
            Scale::JoulesOver(exponent) => (units * 1_000_000) >> exponent,
            Scale::MicrojoulesTimes(exponent) => units << exponent,
        };
        Some(u64::try_from(microjoules).unwrap_or(u64::MAX))
    }
}

/// The energy is in bits 31 to 0; the rest is reserved.
const fn count(register: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = register.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}

fn has_rapl<C: CpuIdReader>(cpuid: &C) -> bool {
    const POWER: u32 = 0x8000_0007;
    cpuid.cpuid1(0x8000_0000).eax >= POWER && cpuid.cpuid1(POWER).edx >> 14 & 1 == 1
}

/// Silvermont and Airmont count in powers of two of a microjoule (Intel SDM volume 4, table 2-8, MSR_RAPL_POWER_UNIT).
const fn is_silvermont(processor: &Processor) -> bool {
    matches!(processor.model, 0x37 | 0x4a | 0x4c | 0x4d | 0x5a | 0x5d)
        && matches!(processor.vendor, Vendor::Intel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pmu::scripted::{AMD, INTEL, Scripted, cpuid, leaf};

    const SKYLAKE: u32 = 0x0005_0654;
    const ZEN_3: u32 = 0x00a0_0f11;

    #[test]
    fn a_unit_of_intel_is_a_part_of_a_joule() {
        let registers = Scripted::with(&[(0x606, 0x000a_0e03), (0x611, 1_000)]);
        let mut meter = EnergyMeter::detect(&cpuid(INTEL, SKYLAKE, &[]), &registers).expect("it is there");
        assert_eq!(meter.microjoules(), Some(0));
        registers.set(0x611, 1_000 + (1 << 14));
        assert_eq!(meter.microjoules(), Some(1_000_000));
        registers.set(0x611, 1_001 + (1 << 14));
        assert_eq!(meter.microjoules(), Some(1_000_061));
    }

    #[test]
    fn the_counter_may_wrap_around_between_two_reads() {
        let registers = Scripted::with(&[(0x606, 0x10 << 8), (0x611, 0xffff_ff00)]);
        let mut meter = EnergyMeter::detect(&cpuid(INTEL, SKYLAKE, &[]), &registers).expect("it is there");
        registers.set(0x611, 0x100);
        assert_eq!(meter.microjoules(), Some((0x200 * 1_000_000) >> 16));
        registers.set(0x611, 0xff);
        assert_eq!(
            meter.microjoules(),
            Some(((0x200 + 0xffff_ffff) * 1_000_000) >> 16),
            "once round, but one"
        );
    }

    #[test]
    fn reserved_bits_above_the_count_mean_nothing() {
        let registers = Scripted::with(&[(0x606, 0), (0x611, 0xdead_beef_0000_0001)]);
        let mut meter = EnergyMeter::detect(&cpuid(INTEL, SKYLAKE, &[]), &registers).expect("it is there");
        registers.set(0x611, 0x1234_5678_0000_0003);
        assert_eq!(meter.microjoules(), Some(2_000_000));
    }

    #[test]
    fn silvermont_counts_in_multiples_of_a_microjoule() {
        let registers = Scripted::with(&[(0x606, 5 << 8), (0x611, 1)]);
        let mut meter =
            EnergyMeter::detect(&cpuid(INTEL, 0x0003_0678, &[]), &registers).expect("it is there");
        registers.set(0x611, 11);
        assert_eq!(meter.microjoules(), Some(320));
    }

    #[test]
    fn amd_has_the_meter_where_cpuid_says_so() {
        let registers = Scripted::with(&[(0xc001_0299, 0x000a_1003), (0xc001_029b, 77)]);
        let with = [(0x8000_0000, leaf(0x8000_0008, 0, 0, 0)), (0x8000_0007, leaf(0, 0, 0, 1 << 14))];
        let mut meter = EnergyMeter::detect(&cpuid(AMD, ZEN_3, &with), &registers).expect("it is there");
        registers.set(0xc001_029b, 77 + (1 << 16));
        assert_eq!(meter.microjoules(), Some(1_000_000));
        assert!(EnergyMeter::detect(&cpuid(AMD, ZEN_3, &with[..1]), &registers).is_none());
        assert!(EnergyMeter::detect(&cpuid(AMD, ZEN_3, &[]), &registers).is_none());
    }

    #[test]
    fn a_register_that_faults_or_never_counted_is_no_meter() {
        let refused = [vec![], vec![(0x606, 0xe00)], vec![(0x611, 5)], vec![(0x606, 0xe00), (0x611, 0)]];
        for registers in refused {
            let registers = Scripted::with(&registers);
            assert!(EnergyMeter::detect(&cpuid(INTEL, SKYLAKE, &[]), &registers).is_none());
        }
    }

    #[test]
    fn a_register_that_begins_to_fault_is_absent() {
        let registers = Scripted::with(&[(0x606, 0xe00), (0x611, 5)]);
        let mut meter = EnergyMeter::detect(&cpuid(INTEL, SKYLAKE, &[]), &registers).expect("it is there");
        registers.remove(0x611);
        assert_eq!(meter.microjoules(), None);
    }
}
