//! The machine as the suites and the harness see it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use multios_core::memory::{Frames, Heap};
use multios_core::network::NetworkDevice;
use multios_core::security::EntropySource;
use multios_core::storage::Disk;

use super::{Apart, Offence, UserMode};
use crate::pmu::{Absence, Counts, Figure};
use crate::suites::Need;
use crate::units::{Bytes, Hertz, PartsPerMillion, Ticks};
use crate::wire::{Interference, Machine, Mode, SystemUse};

/// What a boot runs on.
pub trait Platform {
    /// Whether this is a process of an operating system: no privilege, and others run beside it.
    fn is_process(&self) -> bool;

    /// The machine's fingerprint.
    fn describe_machine(&self) -> Machine;

    /// The clocks that the counter can be measured against, best first. May be empty.
    fn reference_clocks(&self) -> Vec<Box<dyn ReferenceClock + '_>>;

    /// Takes over what calibration found: from now on [`Platform::mode`] and [`Platform::frequency`] return it.
    fn set_clock(&self, mode: Mode, frequency: Hertz);

    /// What ticks mean here. Known once the clock is calibrated.
    fn mode(&self) -> Mode;

    /// The counter's frequency. Known once the clock is calibrated.
    fn frequency(&self) -> Hertz;

    /// Whether the machine offers `need`.
    ///
    /// # Errors
    /// The reason why not, in a few words.
    fn offers(&self, need: Need) -> Result<(), String>;

    /// The heap under test.
    fn heap(&self) -> &Heap;

    /// The physical frames under test.
    fn frames(&self) -> &spin::Mutex<Frames>;

    /// The means to run programs in user mode; `None` where this is itself one.
    fn user_mode(&self) -> Option<Box<dyn UserMode + '_>> {
        None
    }

    /// CPUs on which [`Platform::run_on_cpus`] can run.
    fn cpus(&self) -> usize;

    /// Runs `work` at the same time on the CPUs 0 (the caller) to `cpus - 1` and returns when all have ended.
    ///
    /// # Errors
    /// The reason why fewer than `cpus` are there.
    fn run_on_cpus(&self, cpus: usize, work: &(dyn Fn(usize) + Sync)) -> Result<(), String>;

    /// What the benching thread has taken from the system since some fixed point. Read before and after the samples
    /// of a bench: may cost system calls. CPU time is read last, so that it is held against the time between the ends
    /// of two calls.
    fn system_counters(&self) -> SystemCounters;

    /// What has disturbed the machine since some fixed point. Read before and after each bench: may cost reads of
    /// model-specific registers and system calls.
    fn interference_counters(&self) -> InterferenceCounters;

    /// What can stretch a sample, as far as it is cheap to read. Read about a hundred times during a bench, between
    /// samples: must not allocate, wait, or take more than a microsecond or two.
    fn disturbances(&self) -> Disturbances;

    /// The performance counters of the benching CPU.
    ///
    /// # Errors
    /// Why there are none.
    fn event_counters(&self) -> Result<&dyn EventCounters, Absence> {
        Err(Absence::NotAsked)
    }

    /// The means to chill the benching CPU.
    ///
    /// # Errors
    /// Why there are none, in a few words.
    fn chiller(&self) -> Result<&dyn Chiller, &'static str> {
        Err("a process may not empty caches")
    }

    /// Starts every disk of the machine that there is a driver for. It stops when it is dropped; starting it again
    /// before is a mistake of the caller's, which costs him the first.
    fn open_disks(&self) -> Vec<Result<Disk, String>> {
        Vec::new()
    }

    /// Starts every network card of the machine that there is a driver for, on the same terms.
    fn open_network_devices(&self) -> Vec<Result<Box<dyn NetworkDevice>, String>> {
        Vec::new()
    }

    /// Starts every source of random bytes of the machine that there is a driver for, on the same terms.
    fn open_entropy_sources(&self) -> Vec<Result<Box<dyn EntropySource>, String>> {
        Vec::new()
    }

    /// Notes which bench runs, by its id with scale, for whoever must name it in a crash record. `None` between
    /// benches.
    fn set_running_bench(&self, id: Option<&str>);

    /// Runs `work` and keeps what comes of it. Where the platform can, the work is ended if it faults, panics or takes
    /// too long, and everything that it had is given back, so that the boot goes on. A platform that cannot just runs it.
    ///
    /// # Errors
    /// What the work did wrong; nothing is kept then.
    fn run_apart(&self, work: &mut dyn Apart) -> Result<(), Offence> {
        work.run();
        work.keep();
        Ok(())
    }

    /// Interrupts that a bench may raise; `None` where it has no right to, or nothing to raise them with.
    fn interrupts(&self) -> Option<&dyn Interrupts> {
        None
    }
}

/// Interrupts that CPUs send to themselves and to each other. Every wait for one ends after a second at the latest.
pub trait Interrupts {
    /// Interrupts the CPU that calls, and gives the ticks from just before to the first instruction of the handler;
    /// `None` if it was not interrupted exactly once. Interrupts are on for that while only.
    fn interrupt_caller(&self) -> Option<Ticks>;

    /// Interrupts CPU number `cpu`, which is one that [`Platform::run_on_cpus`] can run on and waits for work, and waits
    /// for the answer of its handler; whether it came.
    fn ask(&self, cpu: usize) -> bool;

    /// Interrupts that should not be there, and errors that were reported, since boot.
    fn complaints(&self) -> u64;

    /// Lets the interval timer raise its line so many times, one after the other, and gives how many interrupts of the CPU
    /// that calls came of it. Interrupts are on for that while only.
    ///
    /// # Errors
    /// Why there is no such line.
    fn interrupt_by_line(&self, times: u64) -> Result<u64, String>;

    /// Interrupts of devices that were taken since boot.
    fn device_interrupts(&self) -> u64;

    /// How often a thread was stopped until a device interrupts, since boot.
    fn waits_for_devices(&self) -> u64;
}

/// Performance counters, which count a few figures at a time.
pub trait EventCounters {
    /// In how many passes all figures are counted; at least one.
    fn passes(&self) -> usize;

    /// The figures that pass number `pass`, from 0, counts. Each figure is in one pass at most.
    fn figures(&self, pass: usize) -> Vec<Figure>;

    /// Counters that were in use by firmware or a hypervisor and are left alone.
    fn taken(&self) -> usize;

    /// Begins to count what pass number `pass` counts. Allocates nothing.
    fn start(&self, pass: usize);

    /// Ends the pass and says what was counted. Allocates nothing.
    fn stop(&self) -> Counts;
}

/// Chills the CPU that calls: makes it forget what its caches and its TLB hold, as far as it can be told to. What it has
/// learned of branches stays.
pub trait Chiller {
    /// What is emptied and how, in a few words.
    fn how(&self) -> &'static str;

    /// Chills the CPU. Takes up to some milliseconds.
    fn chill(&self);

    /// How often it was done since boot, on behalf of programs too.
    fn chills(&self) -> u64;
}

/// A clock whose frequency is known, to measure the counter against.
pub trait ReferenceClock {
    /// Its name in records: `hpet`, `acpi-pm`, `pit`, `clock-monotonic-raw`, ...
    fn name(&self) -> &'static str;

    /// How often it counts.
    fn frequency(&self) -> Hertz;

    /// After how many bits it wraps around, 1 to 64.
    fn counter_bits(&self) -> u32;

    /// Its count now, going up and below `2^counter_bits`. A clock that counts down is negated by its driver.
    fn read(&mut self) -> u64;
}

/// What the benching thread has taken from the system; `None` where there is no account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemCounters {
    /// CPU time of the benching thread in nanoseconds.
    pub cpu_time_ns: Option<u64>,
    /// Bytes read from and written to devices.
    pub io_bytes: Option<u64>,
    /// Switches away from the benching thread.
    pub context_switches: Option<u64>,
    /// Interrupts taken by the benching CPU.
    pub interrupts: Option<u64>,
    /// Energy that the package took, in microjoules.
    pub package_energy_uj: Option<u64>,
}

/// What has disturbed the machine; `None` where it has no means to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterferenceCounters {
    /// System management interrupts (`MSR_SMI_COUNT`).
    pub smi_count: Option<u64>,
    /// Non-maskable interrupts.
    pub nmi_count: Option<u64>,
    /// Whether the package has throttled for heat since the previous call.
    pub is_throttled: Option<bool>,
    /// `IA32_APERF`: cycles at the actual speed.
    pub aperf: Option<u64>,
    /// `IA32_MPERF`: cycles at the nominal speed.
    pub mperf: Option<u64>,
    /// Nanoseconds that the hypervisor gave to others while this CPU wanted to run.
    pub steal_ns: Option<u64>,
}

/// What can stretch a sample: counts since some fixed point; `None` where they cannot be read cheaply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disturbances {
    /// System management interrupts.
    pub smi: Option<u64>,
    /// Non-maskable interrupts.
    pub nmi: Option<u64>,
    /// Switches away from the benching thread.
    pub context_switches: Option<u64>,
    /// Times that the hypervisor took the CPU away, or any count that goes up when it does.
    pub steals: Option<u64>,
    /// Maskable interrupts.
    pub interrupts: Option<u64>,
}

impl SystemCounters {
    /// What was taken between `earlier` and `self`, which were complete `apart` from each other; the samples between
    /// them took `elapsed_ticks`.
    #[must_use]
    pub fn since(&self, earlier: &Self, apart: Ticks, frequency: Hertz, elapsed_ticks: u64) -> SystemUse {
        let elapsed_ns = apart.to_picoseconds(frequency) / 1_000;
        let cpu_time_ns = grown(self.cpu_time_ns, earlier.cpu_time_ns);
        SystemUse {
            elapsed_ticks,
            cpu_time_share: cpu_time_ns.and_then(|used| PartsPerMillion::of(used, elapsed_ns)),
            io_bytes: grown(self.io_bytes, earlier.io_bytes).map(Bytes),
            context_switches: grown(self.context_switches, earlier.context_switches),
            interrupts: grown(self.interrupts, earlier.interrupts),
            package_energy_uj: grown(self.package_energy_uj, earlier.package_energy_uj),
        }
    }
}

impl InterferenceCounters {
    /// What disturbed the machine between `earlier` and `self`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Interference {
        let aperf = grown(self.aperf, earlier.aperf);
        let mperf = grown(self.mperf, earlier.mperf);
        Interference {
            smi_count: grown(self.smi_count, earlier.smi_count),
            nmi_count: grown(self.nmi_count, earlier.nmi_count),
            is_throttled: self.is_throttled,
            frequency_share: aperf.zip(mperf).and_then(|(aperf, mperf)| PartsPerMillion::of(aperf, mperf)),
            steal_ns: grown(self.steal_ns, earlier.steal_ns),
            ..Interference::default()
        }
    }
}

/// How far a count has gone up; `None` where one of the readings is.
fn grown(later: Option<u64>, earlier: Option<u64>) -> Option<u64> {
    later.zip(earlier).map(|(later, earlier)| later.wrapping_sub(earlier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_stays_absent() {
        let used = SystemCounters::default().since(&SystemCounters::default(), Ticks(5), Hertz(1), 5);
        assert_eq!(used, SystemUse { elapsed_ticks: 5, ..SystemUse::default() });
    }

    #[test]
    fn the_share_of_cpu_time_is_of_elapsed_time() {
        let before = SystemCounters { cpu_time_ns: Some(100), ..SystemCounters::default() };
        let after = SystemCounters { cpu_time_ns: Some(600), interrupts: Some(3), ..before };
        let used = after.since(&before, Ticks(2_000), Hertz(2_000_000_000), 1_900);
        assert_eq!(used.cpu_time_share, Some(PartsPerMillion(500_000)));
        assert_eq!((used.elapsed_ticks, used.interrupts), (1_900, None));
    }

    #[test]
    fn the_speed_is_the_actual_share_of_the_nominal_cycles() {
        let before = InterferenceCounters { aperf: Some(u64::MAX), mperf: Some(10), ..Default::default() };
        let after = InterferenceCounters { aperf: Some(29), mperf: Some(30), ..Default::default() };
        assert_eq!(after.since(&before).frequency_share, Some(PartsPerMillion(1_500_000)));
    }
}
