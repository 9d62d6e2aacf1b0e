//! What disturbs the machine, as far as its registers tell.

use alloc::vec::Vec;

use raw_cpuid::{CpuId, CpuIdReader, CpuIdReaderNative, Hypervisor};

use crate::arch::msr::{self, ThermalStatus};
use crate::arch::{PhysicalMemory, StealTime, exceptions};
use crate::platform::{Disturbances, InterferenceCounters};

const MSR_SMI_COUNT: u32 = 0x34;
const IA32_MPERF: u32 = 0xe7;
const IA32_APERF: u32 = 0xe8;

/// The registers that this machine has.
pub(super) struct InterferenceSources {
    has_smi_count: bool,
    has_performance_clocks: bool,
    has_thermal_sensor: bool,
    thermal: Vec<ThermalStatus>,
    steal: Option<StealTime>,
}

impl InterferenceSources {
    /// Finds out, and asks a KVM host for an account of the time that it gives to others.
    pub(super) fn detect(memory: &PhysicalMemory) -> Self {
        let cpuid = CpuId::with_cpuid_reader(CpuIdReaderNative);
        let power = cpuid.get_thermal_power_info();
        let has_thermal_sensor = power.as_ref().is_some_and(|leaf| leaf.has_dts());
        let mut thermal = Vec::new();
        if is_intel() && has_thermal_sensor && msr::read_checked(0x19c).is_some() {
            thermal.push(ThermalStatus::Core);
        }
        let has_package = power.as_ref().is_some_and(|leaf| leaf.has_ptm());
        if is_intel() && has_package && msr::read_checked(0x1b1).is_some() {
            thermal.push(ThermalStatus::Package);
        }
        let clocks = [IA32_APERF, IA32_MPERF];
        let has_clocks = power.is_some_and(|leaf| leaf.has_hw_coord_feedback());
        Self {
            has_smi_count: counts_smis(&cpuid) && msr::read_checked(MSR_SMI_COUNT).is_some(),
            has_performance_clocks: has_clocks
                && clocks.iter().all(|index| msr::read_checked(*index).is_some()),
            has_thermal_sensor,
            thermal,
            steal: has_steal_time(&cpuid).then(|| StealTime::enable(memory)).flatten(),
        }
    }

    /// Whether APERF and MPERF can be read.
    pub(super) const fn has_performance_clocks(&self) -> bool {
        self.has_performance_clocks
    }

    /// Whether there is a digital thermal sensor.
    pub(super) const fn has_thermal_sensor(&self) -> bool {
        self.has_thermal_sensor
    }

    /// Everything.
    pub(super) fn counters(&self) -> InterferenceCounters {
        let clock = |index| self.has_performance_clocks.then(|| msr::read_checked(index)).flatten();
        // Both logs are taken: one that is left would be charged to the next bench.
        let logs: Vec<bool> = self.thermal.iter().filter_map(|status| status.take_log()).collect();
        InterferenceCounters {
            smi_count: self.smi_count(),
            nmi_count: Some(exceptions::non_maskable_taken()),
            is_throttled: logs.into_iter().reduce(|one, other| one || other),
            aperf: clock(IA32_APERF),
            mperf: clock(IA32_MPERF),
            steal_ns: self.steal_ns(),
        }
    }

    /// What is cheap to read.
    pub(super) fn disturbances(&self) -> Disturbances {
        Disturbances {
            smi: self.smi_count(),
            nmi: Some(exceptions::non_maskable_taken()),
            context_switches: None,
            steals: self.steal_ns(),
            interrupts: Some(exceptions::interrupts_taken()),
        }
    }

    fn smi_count(&self) -> Option<u64> {
        // Bits 31 to 0 (Intel SDM volume 4, table 2-15).
        let count = self.has_smi_count.then(|| msr::read_checked(MSR_SMI_COUNT)).flatten();
        count.map(|count| count & u64::from(u32::MAX))
    }

    fn steal_ns(&self) -> Option<u64> {
        self.steal.as_ref().and_then(StealTime::nanoseconds)
    }
}

/// Whether the processor is Intel's, and its registers are laid out as in Intel's manual.
pub(super) fn is_intel() -> bool {
    let cpuid = CpuId::with_cpuid_reader(CpuIdReaderNative);
    cpuid.get_vendor_info().is_some_and(|vendor| vendor.as_str() == "GenuineIntel")
}

/// Nehalem and later of family 6 have the count. Atoms of that time do not, and refuse the read.
fn counts_smis<R: CpuIdReader>(cpuid: &CpuId<R>) -> bool {
    const NEHALEM: u8 = 0x1a;
    let is_late =
        cpuid.get_feature_info().is_some_and(|leaf| leaf.family_id() == 6 && leaf.model_id() >= NEHALEM);
    is_intel() && is_late
}

/// CPUID leaf 0x4000_0001, EAX bit 5 (Linux, Documentation/virt/kvm/x86/cpuid.rst, `KVM_FEATURE_STEAL_TIME`).
fn has_steal_time<R: CpuIdReader>(cpuid: &CpuId<R>) -> bool {
    const KVM_FEATURES: u32 = 0x4000_0001;
    const STEAL_TIME: u32 = 1 << 5;
    let is_kvm = cpuid.get_hypervisor_info().is_some_and(|leaf| leaf.identify() == Hypervisor::KVM);
    is_kvm && CpuIdReaderNative.cpuid1(KVM_FEATURES).eax & STEAL_TIME != 0
}
