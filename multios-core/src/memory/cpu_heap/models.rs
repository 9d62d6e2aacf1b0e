//! Every interleaving of two or three threads where CPUs meet: inboxes, numbers of caches, and spans that change hands.
//!
//! Magazines and spans have one user at a time; who that is follows from the numbers.

use core::ptr::{self, NonNull};
use std::vec::Vec;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::numbers::Numbers;
use super::remote::{Chain, Inbox, Node};

/// Runs `work` in every interleaving with at most three preemptions, which is where such bugs are.
fn explore(work: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(work);
}

/// A block whose link and contents notice accesses at once.
struct Watched {
    next: UnsafeCell<*mut Self>,
    contents: UnsafeCell<usize>,
}

// SAFETY: the link is one cell.
unsafe impl Node for Watched {
    unsafe fn set_next(this: NonNull<Self>, next: *mut Self) {
        // SAFETY: the caller has a valid block.
        let block = unsafe { this.as_ref() };
        block.next.with_mut(|place| {
            // SAFETY: the caller has the block to itself; the model checks that it has.
            unsafe { place.write(next) };
        });
    }

    unsafe fn next(this: NonNull<Self>) -> *mut Self {
        // SAFETY: the caller has a valid block.
        let block = unsafe { this.as_ref() };
        // SAFETY: the caller has the block to itself; the model checks that it has.
        block.next.with(|place| unsafe { place.read() })
    }
}

/// Blocks that live as long as the model runs.
struct Blocks(Vec<Watched>);

// SAFETY: the cells notice what is shared wrongly.
unsafe impl Send for Blocks {}
// SAFETY: as above.
unsafe impl Sync for Blocks {}

impl Blocks {
    fn new(count: usize) -> Arc<Self> {
        let block = |_| Watched { next: UnsafeCell::new(ptr::null_mut()), contents: UnsafeCell::new(0) };
        Arc::new(Self((0..count).map(block).collect()))
    }

    /// Uses a block, as its owner.
    fn use_block(&self, at: usize) {
        self.0[at].contents.with_mut(|contents| {
            // SAFETY: the block is the caller's; the model checks that it is.
            unsafe { *contents += 1 };
        });
    }

    /// Sends blocks, one behind the other.
    fn send(&self, inbox: &Inbox<Watched>, blocks: &[usize]) {
        let mut chain = Chain::new();
        for at in blocks {
            // SAFETY: the block is the caller's, and from now on the chain's.
            unsafe { chain.push(NonNull::from(&self.0[*at])) };
        }
        inbox.push(chain);
    }

    /// Takes and uses what has come, and says which blocks it was.
    fn receive(&self, inbox: &Inbox<Watched>) -> Vec<usize> {
        let mut received = Vec::new();
        let mut next = inbox.take();
        while let Some(block) = NonNull::new(next) {
            let at =
                self.0.iter().position(|known| ptr::eq(known, block.as_ptr())).expect("one of the blocks");
            // SAFETY: who takes from an inbox has the blocks to itself.
            next = unsafe { Watched::next(block) };
            self.use_block(at);
            received.push(at);
        }
        received
    }
}

#[test]
fn what_two_send_at_once_arrives_whole_and_once() {
    explore(|| {
        let (blocks, inbox) = (Blocks::new(3), Arc::new(Inbox::new()));
        let others: Vec<_> = [[0, 1].as_slice(), &[2]]
            .into_iter()
            .map(|sent| {
                let (blocks, inbox) = (blocks.clone(), inbox.clone());
                thread::spawn(move || {
                    sent.iter().for_each(|at| blocks.use_block(*at));
                    blocks.send(&inbox, sent);
                })
            })
            .collect();
        let mut received = blocks.receive(&inbox);
        others.into_iter().for_each(|other| other.join().expect("it ends"));
        received.extend(blocks.receive(&inbox));
        received.sort_unstable();
        assert_eq!(received, [0, 1, 2]);
    });
}

#[test]
fn a_block_that_comes_home_and_leaves_again_harms_nobody() {
    explore(|| {
        // The owner takes the block that another sends and sends it back, while a third is about to send in front of it.
        let (blocks, home, away) = (Blocks::new(2), Arc::new(Inbox::new()), Arc::new(Inbox::new()));
        let third = {
            let (blocks, home) = (blocks.clone(), home.clone());
            thread::spawn(move || blocks.send(&home, &[1]))
        };
        blocks.send(&home, &[0]);
        let mut received = blocks.receive(&home);
        if received.first() == Some(&0) {
            received.remove(0);
            blocks.send(&away, &[0]);
            received.extend(blocks.receive(&away));
            blocks.send(&home, &[0]);
            received.retain(|at| *at != 0);
        }
        third.join().expect("it ends");
        received.extend(blocks.receive(&home));
        received.sort_unstable();
        received.dedup();
        assert_eq!(received, [0, 1]);
    });
}

#[test]
fn a_number_is_had_by_one_thread_at_a_time() {
    explore(|| {
        let (numbers, caches) = (Arc::new(Numbers::new()), Blocks::new(2));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (numbers, caches) = (numbers.clone(), caches.clone());
                thread::spawn(move || {
                    let number = numbers.take().expect("there are enough");
                    // The cache with that number.
                    caches.use_block(number);
                    numbers.give(number);
                })
            })
            .collect();
        others.into_iter().for_each(|other| other.join().expect("it ends"));
        assert_eq!(numbers.take(), Some(0), "all are given back");
    });
}

#[test]
fn a_block_sent_while_its_span_changes_hands_is_not_lost() {
    explore(|| {
        // The owner is a hint only, as in a span: cache 0 gives its span to cache 1 and empties its inbox once more.
        let (blocks, inboxes) = (Blocks::new(1), Arc::new([Inbox::new(), Inbox::new()]));
        let owner = Arc::new(AtomicUsize::new(0));
        let freeing = {
            let (blocks, inboxes, owner) = (blocks.clone(), inboxes.clone(), owner.clone());
            thread::spawn(move || {
                blocks.use_block(0);
                blocks.send(&inboxes[owner.load(Ordering::Relaxed)], &[0]);
            })
        };
        owner.store(1, Ordering::Relaxed);
        let forwarded = blocks.receive(&inboxes[0]);
        if !forwarded.is_empty() {
            blocks.send(&inboxes[owner.load(Ordering::Relaxed)], &forwarded);
        }
        freeing.join().expect("it ends");
        // It is with the new owner, or with whoever has the number of the old one next, who knows the new owner.
        let late = blocks.receive(&inboxes[0]);
        let arrived = blocks.receive(&inboxes[1]);
        assert_eq!([late, arrived].concat(), [0], "it is in one place");
    });
}
