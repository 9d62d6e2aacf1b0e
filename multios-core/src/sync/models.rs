//! Every interleaving of two or three threads at the blocking primitives.
//!
//! A lost wake-up shows as a dead-lock of the model, a broken exclusion as two accesses at once.

use core::num::NonZeroUsize;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::std_threads::StdThreads;
use crate::sync::{
    AcquireError, Barrier, Channel, Condvar, Mutex, MutexGuard, ReceiveError, Scheduler, Semaphore, Wake,
};

/// Runs `work` in every interleaving with at most three preemptions, which is where such bugs are.
fn explore(work: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(work);
}

/// A number that notices accesses at once.
struct Watched(UnsafeCell<u32>);

impl Watched {
    fn add(&mut self) -> u32 {
        self.0.with_mut(|number| {
            // SAFETY: the cell is borrowed exclusively; the model checks that it is.
            let number = unsafe { &mut *number };
            *number += 1;
            *number
        })
    }
}

#[test]
fn a_token_given_at_any_moment_ends_a_park() {
    explore(|| {
        let me = StdThreads.current();
        let other = thread::spawn(move || StdThreads.unpark(&me));
        assert_eq!(StdThreads.park(None), Wake::Unparked);
        other.join().expect("it ends");
    });
}

#[test]
fn a_mutex_excludes_and_serves_all() {
    explore(|| {
        let mutex = Arc::new(Mutex::new(StdThreads, Watched(UnsafeCell::new(0))));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let mutex = mutex.clone();
                thread::spawn(move || mutex.lock().expect("not poisoned").add())
            })
            .collect();
        mutex.lock().expect("not poisoned").add();
        let turns: Vec<_> = others.into_iter().map(|other| other.join().expect("it ends")).collect();
        assert_ne!(turns[0], turns[1]);
        assert_eq!(mutex.lock().expect("not poisoned").add(), 4);
    });
}

#[test]
fn a_semaphore_hands_every_permit_to_somebody() {
    explore(|| {
        let semaphore = Arc::new(Semaphore::new(StdThreads, 0, 2));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let semaphore = semaphore.clone();
                thread::spawn(move || semaphore.acquire())
            })
            .collect();
        semaphore.release().expect("there is room");
        semaphore.release().expect("there is room");
        others.into_iter().for_each(|other| assert_eq!(other.join().expect("it ends"), Ok(())));
        assert_eq!((semaphore.permits(), semaphore.waiters()), (0, 0));
    });
}

#[test]
fn a_closed_semaphore_sends_every_waiter_away() {
    explore(|| {
        let semaphore = Arc::new(Semaphore::new(StdThreads, 0, 1));
        let other = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.acquire())
        };
        semaphore.close();
        assert_eq!(other.join().expect("it ends"), Err(AcquireError::Closed));
    });
}

#[test]
fn a_notification_after_the_unlock_is_not_lost() {
    explore(|| {
        let shared = Arc::new((Mutex::new(StdThreads, false), Condvar::new(StdThreads)));
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                *shared.0.lock().expect("not poisoned") = true;
                shared.1.notify_one();
            })
        };
        let mut is_set: MutexGuard<'_, bool, _> = shared.0.lock().expect("not poisoned");
        while !*is_set {
            is_set = shared.1.wait(is_set).expect("not poisoned");
        }
        drop(is_set);
        other.join().expect("it ends");
    });
}

#[test]
fn a_channel_loses_no_message_and_keeps_their_order() {
    explore(|| {
        let channel = Arc::new(Channel::new(StdThreads, NonZeroUsize::MIN));
        let other = {
            let channel = channel.clone();
            thread::spawn(move || {
                for message in 0..3 {
                    channel.send(message).expect("open");
                }
                channel.close();
            })
        };
        let received: Vec<_> = core::iter::from_fn(|| match channel.receive() {
            Ok(message) => Some(message),
            Err(error) => {
                assert_eq!(error, ReceiveError::Closed);
                None
            }
        })
        .collect();
        assert_eq!(received, [0, 1, 2]);
        other.join().expect("it ends");
    });
}

#[test]
fn a_close_reaches_a_receiver_at_any_moment() {
    explore(|| {
        let channel = Arc::new(Channel::<u32, _>::new(StdThreads, NonZeroUsize::MIN));
        let other = {
            let channel = channel.clone();
            thread::spawn(move || channel.receive())
        };
        channel.close();
        assert_eq!(other.join().expect("it ends"), Err(ReceiveError::Closed));
    });
}

#[test]
fn a_barrier_lets_all_go_and_one_lead() {
    explore(|| {
        let barrier = Arc::new(Barrier::new(StdThreads, NonZeroUsize::MIN.saturating_add(1)));
        let other = {
            let barrier = barrier.clone();
            thread::spawn(move || (barrier.wait(), barrier.wait()))
        };
        let mine = (barrier.wait(), barrier.wait());
        let theirs = other.join().expect("it ends");
        assert_ne!(mine.0, theirs.0);
        assert_ne!(mine.1, theirs.1);
    });
}
