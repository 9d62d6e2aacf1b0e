//! Everything that CPUs do with each other, many times at once: for a test, not for its time.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use multios_core::sync::{Scheduler, Semaphore};

use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{Interrupts, OnThreads, Platform, Runner, SharedPage, on_threads};

/// Of each: threads started and joined, wake-ups from one thread to another, interrupts to another CPU, and pages mapped and
/// unmapped.
const TIMES: u64 = 100_000;
/// So many of the pages are taken from all CPUs. Where a CPU is a thread of a host that has fewer, each of these waits until
/// the host has run them all.
const SHARED_TIMES: u64 = 4_000;
/// Pairs of threads that wake each other.
const PAIRS: u64 = 4;
/// Threads at a time, besides the pairs.
const CROWD: u64 = 50;
/// How long a wake-up may take. One that was lost never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts and joins threads, lets pairs of them wake each other and interrupts the other CPUs, all at the same time and
/// with interrupts on; then maps and unmaps a page on each CPU, and one that all CPUs read. What is left behind fails it.
pub(super) fn stress(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let platform = bencher.platform();
    if platform.cpus() < 2 {
        return Err(BenchError::Skipped("there is one CPU".into()));
    }
    let before = platform.frames().lock().usage();
    let switches = on_threads(platform, Crowd(platform))?;
    pages(platform)?;
    let after = platform.frames().lock().usage();
    if after != before {
        return Err(BenchError::Failed(format!("frames were lost: {before:?} became {after:?}")));
    }
    bencher.add_figure("thread_wakeups", switches);
    // All that counts has been done; this is the figure that a record must have.
    bencher.measure(Expected::Each(switches), || core::hint::black_box(switches))
}

struct Crowd<'a>(&'a dyn Platform);

impl OnThreads for Crowd<'_> {
    type Output = u64;

    fn run<R: Runner>(self, runner: &R) -> Result<u64, BenchError> {
        let interrupts = self.0.interrupts().ok_or(BenchError::Skipped("there is no local APIC".into()))?;
        let mut result = Ok(0);
        runner.preemptibly(&mut || result = crowd(runner, interrupts, self.0.cpus()));
        result.map_err(BenchError::Failed)
    }
}

fn crowd<R: Runner>(runner: &R, interrupts: &dyn Interrupts, cpus: usize) -> Result<u64, String> {
    let pairs = (0..PAIRS).map(|_| pair(runner)).collect::<Result<Vec<_>, _>>()?;
    let others = u64::try_from(cpus - 1).unwrap_or(1);
    let mut number = 0;
    while number < TIMES {
        let mut threads = Vec::new();
        for _ in 0..CROWD {
            number += 1;
            let expected = number;
            let thread = runner.spawn_anywhere(Box::new(move || expected ^ 0x5a5a))?;
            threads.push((thread, expected ^ 0x5a5a));
            let cpu = usize::try_from(1 + number % others).unwrap_or(1);
            if !interrupts.ask(cpu) {
                return Err(format!("CPU {cpu} did not answer interrupt {number}"));
            }
        }
        for (thread, expected) in threads {
            let value = runner.join(thread)?;
            if value != expected {
                return Err(format!("a thread returned {value} and not {expected}"));
            }
        }
    }
    let mut wakeups = 0;
    for thread in pairs.into_iter().flatten() {
        wakeups += runner.join(thread)?;
    }
    let expected = 2 * PAIRS * rounds();
    if wakeups != expected {
        return Err(format!("{wakeups} of {expected} wake-ups came"));
    }
    Ok(wakeups)
}

const fn rounds() -> u64 {
    TIMES / PAIRS
}

/// Two threads that wake each other in turn; each returns how often it was woken.
fn pair<R: Runner>(runner: &R) -> Result<[R::Thread; 2], String> {
    let threads = runner.scheduler();
    let gates = [0, 1].map(|permits| Arc::new(Semaphore::new(threads.clone(), permits, 1)));
    let start = |own: usize| {
        let (mine, other) = (gates[own].clone(), gates[1 - own].clone());
        let threads = threads.clone();
        let take_turns = move || {
            let mut turns = 0;
            while turns < rounds() && mine.acquire_until(threads.deadline(PATIENCE)).is_ok() {
                turns += 1;
                if other.release().is_err() {
                    break;
                }
            }
            turns
        };
        runner.spawn_anywhere(Box::new(take_turns)).map_err(|error| error.to_string())
    };
    Ok([start(0)?, start(1)?])
}

/// Maps and unmaps a page on each CPU at the same time, and then one that all CPUs read, and makes sure that none reads it
/// afterwards.
fn pages(platform: &dyn Platform) -> Result<(), BenchError> {
    let user = platform.user_mode().ok_or(BenchError::Skipped("there is no user mode".into()))?;
    let cpus = platform.cpus();
    let page = || user.shared_page().map_err(|error| BenchError::Failed(error.to_string()));
    let pages = (0..cpus).map(|_| page()).collect::<Result<Vec<_>, _>>()?;
    let per_cpu = (TIMES - SHARED_TIMES) / u64::try_from(cpus).unwrap_or(1);
    let wrong = AtomicU64::new(0);
    let check = |is_right: bool| {
        if !is_right {
            wrong.fetch_add(1, Ordering::Relaxed);
        }
    };
    let maps = AtomicU64::new(0);
    let own = |cpu: usize| (0..per_cpu).for_each(|_| check(map_and_unmap(&*pages[cpu], &maps)));
    platform.run_on_cpus(cpus, &own).map_err(BenchError::Failed)?;
    // How often the shared page was mapped.
    let maps = AtomicU64::new(0);
    let page = &*pages[0];
    let shared = |cpu: usize| {
        if cpu == 0 {
            return (0..SHARED_TIMES).for_each(|_| check(map_and_unmap(page, &maps)));
        }
        let mut seen = 0;
        while seen < SHARED_TIMES {
            // Interrupts come in here.
            check(page.wait_until(&|| maps.load(Ordering::Acquire) > seen));
            seen = maps.load(Ordering::Acquire);
            check(page.read().is_none_or(|word| word == 0));
        }
        check(page.wait_until(&|| page.read().is_none()));
    };
    platform.run_on_cpus(cpus, &shared).map_err(BenchError::Failed)?;
    match wrong.load(Ordering::Relaxed) {
        0 => Ok(()),
        wrong => Err(BenchError::Failed(format!("a page was not as it should be {wrong} times"))),
    }
}

fn map_and_unmap(page: &dyn SharedPage, maps: &AtomicU64) -> bool {
    let is_mapped = page.map().is_ok();
    maps.fetch_add(1, Ordering::Release);
    is_mapped && page.read() == Some(0) && page.unmap() == Ok(1) && page.read().is_none()
}
