//! Collection of managed objects.

use alloc::format;
use alloc::vec::Vec;

use multios_core::memory::gc::{Collector, Gc, Limits, Managed, Progress, Root};

use crate::arch::counter;
use crate::measure::{Batch, BenchError, Bencher, CounterKind, Expected, Stream};
use crate::units::{Nanoseconds, Ticks};

/// Young objects of each minor collection that is measured.
const YOUNG: usize = 1_024;
/// One in so many of them is reached.
const SURVIVORS_ONE_IN: usize = 8;
/// Objects in each cycle of the graph of old ones.
const CYCLE: usize = 100;
/// Roots that hold what was allocated last.
const RECENT: usize = 64;
/// Dead objects for each round of finalisers.
const DEAD: usize = 256;
/// How long a step of an incremental collection may take.
const BUDGET: Nanoseconds = Nanoseconds(500_000);
/// Objects that change between two steps of one.
const CHANGES: usize = 100;

/// A managed object of the size that small kernel objects have, with two references.
struct Node {
    references: [Option<Gc<Self>>; 2],
    payload: [u64; 2],
    has_finaliser: bool,
}

impl Node {
    const fn new(references: [Option<Gc<Self>>; 2], number: u64) -> Self {
        Self { references, payload: [number, !number], has_finaliser: false }
    }

    const fn is_whole(&self) -> bool {
        self.payload[0] == !self.payload[1]
    }
}

impl Managed for Node {
    fn trace(&self, visit: &mut impl FnMut(Gc<Self>)) {
        self.references.iter().flatten().copied().for_each(visit);
    }

    fn has_finaliser(&self) -> bool {
        self.has_finaliser
    }

    fn finalise(self) {
        core::hint::black_box(self.payload);
    }
}

/// One iteration allocates an object, keeps it reachable until 64 others have come, and collects where that is due: so the
/// time of all collections is in it.
pub(super) fn allocate(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut collector = Collector::new(Limits::default())?;
    let mut recent = Vec::with_capacity(RECENT);
    for number in 0..RECENT as u64 {
        recent.push(rooted(&mut collector, Node::new([None; 2], number))?);
    }
    let budget = BUDGET.to_ticks(bencher.platform().frequency()).0;
    let mut number = 0_u64;
    bencher.measure(Expected::Each(1), || {
        let place = &mut recent[to_usize(number % RECENT as u64)];
        number += 1;
        let Ok(gc) = collector.allocate(Node::new([None; 2], number)) else { return 0 };
        let is_kept = collector.set_root(place, gc);
        if collector.is_due() {
            collector.poll(&now, budget);
        }
        u64::from(is_kept)
    })?;
    let usage = collector.usage();
    let there = (usage.young + usage.old) as u64;
    let is_whole =
        recent.iter().all(|root| collector.get(collector.rooted(root)).is_some_and(Node::is_whole));
    if !is_whole || usage.allocated_total - usage.reclaimed_total != there {
        return Err(BenchError::Failed(format!("objects were lost: {usage:?}")));
    }
    bencher.add_figure("minor_collections", usage.minor_collections);
    bencher.add_figure("objects_max", usage.slots as u64);
    Ok(())
}

/// One iteration is a minor collection of 1,024 young objects, of which every eighth is reached from an old one, beside as
/// many old objects as the scale says.
pub(super) fn minor(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut graph = Graph::new(to_usize(bencher.scale()))?;
    let counter = bencher.counter();
    bencher.set_operations(YOUNG as u64);
    bencher.measure_timed(Expected::Each(1), |iterations| {
        timed(counter, iterations, |time| graph.minor(time).unwrap_or(0))
    })?;
    graph.check()
}

/// One iteration is a whole collection of as many live objects, in cycles of 100, as the scale says, and of a tenth as
/// many dead ones, in cycles too.
pub(super) fn major(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut graph = Graph::new(to_usize(bencher.scale()))?;
    let counter = bencher.counter();
    bencher.measure_timed(Expected::Each(1), |iterations| {
        timed(counter, iterations, |time| graph.major(time).unwrap_or(0))
    })?;
    graph.check()
}

/// A sample is the longest step of one incremental collection of as many live objects as the scale says, with a budget of
/// 500 us for each step and 100 changed objects between two.
pub(super) fn pause(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut graph = Graph::new(to_usize(bencher.scale()))?;
    let budget = BUDGET.to_ticks(bencher.platform().frequency()).0;
    let mut random = Stream::new(bencher.random(), "changes");
    let mut steps = 0;
    bencher.measure_values(|| {
        graph.die()?;
        graph.collector.take_pauses();
        loop {
            steps += 1;
            if graph.collector.step(&now, budget) == Progress::Ended {
                break;
            }
            graph.change(CHANGES, &mut random)?;
        }
        Ok(graph.collector.pauses().max_ticks())
    })?;
    bencher.add_figure("steps", steps);
    graph.check()
}

/// One iteration finalises 256 dead objects and gives their places back; an operation is one of them.
pub(super) fn cleanup(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut collector = Collector::new(Limits::default())?;
    let counter = bencher.counter();
    bencher.set_operations(DEAD as u64);
    bencher.measure_timed(Expected::Each(DEAD as u64), |iterations| {
        timed(counter, iterations, |time| {
            for number in 0..DEAD as u64 {
                let node = Node { has_finaliser: true, ..Node::new([None; 2], number) };
                if collector.allocate(node).is_err() {
                    return 0;
                }
            }
            collector.collect_minor(&now);
            time(&mut || collector.run_finalisers(DEAD) as u64)
        })
    })?;
    match collector.usage().dying {
        0 => Ok(()),
        left => Err(BenchError::Failed(format!("{left} objects were not finalised"))),
    }
}

/// As many live objects as asked for, in cycles, each of which a root reaches.
struct Graph {
    collector: Collector<Node>,
    roots: Vec<Root<Node>>,
    objects: usize,
}

impl Graph {
    fn new(objects: usize) -> Result<Self, BenchError> {
        let mut collector = Collector::new(Limits::default())?;
        let mut roots = Vec::with_capacity(objects / CYCLE);
        for _ in 0..objects / CYCLE {
            roots.push(cycle(&mut collector, CYCLE)?);
        }
        collector.collect_major(&now);
        Ok(Self { collector, roots, objects })
    }

    /// Young objects, some of them reached from an old one, and their collection, of which `time` takes the time.
    fn minor(&mut self, time: &mut dyn FnMut(&mut dyn FnMut() -> u64) -> u64) -> Option<u64> {
        let holder = self.collector.rooted(self.roots.first()?);
        let mut chain = None;
        for number in 0..YOUNG {
            let node = Node::new([chain.filter(|_| number % SURVIVORS_ONE_IN == 0), None], number as u64);
            let gc = self.collector.allocate(node).ok()?;
            chain = if number % SURVIVORS_ONE_IN == 0 { Some(gc) } else { chain };
        }
        self.collector.get_mut(holder)?.references[1] = chain;
        let dead = YOUNG - YOUNG / SURVIVORS_ONE_IN;
        let collector = &mut self.collector;
        let reclaimed = time(&mut || collector.collect_minor(&now) as u64);
        // What is old now goes, so that the next finds as many live objects.
        self.collector.get_mut(holder)?.references[1] = None;
        if self.collector.usage().old > self.objects + self.objects.max(YOUNG) {
            self.collector.collect_major(&now);
        }
        Some(u64::from(reclaimed == dead as u64))
    }

    /// Lets a tenth of the live objects die, and has new ones in their place.
    fn die(&mut self) -> Result<(), BenchError> {
        for _ in 0..(self.roots.len() / 10).max(1) {
            let fresh = cycle(&mut self.collector, CYCLE)?;
            // The oldest first.
            let old = core::mem::replace(&mut self.roots[0], fresh);
            self.roots.rotate_left(1);
            self.collector.release(old);
        }
        // So that nothing is young.
        self.collector.collect_minor(&now);
        Ok(())
    }

    fn major(&mut self, time: &mut dyn FnMut(&mut dyn FnMut() -> u64) -> u64) -> Option<u64> {
        self.die().ok()?;
        let dead = (self.roots.len() / 10).max(1) * CYCLE;
        let collector = &mut self.collector;
        let before = collector.usage().reclaimed_total;
        time(&mut || {
            collector.collect_major(&now);
            1
        });
        Some(u64::from(self.collector.usage().reclaimed_total - before == dead as u64))
    }

    /// Changes `count` live objects, and allocates as many that die.
    fn change(&mut self, count: usize, random: &mut Stream) -> Result<(), BenchError> {
        for number in 0..count as u64 {
            let at = random.number() % self.roots.len() as u64;
            let gc = self.collector.rooted(&self.roots[to_usize(at)]);
            let fresh = new(&mut self.collector, Node::new([None; 2], number))?;
            let node = self.collector.get_mut(gc).ok_or_else(lost)?;
            node.references[1] = Some(fresh);
        }
        Ok(())
    }

    /// Every object is where it was, and whole.
    fn check(&self) -> Result<(), BenchError> {
        let mut count = 0;
        for root in &self.roots {
            let first = self.collector.rooted(root);
            let mut gc = first;
            loop {
                let node = self.collector.get(gc).filter(|node| node.is_whole()).ok_or_else(lost)?;
                count += 1;
                gc = node.references[0].ok_or_else(lost)?;
                if gc == first {
                    break;
                }
            }
        }
        if count == self.objects { Ok(()) } else { Err(lost()) }
    }
}

/// A cycle of `length` objects, of which the root has one.
fn cycle(collector: &mut Collector<Node>, length: usize) -> Result<Root<Node>, BenchError> {
    let first = new(collector, Node::new([None; 2], 0))?;
    let mut last = first;
    for number in 1..length as u64 {
        last = new(collector, Node::new([Some(last), None], number))?;
    }
    collector.get_mut(first).ok_or_else(lost)?.references[0] = Some(last);
    collector.root(first)?.ok_or_else(lost)
}

fn rooted(collector: &mut Collector<Node>, node: Node) -> Result<Root<Node>, BenchError> {
    let gc = new(collector, node)?;
    collector.root(gc)?.ok_or_else(lost)
}

fn new(collector: &mut Collector<Node>, node: Node) -> Result<Gc<Node>, BenchError> {
    collector.allocate(node).map_err(|(error, _)| error.into())
}

fn lost() -> BenchError {
    BenchError::Failed("a live object was lost".into())
}

/// Runs `iterations` of `one`, which says by its argument what of it is timed.
fn timed(
    counter: CounterKind,
    iterations: u64,
    mut one: impl FnMut(&mut dyn FnMut(&mut dyn FnMut() -> u64) -> u64) -> u64,
) -> Batch {
    let mut whole = Batch { ticks: 0, sum: 0, end: Ticks(0) };
    for _ in 0..iterations {
        let result = one(&mut |body: &mut dyn FnMut() -> u64| {
            let batch = counter.time(&mut || body(), 1);
            whole.ticks += batch.ticks;
            whole.end = batch.end;
            batch.sum
        });
        whole.sum = whole.sum.wrapping_add(result);
    }
    whole
}

fn now() -> u64 {
    counter::now().0
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
