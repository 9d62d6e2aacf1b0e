//! The other CPUs of the machine: their start, work for them, and how far their counters are apart.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use spin::Mutex;

use super::machine::BarePlatform;
use super::memory;
use super::skew::Exchange;
use crate::arch::startup::{self, LOW_PAGES, Starter};
use crate::arch::{Ring0, counter, device_interrupts, per_cpu, signals, work};
use crate::platform::{Interrupts, Platform, ReferenceClock};
use crate::units::{Nanoseconds, Ticks};
use crate::wire::Level;

/// Exchanges of readings with each CPU.
const EXCHANGES: u64 = 500;
/// Longest time of all exchanges with one CPU.
const EXCHANGES_MAX: Nanoseconds = Nanoseconds::from_milliseconds(2_000);
/// How long a handler may take to run.
const HANDLER_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(1_000);
/// How long other CPUs may work on once the first has ended its part. Work has deadlines of its own, which are shorter.
const WORK_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(30_000);

/// All numbers of CPUs in order.
const INDICES: [usize; per_cpu::CPUS_MAX] = {
    let mut indices = [0; per_cpu::CPUS_MAX];
    let mut index = 0;
    while index < indices.len() {
        indices[index] = index;
        index += 1;
    }
    indices
};

impl BarePlatform {
    /// Starts all CPUs that the firmware lists, as far as they come, and says what there is to say of it.
    pub(super) fn start_processors(&self, ring0: Ring0) -> Vec<(Level, String)> {
        let identities = self.processors();
        let own = startup::switch_on_first(ring0, &self.memory);
        if identities.len() < 2 {
            return Vec::new();
        }
        let Some(apic) = own else {
            return Vec::from([warning("the other CPUs are left out: this one has no local APIC")]);
        };
        let low = memory::start_range(self.memory.usable(), LOW_PAGES);
        let Some(starter) = low.and_then(|low| Starter::new(ring0, apic, self.memory, &low)) else {
            return Vec::from([warning(
                "the other CPUs are left out: no memory below 640 KiB to start them in",
            )]);
        };
        let own = apic.identity();
        let others: Vec<u32> = identities.into_iter().filter(|identity| *identity != own).collect();
        let mut lines = self.start_others(starter, &others);
        if per_cpu::count() > 1 {
            lines.push((Level::Info, self.describe_skews()));
        }
        lines
    }

    fn start_others(&self, mut starter: Starter, others: &[u32]) -> Vec<(Level, String)> {
        let mut lines = Vec::new();
        let mut clocks = self.reference_clocks();
        // The best first: before calibration, the counter tells no time.
        let Some(clock) = clocks.first_mut() else {
            return Vec::from([warning("the other CPUs are left out: no clock to start them by")]);
        };
        let mut wait = |patience, is_so: &dyn Fn() -> bool| wait_until(clock.as_mut(), patience, is_so);
        for (place, identity) in others.iter().enumerate() {
            let count = per_cpu::count();
            let Some(index) = u32::try_from(count).ok().filter(|_| count < per_cpu::CPUS_MAX) else {
                let left = others.len() - place;
                lines.push(warning(&format!("{left} CPUs are left out: {count} run, and more are not used")));
                break;
            };
            let mut frames = self.frames.lock();
            if let Err(error) = starter.start(index, *identity, &mut frames, &mut wait) {
                lines.push(warning(&format!(
                    "the CPU with APIC identity {identity} is left out: failed to {error}"
                )));
            }
        }
        lines
    }

    /// The distances of all counters to the first CPU's, on one line.
    fn describe_skews(&self) -> String {
        let mut text = "time stamp counters against CPU 0, in ticks:".to_string();
        for (place, index) in (1..per_cpu::count()).enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let said = self.shortest_exchange(index).map(|exchange| exchange.skew());
            let said = said.map_or_else(
                || "no answer".to_string(),
                |skew| format!("{:+} (to {})", skew.ahead_ticks, skew.uncertainty_ticks),
            );
            text.push_str(&format!("{comma} CPU {index} {said}"));
        }
        text
    }

    /// The shortest of many exchanges of readings with CPU number `index`.
    fn shortest_exchange(&self, index: usize) -> Option<Exchange> {
        let meeting = Meeting::default();
        let patience = self.ticks(EXCHANGES_MAX);
        let deadline = Ticks(counter::now().0.saturating_add(patience.0));
        let shortest = Mutex::new(None);
        work::run_on(&[index], self.ticks(WORK_PATIENCE), &|place| {
            if place == 0 {
                *shortest.lock() = meeting.ask(deadline);
            } else {
                meeting.answer(deadline);
            }
        });
        shortest.into_inner()
    }

    /// The body of [`Platform::run_on_cpus`].
    pub(super) fn run_on_first(&self, cpus: usize, work: &(dyn Fn(usize) + Sync)) -> Result<(), String> {
        let count = per_cpu::count();
        match INDICES.get(1..cpus).filter(|_| cpus <= count) {
            Some(others) => work::run_on(others, self.ticks(WORK_PATIENCE), work),
            None if cpus == 0 => {}
            None => return Err(format!("{cpus} CPUs are asked for and {count} run")),
        }
        Ok(())
    }
}

impl Interrupts for BarePlatform {
    fn interrupt_caller(&self) -> Option<Ticks> {
        signals::interrupt_myself(self.ticks(HANDLER_PATIENCE))
    }

    fn ask(&self, cpu: usize) -> bool {
        signals::ask(cpu, self.ticks(HANDLER_PATIENCE))
    }

    fn complaints(&self) -> u64 {
        let (spurious, errors) = signals::complaints();
        spurious.saturating_add(errors)
    }

    fn interrupt_by_line(&self, times: u64) -> Result<u64, String> {
        self.ring_by_line(times)
    }

    fn device_interrupts(&self) -> u64 {
        device_interrupts::taken()
    }

    fn waits_for_devices(&self) -> u64 {
        device_interrupts::waits()
    }
}

fn warning(text: &str) -> (Level, String) {
    (Level::Warning, text.to_string())
}

/// Waits by `clock` until `is_so`, for `patience` at most; whether it is.
fn wait_until(clock: &mut dyn ReferenceClock, patience: Nanoseconds, is_so: &dyn Fn() -> bool) -> bool {
    let patience = patience.to_ticks(clock.frequency()).0;
    let mask = u64::MAX >> (64 - clock.counter_bits().clamp(1, 64));
    let (mut last, mut elapsed) = (clock.read(), 0_u64);
    while elapsed < patience {
        if is_so() {
            return true;
        }
        core::hint::spin_loop();
        let now = clock.read();
        elapsed = elapsed.saturating_add(now.wrapping_sub(last) & mask);
        last = now;
    }
    is_so()
}

/// Where two CPUs exchange readings, on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Meeting {
    /// The exchange that is asked for, from 1.
    asked: AtomicU64,
    /// The exchange that `reading` is of.
    answered: AtomicU64,
    reading: AtomicU64,
}

impl Meeting {
    /// Asks for exchanges, and gives the shortest of those that are answered before `deadline`.
    fn ask(&self, deadline: Ticks) -> Option<Exchange> {
        let mut shortest: Option<Exchange> = None;
        for number in 1..=EXCHANGES {
            let before = counter::start();
            self.asked.store(number, Ordering::Release);
            if !comes(&self.answered, number, deadline) {
                break;
            }
            let after = counter::stop();
            let exchange = Exchange { before, other: Ticks(self.reading.load(Ordering::Relaxed)), after };
            shortest = Some(shortest.map_or(exchange, |shortest| shortest.shorter(exchange)));
        }
        shortest
    }

    /// Answers them, until one does not come before `deadline`.
    fn answer(&self, deadline: Ticks) {
        for number in 1..=EXCHANGES {
            if !comes(&self.asked, number, deadline) {
                return;
            }
            self.reading.store(counter::stop().0, Ordering::Relaxed);
            self.answered.store(number, Ordering::Release);
        }
    }
}

/// Waits for `number` in `word` until `deadline`; whether it came. The deadline is looked at now and then only, so that
/// what comes is seen at once; a counter that is far off makes it too early or too late, never endless.
fn comes(word: &AtomicU64, number: u64, deadline: Ticks) -> bool {
    const LOOKS: u32 = 1_000;
    loop {
        for _ in 0..LOOKS {
            if word.load(Ordering::Acquire) == number {
                return true;
            }
            core::hint::spin_loop();
        }
        if counter::now() > deadline {
            return false;
        }
    }
}
