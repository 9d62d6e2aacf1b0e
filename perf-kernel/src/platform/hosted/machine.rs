//! The process and the system under it, as a platform.

use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::boxed::Box;
use std::cell::Cell;
use std::fs::File;
use std::string::{String, ToString};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::vec::Vec;

use multios_core::memory::{Frames, Heap};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::ClockId;

use super::clocks::{KernelClock, nanoseconds};
use super::procfs;
use crate::arch::{ProcessHeap, cpuid};
use crate::platform::{Disturbances, InterferenceCounters, Platform, ReferenceClock, SystemCounters};
use crate::suites::Need;
use crate::units::{Bytes, Hertz};
use crate::wire::{Console, Firmware, Machine, Mode};

/// The physical memory that the frame allocator believes in. It hands out addresses and never touches them.
const FRAMES: Range<u64> = 0x1_0000_0000..0x1_4000_0000;
/// How long threads of other CPUs may take to start.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// A Linux process whose main thread benches on one CPU.
pub struct HostedPlatform {
    memory: &'static ProcessHeap,
    frames: spin::Mutex<Frames>,
    /// The CPUs that this process may use, the benching one first.
    cpus: Vec<usize>,
    clock: Cell<(Mode, Hertz)>,
    running: Mutex<Option<String>>,
    /// Of the benching thread; kept open so that reading it is one system call.
    schedstat: Option<File>,
}

impl HostedPlatform {
    /// The process as it is, with the calling thread pinned to the CPU on which it will bench. `memory` should be the
    /// process's allocator, so that what benches allocate is accounted for.
    #[must_use]
    pub fn new(memory: &'static ProcessHeap) -> Self {
        let cpus = allowed_cpus();
        if let Some(cpu) = cpus.first() {
            // A system that refuses leaves the thread where it was: figures get noisier, and context switches show it.
            let _ = pin(*cpu);
        }
        let frames = Frames::new(&[FRAMES]).unwrap_or_else(|_| Frames::empty());
        Self {
            memory,
            frames: spin::Mutex::new(frames),
            cpus,
            clock: Cell::new((Mode::Hosted, Hertz(0))),
            running: Mutex::new(None),
            schedstat: File::open("/proc/thread-self/schedstat").ok(),
        }
    }

    /// The bench that runs now.
    #[must_use]
    pub fn running_bench(&self) -> Option<String> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The CPU on which benches run.
    #[must_use]
    pub fn benching_cpu(&self) -> usize {
        self.cpus.first().copied().unwrap_or(0)
    }

    /// How often the benching thread has been given a CPU: once more after every switch away from it.
    fn time_slices(&self) -> Option<u64> {
        let mut text = [0; 96];
        let length = rustix::io::pread(self.schedstat.as_ref()?, &mut text, 0).ok()?;
        procfs::time_slices(&text[..length])
    }
}

impl Platform for HostedPlatform {
    fn is_process(&self) -> bool {
        true
    }

    fn describe_machine(&self) -> Machine {
        let microcode = procfs::read("/proc/cpuinfo").and_then(|text| procfs::microcode(&text));
        let memory = procfs::read("/proc/meminfo").and_then(|text| procfs::field(&text, "MemTotal"));
        let present = std::thread::available_parallelism().map_or(1, usize::from).max(self.cpus.len());
        let release = procfs::read("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_string();
        Machine {
            cpu: cpuid::describe(microcode),
            cpus_present: u32::try_from(present).unwrap_or(u32::MAX),
            cpus_started: u32::try_from(self.cpus.len()).unwrap_or(u32::MAX),
            memory: Bytes(memory.unwrap_or(0).saturating_mul(1024)),
            heap: self.memory.reserved(),
            firmware: Firmware { kind: "linux".to_string(), vendor: release },
            hypervisor: cpuid::hypervisor_vendor(),
            console: Console { kind: "stdout".to_string(), place: String::new() },
        }
    }

    fn reference_clocks(&self) -> Vec<Box<dyn ReferenceClock + '_>> {
        Vec::from([
            Box::new(KernelClock::MONOTONIC_RAW) as Box<dyn ReferenceClock>,
            Box::new(KernelClock::REALTIME),
        ])
    }

    fn set_clock(&self, mode: Mode, frequency: Hertz) {
        self.clock.set((mode, frequency));
    }

    fn mode(&self) -> Mode {
        self.clock.get().0
    }

    fn frequency(&self) -> Hertz {
        self.clock.get().1
    }

    fn offers(&self, need: Need) -> Result<(), String> {
        let lacks = match need {
            Need::Smp if self.cpus.len() >= 2 => return Ok(()),
            Need::Smp => "one CPU only",
            Need::Ring0 => "needs the kernel's privilege, which a process does not have",
            Need::Disk => "a process has no scratch block device",
            Need::Nic => "a process has no network card of its own",
            Need::Aperf | Need::Thermal | Need::Rapl => "a process cannot read model-specific registers",
        };
        Err(lacks.to_string())
    }

    fn heap(&self) -> &Heap {
        self.memory.heap()
    }

    fn frames(&self) -> &spin::Mutex<Frames> {
        &self.frames
    }

    fn cpus(&self) -> usize {
        self.cpus.len().max(1)
    }

    fn run_on_cpus(&self, cpus: usize, work: &(dyn Fn(usize) + Sync)) -> Result<(), String> {
        if cpus > self.cpus() {
            return Err(std::format!("{} of {cpus} CPUs", self.cpus()));
        }
        let start = Start::default();
        let others = self.cpus.get(1..cpus).unwrap_or_default();
        std::thread::scope(|scope| {
            for (index, cpu) in others.iter().enumerate() {
                let start = &start;
                let thread = move || {
                    let _ = pin(*cpu);
                    if start.wait() {
                        work(index + 1);
                    }
                };
                if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, thread) {
                    start.call_off();
                    return Err(std::format!("start a thread: {error}"));
                }
            }
            if !start.go(others.len()) {
                return Err("the threads did not start in time".to_string());
            }
            work(0);
            Ok(())
        })
    }

    fn system_counters(&self) -> SystemCounters {
        let interrupts = procfs::read("/proc/interrupts");
        SystemCounters {
            io_bytes: procfs::read("/proc/thread-self/io").and_then(|text| procfs::io_bytes(&text)),
            interrupts: interrupts.and_then(|text| procfs::interrupts(&text, self.benching_cpu())),
            context_switches: self.time_slices(),
            // A process is not told of it.
            package_energy_uj: None,
            cpu_time_ns: Some(nanoseconds(ClockId::ThreadCPUTime)),
        }
    }

    fn interference_counters(&self) -> InterferenceCounters {
        let stat = procfs::read("/proc/stat");
        InterferenceCounters {
            steal_ns: stat.and_then(|text| procfs::steal_ns(&text, self.benching_cpu())),
            ..InterferenceCounters::default()
        }
    }

    fn disturbances(&self) -> Disturbances {
        Disturbances { context_switches: self.time_slices(), ..Disturbances::default() }
    }

    fn set_running_bench(&self, id: Option<&str>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = id.map(ToString::to_string);
    }
}

/// Lets threads begin together.
#[derive(Default)]
struct Start {
    arrived: AtomicUsize,
    signal: AtomicUsize,
}

impl Start {
    const GO: usize = 1;
    const CALLED_OFF: usize = 2;

    /// Arrives and waits; whether the work is on.
    fn wait(&self) -> bool {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let deadline = Instant::now() + START_PATIENCE * 2;
        loop {
            match self.signal.load(Ordering::SeqCst) {
                Self::GO => return true,
                Self::CALLED_OFF => return false,
                _ if Instant::now() > deadline => return false,
                // The CPU that the signal comes from may be this one.
                _ => std::thread::yield_now(),
            }
        }
    }

    /// Lets `threads` go once all have arrived; whether they did.
    fn go(&self, threads: usize) -> bool {
        let deadline = Instant::now() + START_PATIENCE;
        while self.arrived.load(Ordering::SeqCst) < threads {
            if Instant::now() > deadline {
                self.call_off();
                return false;
            }
            std::thread::yield_now();
        }
        self.signal.store(Self::GO, Ordering::SeqCst);
        true
    }

    fn call_off(&self) {
        self.signal.store(Self::CALLED_OFF, Ordering::SeqCst);
    }
}

/// The CPUs that this thread may run on, the last one first: the first of a system gets most of its interrupts.
fn allowed_cpus() -> Vec<usize> {
    let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).rev().filter(|cpu| allowed.is_set(*cpu)).collect()
}

fn pin(cpu: usize) -> rustix::io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform() -> HostedPlatform {
        HostedPlatform::new(Box::leak(Box::new(ProcessHeap::new())))
    }

    #[test]
    fn the_machine_is_this_one() {
        let machine = platform().describe_machine();
        assert!(machine.memory > Bytes(0) && machine.heap > Bytes(0));
        assert_eq!(machine.firmware.kind, "linux");
        assert!(!machine.firmware.vendor.is_empty());
    }

    #[test]
    fn what_a_process_lacks_is_said() {
        let platform = platform();
        assert!(platform.offers(Need::Ring0).is_err_and(|reason| reason.contains("privilege")));
        assert_eq!(platform.offers(Need::Smp).is_ok(), platform.cpus() >= 2);
    }

    #[test]
    fn work_runs_once_on_every_cpu() {
        let platform = platform();
        let ran: Vec<AtomicUsize> = (0..platform.cpus()).map(|_| AtomicUsize::new(0)).collect();
        let work = |cpu: usize| {
            ran[cpu].fetch_add(1, Ordering::SeqCst);
        };
        assert_eq!(platform.run_on_cpus(platform.cpus(), &work), Ok(()));
        assert!(ran.iter().all(|times| times.load(Ordering::SeqCst) == 1));
        assert!(platform.run_on_cpus(platform.cpus() + 1, &work).is_err());
    }

    #[test]
    fn counters_of_the_thread_go_up() {
        let platform = platform();
        let before = platform.system_counters();
        std::thread::yield_now();
        let after = platform.system_counters();
        assert!(after.cpu_time_ns > before.cpu_time_ns);
        assert!(after.context_switches >= before.context_switches);
    }

    #[test]
    fn the_frames_are_there_to_be_handed_out() {
        let platform = platform();
        let mut frames = platform.frames().lock();
        let frame = frames.allocate(0).expect("there are frames");
        assert!(FRAMES.contains(&frame.address));
        frames.release(frame).expect("it was allocated");
    }
}
