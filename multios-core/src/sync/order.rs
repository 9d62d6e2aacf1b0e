//! Who is served when, what is lent to whom, and how waiting ends.

use core::cell::Cell;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::thread;

use super::{
    AcquireError, Arrival, Barrier, BarrierError, Channel, Condvar, Deadline, LockError, Mutex, Notified,
    Priority, ReceiveError, Scheduler, Semaphore, SendRefusal, Wake,
};
use crate::std_threads::{StdGuarded, StdThread, StdThreads};

thread_local! {
    static LEVEL: Cell<u8> = const { Cell::new(Priority::NORMAL.level()) };
}

/// Threads of a process that say how urgent they are, with an account of what they lend each other.
#[derive(Clone, Default)]
struct Ranked {
    loans: Arc<StdMutex<Vec<(StdThread, Priority)>>>,
}

impl Ranked {
    fn lent_to(&self, thread: &StdThread) -> Vec<u8> {
        let loans = self.loans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut levels: Vec<u8> =
            loans.iter().filter(|(to, _)| to == thread).map(|(_, priority)| priority.level()).collect();
        levels.sort_unstable();
        levels
    }
}

impl Scheduler for Ranked {
    type Thread = StdThread;
    type Guarded<T: Send> = StdGuarded<T>;

    fn guard<T: Send>(&self, value: T) -> StdGuarded<T> {
        StdThreads.guard(value)
    }

    fn current(&self) -> StdThread {
        StdThreads.current()
    }

    fn park(&self, deadline: Option<Deadline>) -> Wake {
        StdThreads.park(deadline)
    }

    fn unpark(&self, thread: &StdThread) {
        StdThreads.unpark(thread);
    }

    fn yield_now(&self) {
        StdThreads.yield_now();
    }

    fn deadline(&self, after: Duration) -> Deadline {
        StdThreads.deadline(after)
    }

    fn priority(&self, _thread: &StdThread) -> Priority {
        Priority::new(LEVEL.get()).expect("a level")
    }

    fn lend(&self, thread: &StdThread, priority: Priority) {
        self.loans.lock().unwrap_or_else(PoisonError::into_inner).push((thread.clone(), priority));
    }

    fn end_loan(&self, thread: &StdThread, priority: Priority) {
        let mut loans = self.loans.lock().unwrap_or_else(PoisonError::into_inner);
        let at = loans.iter().position(|loan| *loan == (thread.clone(), priority));
        loans.swap_remove(at.expect("what is ended was lent"));
    }

    fn is_unwinding(&self) -> bool {
        thread::panicking()
    }
}

const PAST: Deadline = Deadline(0);

fn wait_for(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

#[test]
fn the_most_urgent_waiter_has_the_mutex_next_and_equals_take_turns() {
    let (ranked, order) = (Ranked::default(), StdMutex::new(Vec::new()));
    let mutex = Mutex::new(ranked.clone(), ());
    let me = ranked.current();
    thread::scope(|scope| {
        let guard = mutex.lock().expect("free");
        for (came, level) in [(0, 4), (1, 9), (2, 4), (3, 30), (4, 9)] {
            let (mutex, order) = (&mutex, &order);
            scope.spawn(move || {
                LEVEL.set(level);
                let _guard = mutex.lock().expect("not poisoned");
                order.lock().expect("not poisoned").push(came);
            });
            wait_for(|| mutex.waiters() == came + 1);
        }
        assert_eq!(ranked.lent_to(&me), [4, 4, 9, 9, 30], "the owner runs for all that wait");
        drop(guard);
        assert_eq!(ranked.lent_to(&me), [], "and for nobody after");
    });
    assert_eq!(*order.lock().expect("not poisoned"), [3, 1, 4, 0, 2]);
    assert!(ranked.loans.lock().expect("not poisoned").is_empty(), "every loan has ended");
}

#[test]
fn a_waiter_that_gives_up_ends_its_loan() {
    let ranked = Ranked::default();
    let mutex = Mutex::new(ranked.clone(), ());
    let guard = mutex.lock().expect("free");
    thread::scope(|scope| {
        let late = scope.spawn(|| mutex.lock_until(PAST).map(|_| ()));
        assert_eq!(late.join().expect("it ends"), Err(LockError::TimedOut));
    });
    assert!(ranked.lent_to(&ranked.current()).is_empty());
    assert_eq!(mutex.lock().map(|_| ()), Err(LockError::Deadlock), "its owner would wait for itself");
    assert_eq!(mutex.try_lock().map(|_| ()), Err(LockError::Deadlock));
    drop(guard);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_panic_under_the_lock_poisons_it_for_waiters_too_until_it_is_cleared() {
    let (mutex, is_locked) = (Mutex::new(StdThreads, 1), AtomicBool::new(false));
    thread::scope(|scope| {
        let panics = scope.spawn(|| {
            let mut value = mutex.lock().expect("free");
            *value = 2;
            is_locked.store(true, Ordering::SeqCst);
            wait_for(|| mutex.waiters() == 2);
            std::panic::resume_unwind(Box::new("while locked"));
        });
        wait_for(|| is_locked.load(Ordering::SeqCst));
        let waiters = [0, 1].map(|_| scope.spawn(|| mutex.lock().map(|_| ())));
        assert!(panics.join().is_err());
        for waiter in waiters {
            assert_eq!(waiter.join().expect("it ends"), Err(LockError::Poisoned));
        }
    });
    assert_eq!(mutex.try_lock().map(|_| ()), Err(LockError::Poisoned));
    mutex.clear_poison();
    assert_eq!(mutex.lock().map(|value| *value), Ok(2));
}

#[test]
fn waiting_ends_at_the_deadline_and_leaves_nothing_behind() {
    let one = NonZeroUsize::MIN;
    let semaphore = Semaphore::new(StdThreads, 0, 1);
    assert_eq!(semaphore.acquire_until(PAST), Err(AcquireError::TimedOut));
    semaphore.release().expect("there is room");
    assert_eq!(semaphore.try_acquire(), Ok(()), "the permit went to nobody who had left");

    let channel = Channel::new(StdThreads, one);
    assert_eq!(channel.receive_until(PAST), Err(ReceiveError::TimedOut));
    channel.send(1).expect("there is room");
    let refused = channel.send_until(2, PAST).expect_err("it is full");
    assert_eq!((refused.message, refused.refusal), (2, SendRefusal::TimedOut));
    assert_eq!((channel.try_receive(), channel.try_receive()), (Ok(1), Err(ReceiveError::Empty)));

    let barrier = Barrier::new(StdThreads, one.saturating_add(1));
    assert_eq!(barrier.wait_until(PAST), Err(BarrierError::TimedOut));
    assert_eq!(barrier.waiters(), 0, "the arrival was taken back");
    assert_eq!(Barrier::new(StdThreads, one).wait(), Ok(Arrival::Led));

    let (mutex, condvar) = (Mutex::new(StdThreads, ()), Condvar::new(StdThreads));
    let guard = mutex.lock().expect("free");
    let (_guard, notified) = condvar.wait_until(guard, PAST).expect("not poisoned");
    assert_eq!((notified, condvar.notify_one(), condvar.notify_all()), (Notified::TimedOut, false, 0));
}

#[test]
fn a_close_sends_waiting_senders_away_with_their_messages_and_keeps_what_was_sent() {
    let channel = Channel::new(StdThreads, NonZeroUsize::MIN);
    channel.send(1).expect("there is room");
    thread::scope(|scope| {
        let sender = scope.spawn(|| channel.send(2));
        wait_for(|| channel.waiters() == (1, 0));
        channel.close();
        let refused = sender.join().expect("it ends").expect_err("it is closed");
        assert_eq!((refused.message, refused.refusal), (2, SendRefusal::Closed));
    });
    assert_eq!((channel.receive(), channel.receive()), (Ok(1), Err(ReceiveError::Closed)));
}

#[test]
fn notify_all_lets_go_those_that_wait() {
    let (mutex, condvar) = (Mutex::new(StdThreads, 0), Condvar::new(StdThreads));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut waiting = mutex.lock().expect("not poisoned");
                *waiting += 1;
                drop(condvar.wait(waiting).expect("not poisoned"));
            });
        }
        wait_for(|| mutex.lock().is_ok_and(|waiting| *waiting == 3));
        assert_eq!(condvar.notify_all(), 3);
    });
}
