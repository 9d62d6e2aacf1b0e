//! Many threads at once at each primitive: nothing is lost, nothing is had twice.

use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::thread;

use super::{Arrival, Barrier, Channel, Condvar, LockError, Mutex, ReceiveError, Scheduler, Semaphore};
use crate::std_threads::StdThreads;

const THREADS: usize = 4;
const ROUNDS: u64 = 2_000;

fn size(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("not zero")
}

#[test]
fn every_turn_at_a_mutex_counts() {
    let mutex = Mutex::new(StdThreads, 0_u64);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    *mutex.lock().expect("not poisoned") += 1;
                }
            });
        }
    });
    assert_eq!(mutex.waiters(), 0);
    assert_eq!(mutex.into_inner(), ROUNDS * THREADS as u64);
}

#[test]
fn deadlines_that_pass_while_the_lock_comes_cost_no_turn() {
    let mutex = Mutex::new(StdThreads, 0_u64);
    let turns = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (mutex, turns) = (&mutex, &turns);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let deadline = StdThreads.deadline(Duration::from_nanos((round * 37 + thread) % 20_000));
                    match mutex.lock_until(deadline) {
                        Ok(mut value) => {
                            *value += 1;
                            turns.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => assert_eq!(error, LockError::TimedOut),
                    }
                }
            });
        }
    });
    assert_eq!(
        mutex.try_lock().map(|value| *value),
        Ok(turns.into_inner()),
        "it is free, and every turn counted"
    );
}

#[test]
fn a_semaphore_lets_in_no_more_than_it_has_permits_for() {
    let semaphore = Semaphore::new(StdThreads, 2, 2);
    let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let deadline = StdThreads.deadline(Duration::from_nanos(round % 5_000));
                    // Every other round gives up soon: a permit that came meanwhile must not vanish.
                    let has_permit = match round % 2 {
                        0 => semaphore.acquire().is_ok(),
                        _ => semaphore.acquire_until(deadline).is_ok(),
                    };
                    if has_permit {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        semaphore.release().expect("the permit was taken");
                    }
                }
            });
        }
    });
    assert!((1..=2).contains(&most.into_inner()));
    assert_eq!((semaphore.permits(), semaphore.waiters()), (2, 0));
}

#[test]
fn a_channel_delivers_every_message_once_and_each_senders_in_order() {
    let channel = Channel::new(StdThreads, size(3));
    let received = thread::scope(|scope| {
        let senders: Vec<_> = (0..THREADS)
            .map(|sender| {
                let channel = &channel;
                scope.spawn(move || {
                    (0..ROUNDS).for_each(|number| channel.send((sender, number)).expect("open"))
                })
            })
            .collect();
        let receivers: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| core::iter::from_fn(|| channel.receive().ok()).collect::<Vec<_>>()))
            .collect();
        senders.into_iter().for_each(|sender| sender.join().expect("it ends"));
        channel.close();
        receivers.into_iter().map(|receiver| receiver.join().expect("it ends")).collect::<Vec<_>>()
    });
    for messages in &received {
        for sender in 0..THREADS {
            let numbers: Vec<_> =
                messages.iter().filter(|(from, _)| *from == sender).map(|(_, n)| *n).collect();
            assert!(numbers.is_sorted(), "what one receiver got of one sender is in order");
        }
    }
    let mut all: Vec<_> = received.into_iter().flatten().collect();
    all.sort_unstable();
    let sent: Vec<_> =
        (0..THREADS).flat_map(|sender| (0..ROUNDS).map(move |number| (sender, number))).collect();
    assert_eq!(all, sent);
    assert_eq!((channel.receive(), channel.waiters()), (Err(ReceiveError::Closed), (0, 0)));
}

#[test]
fn messages_and_deadlines_that_meet_lose_no_message() {
    let channel = Channel::new(StdThreads, size(1));
    let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            for number in 1..=ROUNDS {
                let deadline = StdThreads.deadline(Duration::from_nanos(number % 7_000));
                if channel.send_until(number, deadline).is_ok() {
                    sent.fetch_add(number, Ordering::Relaxed);
                }
            }
            channel.close();
        });
        scope.spawn(|| {
            for round in 0.. {
                let deadline = StdThreads.deadline(Duration::from_nanos(round % 7_000));
                match channel.receive_until(deadline) {
                    Ok(number) => drop(received.fetch_add(number, Ordering::Relaxed)),
                    Err(ReceiveError::Closed) => break,
                    Err(error) => assert_eq!(error, ReceiveError::TimedOut),
                }
            }
        });
        sender.join().expect("it ends");
    });
    assert_eq!(received.into_inner(), sent.into_inner());
}

#[test]
fn a_buffer_between_two_conditions_neither_overflows_nor_hangs() {
    const ROOM: u64 = 3;
    let (filled, not_full, not_empty) =
        (Mutex::new(StdThreads, 0_u64), Condvar::new(StdThreads), Condvar::new(StdThreads));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let mut filled = filled.lock().expect("not poisoned");
                    while *filled == ROOM {
                        filled = not_full.wait(filled).expect("not poisoned");
                    }
                    *filled += 1;
                    not_empty.notify_one();
                }
            });
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let mut filled = filled.lock().expect("not poisoned");
                    while *filled == 0 {
                        filled = not_empty.wait(filled).expect("not poisoned");
                    }
                    *filled -= 1;
                    not_full.notify_one();
                }
            });
        }
    });
    assert_eq!(filled.into_inner(), 0);
}

#[test]
fn every_round_of_a_barrier_has_one_leader_and_nobody_is_a_round_ahead() {
    let barrier = Barrier::new(StdThreads, size(THREADS));
    let (led, passed) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let arrival = barrier.wait().expect("there is no deadline");
                    led.fetch_add(u64::from(arrival == Arrival::Led), Ordering::Relaxed);
                    let before = passed.fetch_add(1, Ordering::SeqCst);
                    assert!(before / THREADS as u64 <= round + 1);
                    assert!(before >= round.saturating_sub(1) * THREADS as u64);
                }
            });
        }
    });
    assert_eq!((led.into_inner(), barrier.waiters()), (ROUNDS, 0));
}
