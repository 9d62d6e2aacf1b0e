//! The primitives held against slow, obvious models.

use core::cmp::Reverse;
use core::num::NonZeroUsize;

use proptest::prelude::*;

use super::wait_queue::{Ticket, WaitQueue};
use super::{AcquireError, Channel, Priority, ReceiveError, ReleaseError, Semaphore, SendRefusal};
use crate::std_threads::StdThreads;

#[derive(Clone, Copy, Debug)]
enum Queued {
    Push(u8),
    Pop,
    Remove(usize),
}

fn queued() -> impl Strategy<Value = Queued> {
    prop_oneof![
        3 => (0..Priority::LEVELS).prop_map(Queued::Push),
        1 => Just(Queued::Pop),
        1 => (0_usize..40).prop_map(Queued::Remove),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Put,
    Take,
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![8 => Just(Step::Put), 8 => Just(Step::Take), 1 => Just(Step::Close)];
    prop::collection::vec(step, 0..100)
}

proptest! {
    #[test]
    fn waiters_are_served_by_priority_and_then_in_the_order_in_which_they_came(
        steps in prop::collection::vec(queued(), 0..100),
    ) {
        let mut queue = WaitQueue::<usize, usize>::new();
        // All that ever came; those that wait are sorted for every step anew.
        let mut waiting: Vec<(Reverse<u8>, usize, Ticket)> = Vec::new();
        let mut came = Vec::new();
        for step in steps {
            waiting.sort_by_key(|(priority, number, _)| (*priority, *number));
            match step {
                Queued::Push(level) => {
                    let priority = Priority::new(level).expect("a level");
                    let ticket = queue.push(came.len(), priority, came.len() * 3);
                    prop_assert_eq!(ticket.priority(), priority);
                    waiting.push((Reverse(level), came.len(), ticket));
                    came.push(ticket);
                }
                Queued::Pop => {
                    let expected = (!waiting.is_empty()).then(|| waiting.remove(0));
                    let first = queue.pop().map(|waiter| (waiter.thread, waiter.cargo, waiter.ticket));
                    prop_assert_eq!(first, expected.map(|(_, number, ticket)| (number, number * 3, ticket)));
                }
                Queued::Remove(number) => {
                    let Some(ticket) = came.get(number) else { continue };
                    let at = waiting.iter().position(|(_, waiting, _)| *waiting == number);
                    prop_assert_eq!(queue.has(*ticket), at.is_some());
                    prop_assert_eq!(queue.remove(*ticket).map(|waiter| waiter.thread), at.map(|_| number));
                    at.map(|at| waiting.remove(at));
                }
            }
            prop_assert_eq!(queue.len(), waiting.len());
        }
    }

    #[test]
    fn a_semaphore_is_a_bounded_counter(first in 0_u32..4, most in 0_u32..6, steps in steps()) {
        let semaphore = Semaphore::new(StdThreads, first, most);
        let (mut permits, most, mut is_closed) = (first, most.max(first), false);
        for step in steps {
            match step {
                Step::Put if permits == most => {
                    prop_assert_eq!(semaphore.release(), Err(ReleaseError::Overflow(most)));
                }
                Step::Put => {
                    prop_assert_eq!(semaphore.release(), Ok(()));
                    permits += 1;
                }
                Step::Take if is_closed => {
                    prop_assert_eq!(semaphore.try_acquire(), Err(AcquireError::Closed));
                    prop_assert_eq!(semaphore.acquire(), Err(AcquireError::Closed));
                }
                Step::Take if permits == 0 => {
                    prop_assert_eq!(semaphore.try_acquire(), Err(AcquireError::NonePresent));
                }
                Step::Take => {
                    prop_assert_eq!(semaphore.acquire(), Ok(()));
                    permits -= 1;
                }
                Step::Close => {
                    semaphore.close();
                    is_closed = true;
                }
            }
            prop_assert_eq!(semaphore.permits(), permits);
        }
    }

    #[test]
    fn a_channel_is_a_bounded_queue(capacity in 1_usize..5, steps in steps()) {
        let capacity = NonZeroUsize::new(capacity).expect("not zero");
        let channel = Channel::new(StdThreads, capacity);
        let (mut queue, mut is_closed, mut next) = (std::collections::VecDeque::new(), false, 0);
        for step in steps {
            match step {
                Step::Put => {
                    next += 1;
                    let refusal = match (is_closed, queue.len() == capacity.get()) {
                        (true, _) => Some(SendRefusal::Closed),
                        (false, true) => Some(SendRefusal::Full),
                        (false, false) => None,
                    };
                    let sent = channel.try_send(next).map_err(|error| (error.message, error.refusal));
                    match refusal {
                        Some(refusal) => prop_assert_eq!(sent, Err((next, refusal))),
                        None => queue.push_back(next),
                    }
                }
                Step::Take => {
                    let none = if is_closed { ReceiveError::Closed } else { ReceiveError::Empty };
                    prop_assert_eq!(channel.try_receive(), queue.pop_front().ok_or(none));
                }
                Step::Close => {
                    channel.close();
                    is_closed = true;
                }
            }
            prop_assert_eq!((channel.len(), channel.is_empty()), (queue.len(), queue.is_empty()));
        }
    }
}
