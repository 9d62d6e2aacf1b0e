//! Real switches between real stacks, in a process, with a clock that jumps to where the next thread wakes up.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::arch::asm;
use core::num::NonZeroUsize;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use multios_core::sync::{Barrier, Channel, Condvar, Deadline, Mutex, Priority, Scheduler, Semaphore, Wake};

use super::thread_hand_over::Return;
use super::thread_system::{Hardware, ThreadSystem};
use crate::kernel::threads::{CpuSet, JoinError, SpawnError};

/// Enough for unoptimised code.
const STACK_WORDS: usize = 16 << 10;
const STACKS_MAX: usize = 64;

#[derive(Default)]
struct Process {
    stacks: spin::Mutex<Vec<Box<[u128]>>>,
    used: AtomicUsize,
    has_interrupts: AtomicBool,
    now: AtomicU64,
    user: AtomicU64,
}

// SAFETY: stacks are boxes that their owner alone has; all runs on one thread of the process.
unsafe impl Hardware for Process {
    type Stack = Box<[u128]>;
    type User = u64;

    fn take_stack(&self) -> Option<Box<[u128]>> {
        let used = self.used.fetch_add(1, Ordering::SeqCst);
        if used >= STACKS_MAX {
            self.used.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        Some(self.stacks.lock().pop().unwrap_or_else(|| vec![0; STACK_WORDS].into()))
    }

    fn give_stack(&self, stack: Box<[u128]>) {
        self.used.fetch_sub(1, Ordering::SeqCst);
        self.stacks.lock().push(stack);
    }

    fn top(stack: &Box<[u128]>) -> NonNull<u8> {
        NonNull::new(stack.as_ptr_range().end.cast_mut().cast()).expect("a box is nowhere near the end")
    }

    fn cpus(&self) -> usize {
        1
    }

    fn cpu(&self) -> usize {
        0
    }

    fn user(&self) -> u64 {
        self.user.load(Ordering::SeqCst)
    }

    fn return_to(&self, user: u64) {
        self.user.store(user, Ordering::SeqCst);
    }

    fn interrupts_off(&self) -> bool {
        self.has_interrupts.swap(false, Ordering::SeqCst)
    }

    fn interrupts_on(&self) {
        self.has_interrupts.store(true, Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn deadline(&self, after: Duration) -> u64 {
        self.now() + u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)
    }

    fn wake_at(&self, _moment: u64) {}

    fn timer_has_rung(&self) {}

    fn idle(&self, until: Option<u64>) {
        let until = until.expect("every thread waits for another");
        self.now.fetch_max(until, Ordering::SeqCst);
    }

    fn reschedule(&self, cpu: usize) {
        unreachable!("there is no CPU {cpu}");
    }
}

type System = &'static ThreadSystem<Process>;

fn system() -> System {
    Box::leak(Box::new(ThreadSystem::new(Process::default(), 100)))
}

fn spawn(
    system: System,
    level: u8,
    work: impl FnOnce() -> u64 + Send + 'static,
) -> crate::kernel::threads::ThreadId {
    let priority = Priority::new(level).expect("a level");
    system.spawn(priority, CpuSet::ALL, Box::new(work)).expect("there is room")
}

const NORMAL: u8 = Priority::NORMAL.level();

/// An account of who did what when.
type Log = Arc<spin::Mutex<Vec<u64>>>;

#[test]
fn a_hundred_thousand_threads_run_on_stacks_of_their_own_and_leave_none_behind() {
    let system = system();
    let mut sum = 0;
    for round in 0..50_000 {
        let first = spawn(system, NORMAL, move || round);
        let second = spawn(system, NORMAL + 1, move || round * 2);
        sum += system.join(first).expect("it is there") + system.join(second).expect("it is there");
    }
    assert_eq!(sum, 3 * (49_999 * 50_000 / 2));
    let usage = system.usage();
    assert_eq!((usage.started, usage.alive, usage.ended), (100_000, 1, 0));
    assert!(usage.switches >= 200_000, "{usage:?}");
    assert_eq!(system.hardware().used.load(Ordering::SeqCst), 0);
}

#[test]
fn what_a_thread_has_of_user_mode_is_there_whenever_it_runs_and_only_then() {
    let system = system();
    let visit = move |user: u64| {
        let hardware = system.hardware();
        assert_eq!(hardware.user(), 0, "a new thread has nothing of user mode");
        hardware.return_to(user);
        for _ in 0..100 {
            system.yield_now();
            assert_eq!(hardware.user(), user);
        }
        hardware.return_to(0);
        user
    };
    let threads = [1, 0, 2].map(|user| spawn(system, NORMAL, move || visit(user)));
    let joined = threads.map(|thread| system.join(thread).expect("it is there"));
    assert_eq!((joined, system.hardware().user()), ([1, 0, 2], 0));
}

#[test]
fn two_threads_that_yield_take_turns_a_hundred_thousand_times() {
    const TURNS: u64 = 50_000;
    let system = system();
    let turns = Arc::new(AtomicU64::new(0));
    let theirs = turns.clone();
    let other = spawn(system, NORMAL, move || {
        (0..TURNS)
            .filter(|turn| {
                let is_mine = theirs.fetch_add(1, Ordering::SeqCst) == 2 * turn + 1;
                system.yield_now();
                is_mine
            })
            .count() as u64
    });
    for turn in 0..TURNS {
        assert_eq!(turns.fetch_add(1, Ordering::SeqCst), 2 * turn);
        system.yield_now();
    }
    assert_eq!(system.join(other), Ok(TURNS));
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines_and_timeouts_are_told() {
    let system = system();
    let log = Log::default();
    let threads: Vec<_> = [30, 10, 20]
        .into_iter()
        .map(|after| {
            let log = log.clone();
            spawn(system, NORMAL, move || {
                system.sleep_until(system.deadline(Duration::from_nanos(after)));
                log.lock().push(after);
                system.hardware().now()
            })
        })
        .collect();
    let woke: Vec<_> = threads.into_iter().map(|thread| system.join(thread).expect("it is there")).collect();
    assert_eq!((woke, log.lock().clone()), (vec![30, 10, 20], vec![10, 20, 30]));
    assert_eq!(system.park(Some(system.deadline(Duration::from_nanos(5)))), Wake::TimedOut);
    assert_eq!(system.hardware().now(), 35);
}

#[test]
fn a_low_thread_that_holds_what_a_high_one_waits_for_is_not_kept_from_running_by_a_middle_one() {
    let system = system();
    let (mutex, log) = (Arc::new(Mutex::new(system, ())), Log::default());
    let (low_mutex, low_log) = (mutex.clone(), log.clone());
    let low = spawn(system, 1, move || {
        let guard = low_mutex.lock().expect("free");
        low_log.lock().push(1);
        // Waits until the others are there.
        system.park(None);
        low_log.lock().push(2);
        drop(guard);
        low_log.lock().push(6);
        0
    });
    system.sleep_until(system.deadline(Duration::from_nanos(1)));
    assert_eq!(*log.lock(), [1], "it has the lock");
    let high_log = log.clone();
    let high = spawn(system, 30, move || {
        let _guard = mutex.lock().expect("not poisoned");
        high_log.lock().push(3);
        0
    });
    let middle_log = log.clone();
    let middle = spawn(system, NORMAL, move || {
        (4..6).for_each(|entry| middle_log.lock().push(entry));
        0
    });
    assert_eq!(system.priority(&low), Priority::new(30).expect("a level"));
    system.unpark(&low);
    for thread in [low, middle, high] {
        assert_eq!(system.join(thread), Ok(0));
    }
    assert_eq!(*log.lock(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn the_primitives_work_over_kernel_threads() {
    let system = system();
    let two = NonZeroUsize::new(2).expect("not zero");
    let channel = Arc::new(Channel::new(system, two));
    let (semaphore, barrier) =
        (Arc::new(Semaphore::new(system, 0, 100)), Arc::new(Barrier::new(system, two)));
    let shared = Arc::new((Mutex::new(system, 0_u64), Condvar::new(system)));
    let other = {
        let (channel, semaphore, barrier, shared) =
            (channel.clone(), semaphore.clone(), barrier.clone(), shared.clone());
        spawn(system, NORMAL, move || {
            for round in 0..100 {
                semaphore.acquire().expect("open");
                channel.send(round).expect("open");
                barrier.wait().expect("there is no deadline");
                *shared.0.lock().expect("not poisoned") += 1;
                shared.1.notify_one();
            }
            channel.close();
            7
        })
    };
    for round in 0..100 {
        semaphore.release().expect("there is room");
        assert_eq!(channel.receive(), Ok(round));
        barrier.wait().expect("there is no deadline");
        let mut count = shared.0.lock().expect("not poisoned");
        while *count <= round {
            count = shared.1.wait(count).expect("not poisoned");
        }
    }
    assert_eq!(system.join(other), Ok(7));
    assert_eq!((channel.receive().is_err(), semaphore.permits(), barrier.waiters()), (true, 0, 0));
}

#[test]
fn the_timer_takes_the_cpu_from_a_thread_that_never_yields() {
    let system = system();
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = is_over.clone();
    let busy = spawn(system, NORMAL, move || {
        let mut ticks = 0;
        while !seen.load(Ordering::SeqCst) {
            // Stands for an interrupt.
            system.on_timer();
            ticks += 1;
        }
        ticks
    });
    for _ in 0..10 {
        system.yield_now();
    }
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(system.join(busy), Ok(10));
}

/// The rounding bits of MXCSR.
fn rounding(new: Option<u32>) -> u32 {
    let mut value = 0_u32;
    // SAFETY: stores a register.
    unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value) };
    if let Some(new) = new {
        let set = value & !0x6000 | new;
        // SAFETY: loads a valid value; the rounding of this thread's code does not matter.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const set) };
    }
    value & 0x6000
}

#[test]
fn two_threads_run_in_turn_by_handing_over_and_one_wakes_at_its_deadline() {
    const TURNS: u64 = 1_000;
    let system = system();
    let me = system.current();
    let other = spawn(system, NORMAL, move || {
        (0..TURNS).map(|_| u64::from(system.hand_over(me) == Some(Return::Woken))).sum()
    });
    assert_eq!(system.hand_over(other), None, "it is ready, and has its turn");
    assert_eq!(system.park(None), Wake::Unparked);
    for _ in 1..TURNS {
        assert_eq!(system.hand_over(other), Some(Return::Woken));
    }
    let deadline = Deadline(system.hardware().now() + 5);
    assert_eq!(system.hand_over_until(other, deadline), Some(Wake::TimedOut));
    assert_eq!(system.join(other), Ok(TURNS));
    assert_eq!(system.hand_over(other), None, "it has ended");
}

#[test]
fn a_thread_that_is_handed_the_cpu_back_is_told_so() {
    const TURNS: u64 = 1_000;
    let system = system();
    let me = system.current();
    let held: &'static spin::Mutex<u64> = Box::leak(Box::new(spin::Mutex::new(0)));
    let other = spawn(system, NORMAL, move || {
        let mut returns = 0;
        assert_eq!(system.hand_over(me), Some(Return::HandedBack));
        for turn in 1..TURNS {
            let mut guard = held.try_lock().expect("whoever handed over has let go of it");
            *guard += turn;
            returns += u64::from(system.hand_back(me, guard).is_ok_and(|how| how == Return::HandedBack));
        }
        returns
    });
    assert!(system.hand_back(other, ()).is_err(), "it is ready");
    assert_eq!(system.park(None), Wake::Unparked, "by the ordinary way");
    for _ in 0..TURNS - 1 {
        let guard = held.try_lock().expect("whoever handed over has let go of it");
        assert!(system.hand_back(other, guard).is_ok_and(|how| how == Return::HandedBack));
    }
    system.unpark(&other);
    assert_eq!(system.join(other), Ok(TURNS - 2), "the last wait ended by a token");
    assert!(system.hand_back(other, ()).is_err(), "it has ended");
    assert_eq!(*held.lock(), TURNS * (TURNS - 1) / 2);
}

#[test]
fn each_thread_keeps_its_control_words_and_whether_interrupts_come() {
    let system = system();
    system.hardware().interrupts_on();
    let other = spawn(system, NORMAL, move || {
        let first = rounding(Some(0x2000));
        system.yield_now();
        u64::from(first) << 32 | u64::from(rounding(None)) | u64::from(system.hardware().interrupts_off())
    });
    let quiet = {
        system.hardware().interrupts_off();
        spawn(system, NORMAL, move || u64::from(system.hardware().interrupts_off()))
    };
    system.hardware().interrupts_on();
    system.yield_now();
    assert_eq!(rounding(Some(0x4000)), 0, "the other thread's is its own");
    system.yield_now();
    assert_eq!(rounding(Some(0)), 0x4000);
    assert_eq!((system.join(other), system.join(quiet)), (Ok(0x2001), Ok(0)));
    assert!(system.hardware().interrupts_off(), "they come here as before");
}

#[test]
fn no_stack_and_no_room_are_refused_and_nothing_is_lost() {
    let system = system();
    let threads: Vec<_> = (0..STACKS_MAX).map(|_| spawn(system, NORMAL, || 1)).collect();
    let refused = system.spawn(Priority::NORMAL, CpuSet::ALL, Box::new(|| 0));
    assert_eq!(refused, Err(SpawnError::NoStack));
    let sum: u64 = threads.iter().map(|thread| system.join(*thread).expect("it is there")).sum();
    assert_eq!(sum, STACKS_MAX as u64);
    assert_eq!(system.spawn(Priority::NORMAL, CpuSet::one(3), Box::new(|| 0)), Err(SpawnError::NoCpu));
    assert_eq!(system.hardware().used.load(Ordering::SeqCst), 0, "the stack of the refused one is back");
    assert_eq!(system.join(threads[0]), Err(JoinError::Unknown));
    assert_eq!(system.detach(threads[0]), Err(JoinError::Unknown));
}
