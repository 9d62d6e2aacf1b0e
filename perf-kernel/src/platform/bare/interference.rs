//! What disturbs the machine and what it takes, as far as its registers tell.

use raw_cpuid::{CpuId, CpuIdReader, CpuIdReaderNative, Hypervisor};
use spin::Mutex;

use crate::arch::recovery::Over;
use crate::arch::{PerformanceRegisters, PhysicalMemory, StealTime, exceptions};
use crate::platform::{Disturbances, InterferenceCounters};
use crate::pmu::{EnergyMeter, Processor, Registers, Sensors, Vendor};

impl Registers for PerformanceRegisters {
    fn read(&self, index: u32) -> Option<u64> {
        Self::read(*self, index)
    }

    fn write(&self, index: u32, value: u64) -> Option<()> {
        Self::write(*self, index, value)
    }

    fn read_counter(&self, selector: u32) -> Option<u64> {
        Self::read_counter(*self, selector)
    }
}

/// The registers that this machine has.
pub(super) struct InterferenceSources {
    sensors: Sensors<PerformanceRegisters>,
    energy: Option<Mutex<EnergyMeter<PerformanceRegisters>>>,
    steal: Option<StealTime>,
}

impl InterferenceSources {
    /// Finds out, and asks a KVM host for an account of the time that it gives to others.
    pub(super) fn detect(memory: &PhysicalMemory, registers: PerformanceRegisters) -> Self {
        let cpuid = CpuId::with_cpuid_reader(CpuIdReaderNative);
        Self {
            sensors: Sensors::detect(&CpuIdReaderNative, registers),
            energy: EnergyMeter::detect(&CpuIdReaderNative, registers).map(Mutex::new),
            steal: has_steal_time(&cpuid).then(|| StealTime::enable(memory)).flatten(),
        }
    }

    /// Whether APERF and MPERF can be read.
    pub(super) const fn has_performance_clocks(&self) -> bool {
        self.sensors.has_performance_clocks()
    }

    /// Whether there is a digital thermal sensor.
    pub(super) const fn has_thermal_sensor(&self) -> bool {
        self.sensors.has_thermal_sensor()
    }

    /// Whether the package counts the energy that it takes.
    pub(super) const fn has_energy_meter(&self) -> bool {
        self.energy.is_some()
    }

    /// Lets go what a bench that is over may have held.
    pub(super) fn seize(&self, over: &Over) {
        if let Some(energy) = &self.energy {
            drop(over.seize(energy));
        }
    }

    /// Microjoules that the package has taken since [`InterferenceSources::detect`].
    pub(super) fn package_energy_uj(&self) -> Option<u64> {
        self.energy.as_ref()?.lock().microjoules()
    }

    /// Everything.
    pub(super) fn counters(&self) -> InterferenceCounters {
        let clocks = self.sensors.performance_clocks();
        InterferenceCounters {
            smi_count: self.sensors.smi_count(),
            nmi_count: Some(exceptions::non_maskable_taken()),
            is_throttled: self.sensors.take_throttling(),
            aperf: clocks.map(|clocks| clocks.aperf),
            mperf: clocks.map(|clocks| clocks.mperf),
            steal_ns: self.steal_ns(),
        }
    }

    /// What is cheap to read.
    pub(super) fn disturbances(&self) -> Disturbances {
        Disturbances {
            smi: self.sensors.smi_count(),
            nmi: Some(exceptions::non_maskable_taken()),
            context_switches: None,
            steals: self.steal_ns(),
            interrupts: Some(exceptions::interrupts_taken()),
        }
    }

    fn steal_ns(&self) -> Option<u64> {
        self.steal.as_ref().and_then(StealTime::nanoseconds)
    }
}

/// Whether the processor is Intel's, and its registers are laid out as in Intel's manual.
pub(super) fn is_intel() -> bool {
    Processor::read(&CpuIdReaderNative).vendor == Vendor::Intel
}

/// CPUID leaf 0x4000_0001, EAX bit 5 (Linux, Documentation/virt/kvm/x86/cpuid.rst, `KVM_FEATURE_STEAL_TIME`).
fn has_steal_time<R: CpuIdReader>(cpuid: &CpuId<R>) -> bool {
    const KVM_FEATURES: u32 = 0x4000_0001;
    const STEAL_TIME: u32 = 1 << 5;
    let is_kvm = cpuid.get_hypervisor_info().is_some_and(|leaf| leaf.identify() == Hypervisor::KVM);
    is_kvm && CpuIdReaderNative.cpuid1(KVM_FEATURES).eax & STEAL_TIME != 0
}
