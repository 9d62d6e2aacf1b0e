//! Benches of the suite `fault` that never end, or end with somebody else still at work, one way each.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use multios_core::sync::{Mutex, Scheduler};

use crate::arch::{exceptions, faults, restore_interrupts};
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{Ending, OnThreads, Program, Runner, UserProcess, on_threads};

/// System calls of one run of the program that is interrupted all the time.
const CALLS: u64 = 20_000;
/// How often it is interrupted at least.
const DISTURBANCES: u64 = 200;

pub(super) fn endless_loop(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Varies, endless)
}

pub(super) fn interruptible_loop(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    restore_interrupts(true);
    bencher.measure(Expected::Varies, endless)
}

#[inline(never)]
fn endless() -> u64 {
    while black_box(true) {
        core::hint::spin_loop();
    }
    0
}

/// In user mode all the time.
pub(super) fn endless_program(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_process(bencher, Program::Endless, |bencher, process| {
        bencher.measure(Expected::Varies, || exited(&process.run([0, 0])))
    })
}

/// Between user mode and the kernel: a count of zero is 2^64 calls.
pub(super) fn endless_calls(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_process(bencher, Program::SystemCalls, |bencher, process| {
        bencher.measure(Expected::Varies, || exited(&process.run([0, 0])))
    })
}

/// The program ends by its fault, where the bench expects it to exit.
pub(super) fn unexpected_privilege(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_process(bencher, Program::ReadPort, |_, process| match process.run([0, 0]) {
        Ending::Exited(_) => Ok(()),
        other => Err(BenchError::Failed(format!("the program did not exit: {other:x?}"))),
    })
}

/// Another CPU raises non-maskable interrupts all the time that a program makes system calls, wherever each of them is.
pub(super) fn disturbed_calls(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    struct Disturbed<'p>(&'p mut dyn UserProcess);
    impl OnThreads for Disturbed<'_> {
        /// Whether all runs were right, and how many interrupts came meanwhile.
        type Output = (bool, u64);

        fn run<R: Runner>(self, runner: &R) -> Result<(bool, u64), BenchError> {
            let state = Arc::new((AtomicBool::new(false), AtomicU64::new(0)));
            let shared = Arc::clone(&state);
            let disturber = runner.spawn_anywhere(Box::new(move || disturb(&shared.0, &shared.1)));
            let disturber = disturber.map_err(BenchError::Failed)?;
            let mut is_right = true;
            while is_right && state.1.load(Ordering::Relaxed) < DISTURBANCES {
                is_right = matches!(self.0.run([CALLS, 0]), Ending::Exited([CALLS, ..]));
            }
            state.0.store(true, Ordering::Release);
            let raised = runner.join(disturber).map_err(BenchError::Failed)?;
            Ok((is_right, raised))
        }
    }
    with_process(bencher, Program::SystemCalls, |bencher, process| {
        let (is_right, raised) = on_threads(bencher.platform(), Disturbed(process))?;
        bencher.add_figure("interrupts", raised);
        bencher.measure(Expected::Each(1), || black_box(u64::from(is_right)))
    })
}

/// Raises them one at a time, as of several that wait one is kept; how many.
fn disturb(is_over: &AtomicBool, raised: &AtomicU64) -> u64 {
    let before = exceptions::non_maskable_taken();
    while !is_over.load(Ordering::Acquire) {
        if exceptions::non_maskable_taken() - before == raised.load(Ordering::Relaxed) {
            raised.fetch_add(1, Ordering::Relaxed);
            faults::interrupt_first_cpu();
        }
        core::hint::spin_loop();
    }
    raised.load(Ordering::Relaxed)
}

fn with_process(
    bencher: &mut Bencher<'_>,
    program: Program,
    work: impl FnOnce(&mut Bencher<'_>, &mut dyn UserProcess) -> Result<(), BenchError>,
) -> Result<(), BenchError> {
    let Some(machine) = bencher.platform().user_mode() else {
        return Err(BenchError::Skipped("this platform has no user mode".into()));
    };
    let process = machine.start(program);
    let mut process = process.map_err(|error| BenchError::Failed(format!("failed to {error}")))?;
    work(bencher, &mut *process)
}

fn exited(ending: &Ending) -> u64 {
    u64::from(matches!(ending, Ending::Exited(_)))
}

/// Two threads that each wait for the mutex of the other, while a third goes on.
pub(super) fn crossed_locks(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    struct Cross;
    impl OnThreads for Cross {
        type Output = u64;

        fn run<R: Runner>(self, runner: &R) -> Result<u64, BenchError> {
            let scheduler = runner.scheduler();
            let mutexes = Arc::new([(); 2].map(|()| Mutex::new(runner.scheduler(), 0_u64)));
            let cross = |first: usize| {
                let (mutexes, scheduler) = (Arc::clone(&mutexes), runner.scheduler());
                runner.spawn(Box::new(move || {
                    let own = mutexes[first].lock();
                    scheduler.yield_now();
                    let other = mutexes[1 - first].lock();
                    u64::from(own.is_ok() && other.is_ok())
                }))
            };
            let one = cross(0).map_err(BenchError::Failed)?;
            let _other = cross(1).map_err(BenchError::Failed)?;
            let go_on = move || {
                while black_box(true) {
                    scheduler.yield_now();
                }
                0
            };
            let _third = runner.spawn(Box::new(go_on)).map_err(BenchError::Failed)?;
            runner.join(one).map_err(BenchError::Failed)
        }
    }
    on_threads(bencher.platform(), Cross).map(|_| ())
}

pub(super) fn spin_lock(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let lock = spin::Mutex::new(0_u64);
    bencher.measure(Expected::Varies, || {
        let kept = lock.lock();
        *kept + take_again(&lock)
    })
}

#[inline(never)]
fn take_again(lock: &spin::Mutex<u64>) -> u64 {
    *lock.lock()
}

/// Returns while a thread still waits.
pub(super) fn thread_leak(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    struct Leak;
    impl OnThreads for Leak {
        type Output = ();

        fn run<R: Runner>(self, runner: &R) -> Result<(), BenchError> {
            let scheduler = runner.scheduler();
            let wait = move || {
                scheduler.park(None);
                0
            };
            runner.spawn(Box::new(wait)).map(|_| ()).map_err(BenchError::Failed)
        }
    }
    on_threads(bencher.platform(), Leak)
}

pub(super) fn other_endless_loop(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let platform = bencher.platform();
    let body = || {
        let work = |cpu: usize| {
            if cpu == 1 {
                black_box(endless());
            }
        };
        u64::from(platform.run_on_cpus(2, &work).is_ok())
    };
    bencher.measure(Expected::Varies, body)
}

/// Threads that never end on every CPU, and on all but the first with interrupts off.
pub(super) fn endless_threads(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    struct Endless(usize);
    impl OnThreads for Endless {
        type Output = u64;

        fn run<R: Runner>(self, runner: &R) -> Result<u64, BenchError> {
            let spawn = |_| runner.spawn_anywhere(Box::new(endless));
            let threads = (0..self.0).map(spawn).collect::<Result<alloc::vec::Vec<_>, _>>();
            let first = threads.map_err(BenchError::Failed)?.into_iter().next();
            let first = first.ok_or_else(|| BenchError::Failed("there is no CPU".into()))?;
            runner.join(first).map_err(BenchError::Failed)
        }
    }
    on_threads(bencher.platform(), Endless(bencher.platform().cpus())).map(|_| ())
}

/// A panic on the second CPU, while the first one works on.
pub(super) fn other_panic(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let platform = bencher.platform();
    let body = || {
        let work = |cpu: usize| {
            black_box(if cpu == 1 { panic_there(black_box(7)) } else { endless() });
        };
        u64::from(platform.run_on_cpus(2, &work).is_ok())
    };
    bencher.measure(Expected::Varies, body)
}

#[inline(never)]
fn panic_there(number: u64) -> u64 {
    assert_eq!(number, 8, "a panic on purpose");
    number
}
