//! The collector against a graph that is searched from its roots whenever somebody asks.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use proptest::prelude::*;

use super::{Collector, Gc, Limits, Managed, Progress, Root};

/// Says with which number it was finalised.
type Finalised = Rc<RefCell<Vec<usize>>>;

struct Node {
    number: usize,
    children: Vec<Gc<Self>>,
    finalised: Option<Finalised>,
}

impl Managed for Node {
    fn trace(&self, visit: &mut impl FnMut(Gc<Self>)) {
        self.children.iter().copied().for_each(visit);
    }

    fn has_finaliser(&self) -> bool {
        self.finalised.is_some()
    }

    fn finalise(self) {
        self.finalised.expect("it has one").borrow_mut().push(self.number);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Allocate {
        has_finaliser: bool,
        child: usize,
    },
    Root(usize),
    Release(usize),
    Move(usize, usize),
    AddChild(usize, usize),
    ClearChildren(usize),
    Minor,
    Major,
    /// A step that ends after as many looks at the clock.
    Part(u64),
    Finalise(usize),
}

fn step() -> impl Strategy<Value = Step> {
    const fn any() -> core::ops::Range<usize> {
        0..1_000
    }
    prop_oneof![
        6 => (prop::bool::ANY, any()).prop_map(|(has_finaliser, child)| Step::Allocate { has_finaliser, child }),
        2 => any().prop_map(Step::Root),
        2 => any().prop_map(Step::Release),
        2 => (any(), any()).prop_map(|(root, to)| Step::Move(root, to)),
        4 => (any(), any()).prop_map(|(parent, child)| Step::AddChild(parent, child)),
        1 => any().prop_map(Step::ClearChildren),
        1 => Just(Step::Minor),
        1 => Just(Step::Major),
        4 => (0_u64..4).prop_map(Step::Part),
        1 => (0_usize..4).prop_map(Step::Finalise),
    ]
}

struct Game {
    collector: Collector<Node>,
    handles: Vec<Gc<Node>>,
    children: BTreeMap<usize, Vec<usize>>,
    roots: Vec<(Root<Node>, usize)>,
    finalised: Finalised,
    with_finaliser: Vec<usize>,
    clock: Cell<u64>,
}

impl Game {
    fn new() -> Self {
        let limits = Limits { young_objects_max: 8, growth_percent: 50, old_objects_min: 10 };
        Self {
            collector: Collector::new(limits).expect("there is memory"),
            handles: vec![],
            children: BTreeMap::new(),
            roots: vec![],
            finalised: Finalised::default(),
            with_finaliser: vec![],
            clock: Cell::new(0),
        }
    }

    /// The number of an object that is still there, picked by `pick`.
    fn pick(&self, pick: usize) -> Option<usize> {
        let number = pick.checked_rem(self.handles.len())?;
        self.collector.get(self.handles[number]).map(|node| node.number)
    }

    fn reachable(&self) -> Vec<bool> {
        let mut is_reached = vec![false; self.handles.len()];
        let mut work: Vec<usize> = self.roots.iter().map(|(_, number)| *number).collect();
        while let Some(number) = work.pop() {
            if !core::mem::replace(&mut is_reached[number], true) {
                work.extend(&self.children[&number]);
            }
        }
        is_reached
    }

    fn play(&mut self, step: &Step) {
        let clock = || self.clock.replace(self.clock.get() + 1);
        match *step {
            Step::Allocate { has_finaliser, child } => {
                let number = self.handles.len();
                let child = self.pick(child);
                let children = child.map(|child| self.handles[child]).into_iter().collect();
                let finalised = has_finaliser.then(|| self.finalised.clone());
                let allocated = self.collector.allocate(Node { number, children, finalised });
                self.handles.push(allocated.map_err(|(error, _)| error).expect("there is memory"));
                self.children.insert(number, child.into_iter().collect());
                if has_finaliser {
                    self.with_finaliser.push(number);
                }
            }
            Step::Root(pick) => {
                if let Some(number) = self.pick(pick) {
                    let root = self.collector.root(self.handles[number]).expect("there is memory");
                    self.roots.push((root.expect("it is there"), number));
                }
            }
            Step::Move(pick, to) => {
                if let (Some(at), Some(to)) = (pick.checked_rem(self.roots.len()), self.pick(to)) {
                    let (root, number) = &mut self.roots[at];
                    assert!(self.collector.set_root(root, self.handles[to]));
                    *number = to;
                }
            }
            Step::Release(pick) => {
                if let Some(at) = pick.checked_rem(self.roots.len()) {
                    let (root, number) = self.roots.swap_remove(at);
                    assert_eq!(self.collector.rooted(&root), self.handles[number]);
                    self.collector.release(root);
                }
            }
            Step::AddChild(parent, child) => {
                if let (Some(parent), Some(child)) = (self.pick(parent), self.pick(child)) {
                    let node = self.collector.get_mut(self.handles[parent]).expect("it is there");
                    node.children.push(self.handles[child]);
                    self.children.entry(parent).or_default().push(child);
                }
            }
            Step::ClearChildren(pick) => {
                if let Some(number) = self.pick(pick) {
                    self.collector.get_mut(self.handles[number]).expect("it is there").children.clear();
                    self.children.insert(number, vec![]);
                }
            }
            Step::Minor => {
                self.collector.collect_minor(&clock);
            }
            Step::Major => {
                self.collector.collect_major(&clock);
                self.check_exactly();
            }
            Step::Part(budget) => {
                self.collector.step(&clock, budget);
            }
            Step::Finalise(most) => {
                assert!(self.collector.run_finalisers(most) <= most);
            }
        }
        self.check();
    }

    /// What is reachable is there, and nobody has taken its place.
    fn check(&self) {
        for (number, is_reached) in self.reachable().into_iter().enumerate() {
            let node = self.collector.get(self.handles[number]);
            assert!(node.is_some() || !is_reached, "{number} is gone");
            assert!(node.is_none_or(|node| node.number == number), "another is in the place of {number}");
            let weak = self.handles[number].downgrade();
            assert_eq!(self.collector.upgrade(weak).is_some(), node.is_some());
        }
        let usage = self.collector.usage();
        assert_eq!(usage.allocated_total, self.handles.len() as u64);
        let there = usage.allocated_total - usage.reclaimed_total;
        assert_eq!(there, (usage.young + usage.old) as u64);
    }

    /// Nothing else is there, and every finaliser was called that has to be.
    fn check_exactly(&mut self) {
        let reachable = self.reachable();
        for (number, is_reached) in reachable.iter().enumerate() {
            assert_eq!(self.collector.get(self.handles[number]).is_some(), *is_reached, "{number}");
        }
        let usage = self.collector.usage();
        assert_eq!((usage.young, usage.old), (0, reachable.iter().filter(|is_reached| **is_reached).count()));
        self.collector.run_finalisers(usize::MAX);
        let mut finalised = self.finalised.borrow().clone();
        finalised.sort_unstable();
        let dead = self.with_finaliser.iter().copied().filter(|number| !reachable[*number]);
        assert_eq!(finalised, dead.collect::<Vec<_>>(), "each once");
    }
}

proptest! {
    #[test]
    fn what_a_root_reaches_stays_and_the_rest_goes(steps in prop::collection::vec(step(), 1..300)) {
        let mut game = Game::new();
        steps.iter().for_each(|step| game.play(step));
        game.play(&Step::Major);
    }
}

#[test]
fn a_collection_in_the_smallest_steps_ends_and_finds_all_that_was_dead_before() {
    let mut game = Game::new();
    for number in 0..1_000 {
        game.play(&Step::Allocate { has_finaliser: false, child: number });
        if number % 100 == 0 {
            game.play(&Step::Root(number));
        }
    }
    let mut steps = 0;
    let clock = || game.clock.replace(game.clock.get() + 1);
    while game.collector.step(&clock, 2) != Progress::Ended {
        steps += 1;
        assert!(steps < 10_000, "it never ends");
    }
    assert!(steps > 10, "{steps} steps");
    game.check_exactly();
}
