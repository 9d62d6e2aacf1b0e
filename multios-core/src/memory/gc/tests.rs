//! Behaviour that the model does not show.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Collector, Gc, Limits, Managed};

struct Pair([Option<Gc<Self>>; 2]);

impl Managed for Pair {
    fn trace(&self, visit: &mut impl FnMut(Gc<Self>)) {
        self.0.iter().flatten().copied().for_each(visit);
    }
}

fn collector() -> Collector<Pair> {
    Collector::new(Limits { young_objects_max: 100, ..Limits::default() }).expect("there is memory")
}

fn new(collector: &mut Collector<Pair>, children: [Option<Gc<Pair>>; 2]) -> Gc<Pair> {
    collector.allocate(Pair(children)).map_err(|(error, _)| error).expect("there is memory")
}

const fn clock() -> u64 {
    0
}

#[test]
fn a_cycle_that_nothing_reaches_is_taken_back() {
    let mut collector = collector();
    let first = new(&mut collector, [None; 2]);
    let second = new(&mut collector, [Some(first), None]);
    collector.get_mut(first).expect("it is there").0 = [Some(second), Some(first)];
    let root = collector.root(second).expect("there is memory").expect("it is there");
    collector.collect_minor(&clock);
    assert!(collector.get(first).is_some() && collector.usage().old == 2);
    collector.release(root);
    collector.collect_minor(&clock);
    assert!(collector.get(first).is_some(), "old objects are left alone by it");
    collector.collect_major(&clock);
    assert!(collector.get(first).is_none() && collector.get(second).is_none());
    assert!(collector.root(first).expect("there is memory").is_none());
    let usage = collector.usage();
    assert_eq!((usage.old, usage.reclaimed_total, usage.major_collections), (0, 2, 1));
}

#[test]
fn a_handle_never_names_a_later_object() {
    let mut collector = collector();
    let first = new(&mut collector, [None; 2]);
    collector.collect_minor(&clock);
    let second = new(&mut collector, [None; 2]);
    assert_eq!((first.slot, collector.usage().slots), (second.slot, 1), "the place is used again");
    assert!(collector.get(first).is_none() && collector.get_mut(first).is_none());
    assert!(collector.upgrade(first.downgrade()).is_none());
    assert!(collector.upgrade(second.downgrade()).is_some());
}

#[test]
fn objects_without_room_among_the_young_are_old_and_lose_nothing() {
    let mut collector = collector();
    let mut chain = new(&mut collector, [None; 2]);
    let end = chain;
    for _ in 0..1_000 {
        chain = new(&mut collector, [Some(chain), None]);
    }
    assert_eq!((collector.usage().young, collector.usage().old), (100, 901));
    let _root = collector.root(chain).expect("there is memory");
    collector.collect_minor(&clock);
    assert!(collector.get(end).is_some());
    collector.collect_major(&clock);
    assert!(collector.get(end).is_some());
    assert_eq!(collector.usage().old, 1_001);
}

#[test]
fn a_long_chain_is_marked_without_a_deep_stack_or_memory() {
    const LENGTH: usize = 200_000;
    let mut collector = collector();
    let mut chain = new(&mut collector, [None; 2]);
    for _ in 1..LENGTH {
        chain = new(&mut collector, [Some(chain), None]);
    }
    let root = collector.root(chain).expect("there is memory").expect("it is there");
    collector.collect_major(&clock);
    assert_eq!(collector.usage().old, LENGTH);
    collector.release(root);
    collector.collect_major(&clock);
    assert_eq!((collector.usage().old, collector.usage().slots), (0, LENGTH));
}

#[test]
fn polls_keep_a_program_that_allocates_for_ever_in_bounds() {
    let limits = Limits { young_objects_max: 1_000, growth_percent: 100, old_objects_min: 500 };
    let mut collector = Collector::new(limits).expect("there is memory");
    let mut roots = Vec::new();
    for number in 0..200_000_usize {
        let last = roots.last().map(|root| collector.rooted(root));
        let gc = new(&mut collector, [last, None]);
        if number % 100 == 0 {
            roots.push(collector.root(gc).expect("there is memory").expect("it is there"));
        }
        if roots.len() > 20 {
            collector.release(roots.remove(0));
            // The chain behind the oldest root would keep all.
            let oldest = collector.rooted(&roots[0]);
            collector.get_mut(oldest).expect("it is rooted").0 = [None; 2];
        }
        collector.poll(&clock, 1);
    }
    let usage = collector.usage();
    assert!(usage.slots < 4_000, "{usage:?}");
    assert!(usage.minor_collections > 100 && usage.major_collections >= 2, "{usage:?}");
    assert!(collector.pauses().count() >= usage.minor_collections);
    let _: Box<super::Pauses> = Box::new(collector.take_pauses());
    assert_eq!(collector.pauses().count(), 0);
}
