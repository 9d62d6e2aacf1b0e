//! Requests to devices that are completed by interrupts, for the tests of those.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::hint::black_box;

use multios_core::network::NetworkStack;
use multios_core::storage::Disk;

use super::device::{disks, failed};
use super::traffic::{Clock, GATEWAYS, IDENTIFIER, is_answered, stacks};
use crate::arch::counter;
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{Interrupts, OnThreads, Platform, Runner, on_threads};
use crate::units::Nanoseconds;

/// Reads from each disk.
const READS: u64 = 64;
/// A read of so many bytes is one request to every disk.
const BYTES: usize = 4096;
/// How often the interval timer rings.
const RINGS: u64 = 64;
/// How late an interrupt may come after what it tells of.
const PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(1_000);
/// How long is waited for interrupts that should not come.
const SILENCE: Nanoseconds = Nanoseconds::from_milliseconds(20);

/// Requests for an echo by each card, to each gateway.
const REQUESTS: u16 = 32;

/// Asks the gateways for echoes by every card with interrupts on, and tells how many interrupts and waits that took.
pub(super) fn answers(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let platform = bencher.platform();
    let interrupts = platform.interrupts();
    let interrupts = interrupts.ok_or(BenchError::Skipped(String::from("there is no local APIC")))?;
    let mut stacks = stacks(bencher)?;
    let clock = Clock(platform.frequency());
    let (taken, waits, complaints) =
        (interrupts.device_interrupts(), interrupts.waits_for_devices(), interrupts.complaints());
    on_threads(platform, Answers { stacks: &mut stacks, clock })?;
    bencher.add_figure("interrupts", interrupts.device_interrupts() - taken);
    bencher.add_figure("waits", interrupts.waits_for_devices() - waits);
    let count = u64::from(REQUESTS) * u64::try_from(stacks.len() * GATEWAYS.len()).unwrap_or(u64::MAX);
    match interrupts.complaints() - complaints {
        0 => bencher.measure(Expected::Each(count), || black_box(count)),
        others => Err(BenchError::Failed(format!("{others} interrupts came that should not be there"))),
    }
}

struct Answers<'a> {
    stacks: &'a mut [NetworkStack],
    clock: Clock,
}

impl OnThreads for Answers<'_> {
    type Output = ();

    fn run<R: Runner>(mut self, runner: &R) -> Result<(), BenchError> {
        let mut result = Ok(());
        runner.preemptibly(&mut || result = self.ask_all());
        result
    }
}

impl Answers<'_> {
    fn ask_all(&mut self) -> Result<(), BenchError> {
        for stack in &mut *self.stacks {
            let probe = stack.begin_echo(IDENTIFIER);
            for sequence in 0..REQUESTS {
                for gateway in GATEWAYS {
                    if !is_answered(self.clock, stack, &probe, (gateway, sequence)).map_err(failed)? {
                        return Err(BenchError::Failed(format!("{gateway} does not answer")));
                    }
                }
            }
            stack.end_echo(probe);
        }
        Ok(())
    }
}

/// Lets the interval timer raise its line, which an I/O APIC makes an interrupt of this CPU. Each time must be told by one
/// interrupt.
pub(super) fn by_line(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let interrupts = bencher.platform().interrupts();
    let interrupts = interrupts.ok_or(BenchError::Skipped(String::from("there is no local APIC")))?;
    let complaints = interrupts.complaints();
    let taken = interrupts.interrupt_by_line(RINGS).map_err(BenchError::Skipped)?;
    bencher.add_figure("interrupts", taken);
    if taken != RINGS {
        return Err(BenchError::Failed(format!("{RINGS} rings made {taken} interrupts")));
    }
    match interrupts.complaints() - complaints {
        0 => bencher.measure(Expected::Each(taken), || black_box(taken)),
        others => Err(BenchError::Failed(format!("{others} interrupts came that should not be there"))),
    }
}

/// Reads from every disk with interrupts on. Each read must be told by one interrupt, and no other may come.
pub(super) fn reads(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let platform = bencher.platform();
    let interrupts = platform.interrupts();
    let interrupts = interrupts.ok_or(BenchError::Skipped(String::from("there is no local APIC")))?;
    let mut disks = disks(bencher)?;
    if disks.is_empty() {
        let reason = "the machine has no disk that this kernel drives";
        return Err(BenchError::Skipped(String::from(reason)));
    }
    let count = READS * u64::try_from(disks.len()).unwrap_or(u64::MAX);
    let waits = interrupts.waits_for_devices();
    let complaints = interrupts.complaints();
    on_threads(platform, Reads { platform, interrupts, disks: &mut disks, count })?;
    bencher.add_figure("interrupts", count);
    bencher.add_figure("waits", interrupts.waits_for_devices() - waits);
    match interrupts.complaints() - complaints {
        0 => bencher.measure(Expected::Each(count), || black_box(count)),
        others => Err(BenchError::Failed(format!("{others} interrupts came that should not be there"))),
    }
}

struct Reads<'a> {
    platform: &'a dyn Platform,
    interrupts: &'a dyn Interrupts,
    disks: &'a mut [Disk],
    count: u64,
}

impl OnThreads for Reads<'_> {
    type Output = ();

    fn run<R: Runner>(mut self, runner: &R) -> Result<(), BenchError> {
        let mut result = Ok(());
        runner.preemptibly(&mut || result = self.read_all());
        result
    }
}

impl Reads<'_> {
    fn read_all(&mut self) -> Result<(), BenchError> {
        // What the devices had to say while interrupts were off comes now, and is not counted.
        self.wait(SILENCE, || false);
        let before = self.interrupts.device_interrupts();
        let mut bytes = vec![0; BYTES];
        for block in 0..READS {
            for disk in &mut *self.disks {
                disk.read(block, &mut bytes).map_err(failed)?;
            }
        }
        let taken = || self.interrupts.device_interrupts() - before;
        self.wait(PATIENCE, || taken() >= self.count);
        self.wait(SILENCE, || false);
        let (taken, count) = (taken(), self.count);
        let is_right = taken == count;
        is_right
            .then_some(())
            .ok_or_else(|| BenchError::Failed(format!("{count} reads were told by {taken} interrupts")))
    }

    /// Waits until `is_done`, for `patience` at most.
    fn wait(&self, patience: Nanoseconds, is_done: impl Fn() -> bool) {
        let patience = patience.to_ticks(self.platform.frequency());
        let begin = counter::now();
        while !is_done() && counter::now().since(begin) < patience {
            core::hint::spin_loop();
        }
    }
}
