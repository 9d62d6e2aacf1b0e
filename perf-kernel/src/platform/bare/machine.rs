//! The machine as the suites and the harness see it.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use acpi::address::AddressSpace;
use bootloader_api::info::MemoryRegionKind;
use multios_core::memory::{Frames, Heap};
use multios_core::network::NetworkDevice;
use multios_core::security::EntropySource;
use multios_core::storage::Disk;
use spin::{Mutex, Once};

use super::chill::BareChiller;
use super::clocks::{EventTimer, IntervalTimer, PowerTimer, PowerTimerRegister};
use super::event_counters::BareCounters;
use super::interference::{InterferenceSources, is_intel};
use super::{crash, tables, threads};
use crate::arch::acpi_tables::Tables;
use crate::arch::allocator::KernelAllocator;
use crate::arch::recovery::Over;
use crate::arch::user::UserMachine;
use crate::arch::{
    Mmio, PerformanceRegisters, PhysicalMemory, Ports, Ring0, apic, cpuid, exceptions, msr, per_cpu,
};
use crate::platform::{
    Apart, Chiller, Disturbances, EventCounters, InterferenceCounters, Interrupts, Offence, Platform,
    ReferenceClock, SystemCounters, UserMode,
};
use crate::pmu::Absence;
use crate::suites::Need;
use crate::units::{Bytes, Hertz, Nanoseconds, Ticks};
use crate::wire::{Console, Firmware, Machine, Mode};

/// Bytes of registers of the High Precision Event Timer.
const EVENT_TIMER_BYTES: usize = 0x400;
/// What the counter is taken to run at before it is calibrated: fast, so that waits are rather too long.
const FREQUENCY_GUESS: Hertz = Hertz(4_000_000_000);

/// The frames, which the stacks of threads come from too, for as long as the kernel runs.
static FRAMES: Once<Mutex<Frames>> = Once::new();

/// A machine that this kernel has to itself. Benches run on the processor that the firmware has started.
pub struct BarePlatform {
    pub(super) memory: PhysicalMemory,
    pub(super) ports: Ports,
    allocator: &'static KernelAllocator,
    pub(super) frames: &'static Mutex<Frames>,
    pub(super) tables: Option<Tables>,
    console: Console,
    interference: InterferenceSources,
    counters: Result<BareCounters, Absence>,
    chiller: Option<BareChiller>,
    clock: Mutex<(Mode, Hertz)>,
}

/// What a machine is made of.
pub(super) struct Parts {
    /// The right to it.
    pub(super) ring0: Ring0,
    /// Its memory.
    pub(super) memory: PhysicalMemory,
    /// Its ports.
    pub(super) ports: Ports,
    /// Its registers that count and sense.
    pub(super) registers: PerformanceRegisters,
    /// The heap.
    pub(super) allocator: &'static KernelAllocator,
    /// The frames that are not the heap's.
    pub(super) frames: Frames,
    /// The firmware's tables.
    pub(super) tables: Option<Tables>,
    /// Where records go.
    pub(super) console: Console,
}

impl BarePlatform {
    /// A machine of `parts`.
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { ring0, memory, ports, registers, allocator, frames, tables, console } = parts;
        let interference = InterferenceSources::detect(&memory, registers);
        let counters = BareCounters::detect(registers);
        // Until the clock is calibrated, nothing is known of it.
        let clock = Mutex::new((Mode::Hardware, Hertz(0)));
        let chiller = BareChiller::detect();
        let frames = FRAMES.call_once(|| Mutex::new(frames));
        threads::prepare(ring0, memory, frames);
        Self { memory, ports, allocator, frames, tables, console, interference, counters, chiller, clock }
    }

    /// The heaps.
    pub(super) const fn allocator(&self) -> &'static KernelAllocator {
        self.allocator
    }

    /// The frames, behind a lock that is there for good.
    pub(super) const fn frames_of_machine(&self) -> &'static Mutex<Frames> {
        self.frames
    }

    /// Lets go what a bench that is over may have held of the machine's devices.
    pub(super) fn seize_devices(&self, over: &Over) {
        drop(over.seize(&self.clock));
        self.interference.seize(over);
        if let Ok(counters) = &self.counters {
            counters.seize(over);
        }
    }

    fn memory_bytes(&self) -> Bytes {
        let ours = |kind| matches!(kind, MemoryRegionKind::Usable | MemoryRegionKind::Bootloader);
        let regions = self.memory.regions().iter().filter(|region| ours(region.kind));
        Bytes(regions.map(|region| region.end.saturating_sub(region.start)).fold(0, u64::saturating_add))
    }

    fn firmware(&self) -> Firmware {
        let is_uefi = |kind| matches!(kind, MemoryRegionKind::UnknownUefi(_));
        let kind =
            if self.memory.regions().iter().any(|region| is_uefi(region.kind)) { "uefi" } else { "bios" };
        let oem = self.tables.as_ref().map(|tables| String::from_utf8_lossy(tables.oem()).trim().to_string());
        Firmware { kind: kind.to_string(), vendor: oem.unwrap_or_default() }
    }

    /// The APIC identities of the processors that may be started, in the firmware's order.
    pub(super) fn processors(&self) -> Vec<u32> {
        let madt = self.tables.as_ref().and_then(|tables| tables.find(*b"APIC"));
        madt.map(|table| tables::enabled_processors(&table)).unwrap_or_default()
    }

    /// The ticks of `time`; rather too many before the clock is calibrated.
    pub(super) fn ticks(&self, time: Nanoseconds) -> Ticks {
        time.to_ticks(self.frequency_or_guess())
    }

    /// The counter's frequency; rather too high before the clock is calibrated.
    pub(super) fn frequency_or_guess(&self) -> Hertz {
        let frequency = self.clock.lock().1;
        if frequency.0 == 0 { FREQUENCY_GUESS } else { frequency }
    }

    fn event_timer(&self) -> Option<EventTimer<Mmio>> {
        EventTimer::start(self.event_timer_registers()?)
    }

    /// The registers of the High Precision Event Timer.
    pub(super) fn event_timer_registers(&self) -> Option<Mmio> {
        let timer = self.tables.as_ref()?.event_timer()?;
        let address = u64::try_from(timer.base_address).ok()?;
        self.memory.registers(address, EVENT_TIMER_BYTES)
    }

    fn power_timer(&self) -> Option<PowerTimer<Ports, Mmio>> {
        let timer = self.tables.as_ref()?.power_timer()?;
        let register = match timer.address.address_space {
            AddressSpace::SystemIo => {
                PowerTimerRegister::Port(self.ports, u16::try_from(timer.address.address).ok()?)
            }
            AddressSpace::SystemMemory => {
                PowerTimerRegister::Memory(self.memory.registers(timer.address.address, 4)?)
            }
            _ => return None,
        };
        Some(PowerTimer::new(register, if timer.is_32_bit { 32 } else { 24 }))
    }
}

impl Platform for BarePlatform {
    fn is_process(&self) -> bool {
        false
    }

    fn describe_machine(&self) -> Machine {
        Machine {
            cpu: cpuid::describe(msr::microcode_revision(is_intel())),
            // A machine without a list of them has the one that this runs on.
            cpus_present: u32::try_from(self.processors().len()).unwrap_or(u32::MAX).max(1),
            cpus_started: u32::try_from(per_cpu::count()).unwrap_or(u32::MAX),
            memory: self.memory_bytes(),
            heap: Bytes(self.allocator.heap().usage().claimed_bytes),
            firmware: self.firmware(),
            hypervisor: cpuid::hypervisor_vendor(),
            console: self.console.clone(),
        }
    }

    fn reference_clocks(&self) -> Vec<Box<dyn ReferenceClock + '_>> {
        let mut clocks: Vec<Box<dyn ReferenceClock>> = Vec::new();
        if let Some(timer) = self.event_timer() {
            clocks.push(Box::new(timer));
        }
        if let Some(timer) = self.power_timer() {
            clocks.push(Box::new(timer));
        }
        clocks.push(Box::new(IntervalTimer::start(self.ports)));
        clocks
    }

    fn set_clock(&self, mode: Mode, frequency: Hertz) {
        *self.clock.lock() = (mode, frequency);
        crash::set_frequency(frequency);
    }

    fn mode(&self) -> Mode {
        self.clock.lock().0
    }

    fn frequency(&self) -> Hertz {
        self.clock.lock().1
    }

    fn offers(&self, need: Need) -> Result<(), String> {
        let lacks = |has: bool, what: &str| if has { Ok(()) } else { Err(what.to_string()) };
        match need {
            Need::Ring0 => Ok(()),
            Need::Smp if per_cpu::count() >= 2 => Ok(()),
            Need::Smp => Err("no CPU runs besides the first".to_string()),
            Need::Disk => self.has_scratch_disk(),
            Need::Nic => self.has_network_device(),
            Need::Aperf => {
                lacks(self.interference.has_performance_clocks(), "the CPU has no APERF and MPERF")
            }
            Need::Thermal => lacks(self.interference.has_thermal_sensor(), "the CPU has no thermal sensor"),
            Need::Rapl => lacks(self.interference.has_energy_meter(), "the CPU has no energy counters"),
        }
    }

    fn heap(&self) -> &Heap {
        self.allocator.heap()
    }

    fn frames(&self) -> &Mutex<Frames> {
        self.frames
    }

    fn user_mode(&self) -> Option<Box<dyn UserMode + '_>> {
        Some(Box::new(UserMachine::new(&self.memory, self.frames, threads::started)))
    }

    fn cpus(&self) -> usize {
        per_cpu::count()
    }

    fn run_on_cpus(&self, cpus: usize, work: &(dyn Fn(usize) + Sync)) -> Result<(), String> {
        self.run_on_first(cpus, work)
    }

    /// The benching thread has its processor to itself, and no device driver reads or writes.
    fn system_counters(&self) -> SystemCounters {
        SystemCounters {
            interrupts: Some(exceptions::interrupts_taken()),
            package_energy_uj: self.interference.package_energy_uj(),
            ..SystemCounters::default()
        }
    }

    fn interference_counters(&self) -> InterferenceCounters {
        self.interference.counters()
    }

    fn disturbances(&self) -> Disturbances {
        self.interference.disturbances()
    }

    fn event_counters(&self) -> Result<&dyn EventCounters, Absence> {
        self.counters.as_ref().map(|counters| counters as &dyn EventCounters).map_err(|absence| *absence)
    }

    fn chiller(&self) -> Result<&dyn Chiller, &'static str> {
        let chiller = self.chiller.as_ref().map(|chiller| chiller as &dyn Chiller);
        chiller.ok_or("the CPU has no global pages, whose switch empties the TLB")
    }

    fn open_disks(&self) -> Vec<Result<Disk, String>> {
        self.start_disks()
    }

    fn open_network_devices(&self) -> Vec<Result<Box<dyn NetworkDevice>, String>> {
        self.start_network_devices()
    }

    fn open_entropy_sources(&self) -> Vec<Result<Box<dyn EntropySource>, String>> {
        self.start_entropy_sources()
    }

    fn set_running_bench(&self, id: Option<&str>) {
        crash::set_running_bench(id);
    }

    fn run_apart(&self, work: &mut dyn Apart) -> Result<(), Offence> {
        self.run_apart_from_boot(work)
    }

    fn interrupts(&self) -> Option<&dyn Interrupts> {
        apic::local().map(|_| self as &dyn Interrupts)
    }
}
