//! The table driven by a script in the place of processors, with many threads that do everything.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

use multios_core::sync::Priority;

use super::{Block, CpuSet, JoinError, Pick, SpawnError, Switch, ThreadId, Threads, Unparked};
use crate::measure::random::Stream;

const CPUS: usize = 2;
const THREADS_MAX: usize = 40;

/// Processors that only remember whose turn it is.
struct Script {
    threads: Threads<Option<Rc<()>>>,
    resources: Rc<()>,
    random: Stream,
    now: u64,
    is_idle: [bool; CPUS],
    /// What each slot waits for.
    joining: Vec<Option<ThreadId>>,
    parking: Vec<bool>,
    /// How many threads had been started when each slot's was.
    numbers: Vec<u64>,
    alive: Vec<ThreadId>,
    unjoined: Vec<(ThreadId, u64)>,
    switches: u64,
    joins: u64,
    hand_overs: u64,
    hand_backs: u64,
}

impl Script {
    fn new() -> Self {
        let resources = Rc::new(());
        let mut threads = Threads::new(THREADS_MAX);
        for cpu in 0..CPUS {
            assert_eq!(threads.add_cpu(Priority::NORMAL, Some(resources.clone())), Ok(cpu));
        }
        Self {
            threads,
            resources,
            random: Stream::new(7, "threads"),
            now: 0,
            is_idle: [false; CPUS],
            joining: vec![None; THREADS_MAX],
            parking: vec![false; THREADS_MAX],
            numbers: vec![0; THREADS_MAX],
            alive: Vec::new(),
            unjoined: Vec::new(),
            switches: 0,
            joins: 0,
            hand_overs: 0,
            hand_backs: 0,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.number() % end
    }

    fn follow(&mut self, cpu: usize, pick: Pick) {
        self.is_idle[cpu] = matches!(pick, Pick::Idle(_));
        if let Pick::Switch(switch) = pick {
            assert_ne!(switch.from, switch.to);
            self.switches += 1;
            let dead = self.threads.take_dead(cpu);
            drop(dead);
        }
        if self.is_idle[cpu] {
            return;
        }
        let me = self.threads.current(cpu);
        if core::mem::take(&mut self.parking[me.slot as usize]) {
            self.threads.end_park(cpu);
        }
        if let Some(id) = self.joining[me.slot as usize].take() {
            self.join(cpu, id);
        }
    }

    /// Joins a younger thread only, so that none waits for itself over others.
    fn join(&mut self, cpu: usize, id: ThreadId) {
        let me = self.threads.current(cpu);
        if self.numbers[id.slot as usize] <= self.numbers[me.slot as usize] {
            return;
        }
        match self.threads.join(cpu, id) {
            Ok(Block::Done(value)) => {
                let at = self.unjoined.iter().position(|(other, _)| *other == id).expect("joined once");
                assert_eq!(self.unjoined.swap_remove(at).1, value);
                self.joins += 1;
            }
            Ok(Block::Wait) => {
                self.joining[me.slot as usize] = Some(id);
                let pick = self.threads.pick(cpu);
                self.follow(cpu, pick);
            }
            Err(error) => assert!(matches!(error, JoinError::Taken | JoinError::Deadlock), "{error:?}"),
        }
    }

    fn spawn(&mut self, cpu: usize) {
        let priority = Priority::new(u8::try_from(self.below(32)).expect("a level")).expect("a level");
        let affinity = match self.below(3) {
            0 => CpuSet::ALL,
            1 => CpuSet::one(0),
            _ => CpuSet::one(1),
        };
        match self.threads.spawn(cpu, priority, affinity, Some(self.resources.clone())) {
            Ok((id, _)) => {
                self.alive.push(id);
                self.numbers[id.slot as usize] = self.threads.usage().started;
                self.unjoined.push((id, u64::from(id.slot) * 1_000 + u64::from(id.generation)));
            }
            Err((error, _)) => assert_eq!(error, SpawnError::TooMany(THREADS_MAX)),
        }
    }

    fn exit(&mut self, cpu: usize) {
        let me = self.threads.current(cpu);
        let Some(at) = self.alive.iter().position(|id| *id == me) else { return };
        self.alive.swap_remove(at);
        self.threads.exit(cpu, u64::from(me.slot) * 1_000 + u64::from(me.generation));
        let pick = self.threads.pick(cpu);
        self.follow(cpu, pick);
    }

    fn any(&mut self) -> Option<ThreadId> {
        let count = (self.alive.len() as u64).max(1);
        let at = usize::try_from(self.below(count)).expect("an index");
        self.alive.get(at).copied()
    }

    fn step(&mut self) {
        let cpu = usize::from(self.below(2) == 1);
        if self.is_idle == [true; CPUS] {
            self.wake_all();
        }
        self.now += self.below(3);
        if self.below(4) == 0 {
            while self.threads.expire(self.now).is_some() {}
        }
        if self.is_idle[cpu] {
            let pick = self.threads.pick(cpu);
            return self.follow(cpu, pick);
        }
        let priority = Priority::new(u8::try_from(self.below(32)).expect("a level")).expect("a level");
        match self.below(11) {
            0 | 1 => self.spawn(cpu),
            2 => self.exit(cpu),
            3 => {
                let pick = self.threads.yield_now(cpu);
                self.follow(cpu, pick);
            }
            4 => {
                let deadline = (self.below(2) == 0).then_some(self.now + 5);
                if self.threads.park(cpu, deadline) == Block::Wait {
                    self.parking[self.threads.current(cpu).slot as usize] = true;
                    let pick = self.threads.pick(cpu);
                    self.follow(cpu, pick);
                }
            }
            5 => {
                self.threads.sleep(cpu, self.now + 3);
                let pick = self.threads.pick(cpu);
                self.follow(cpu, pick);
            }
            6 => {
                let count = self.unjoined.len() as u64;
                if count > 0 {
                    let at = usize::try_from(self.below(count)).expect("an index");
                    self.join(cpu, self.unjoined[at].0);
                }
            }
            7 => self.hand_over(cpu),
            8 => {
                if let Some(id) = self.any() {
                    self.threads.lend(id, priority);
                    self.threads.end_loan(id, priority);
                }
            }
            _ => {
                let target = self.any().unwrap_or_else(|| self.threads.current(1 - cpu));
                if let Unparked::Reschedule(cpu) = self.threads.unpark(target) {
                    let pick = self.threads.preempt(cpu);
                    if pick != Pick::Stay {
                        self.follow(cpu, pick);
                    }
                }
            }
        }
    }

    fn hand_over(&mut self, cpu: usize) {
        let Some(to) = self.any() else { return };
        let me = self.threads.current(cpu);
        self.hand_over_to(cpu, to);
        if self.threads.current(cpu) == to && self.below(2) == 0 {
            self.hand_over_to(cpu, me);
        }
    }

    fn hand_over_to(&mut self, cpu: usize, to: ThreadId) {
        let me = self.threads.current(cpu);
        let deadline = (self.below(4) == 0).then_some(self.now + 5);
        let is_back = deadline.is_none() && self.threads.hand_back(cpu, to).is_some();
        self.hand_backs += u64::from(is_back);
        if !is_back && self.threads.hand_over(cpu, to, deadline).is_none() {
            assert_eq!(self.threads.current(cpu), me);
            return;
        }
        assert_eq!(self.threads.current(cpu), to);
        let switch = Switch { from: me.slot, to: to.slot };
        self.hand_overs += 1;
        self.parking[me.slot as usize] = true;
        self.follow(cpu, Pick::Switch(switch));
    }

    fn wake_all(&mut self) {
        for id in self.alive.clone() {
            self.threads.unpark(id);
        }
        for slot in 0..2 {
            self.threads.unpark(ThreadId { slot, generation: 0 });
        }
    }

    /// Wakes everybody, and lets every thread that runs end or join, until none is left.
    fn drain(&mut self) {
        let mut rounds = 0;
        while !self.alive.is_empty() || !self.unjoined.is_empty() {
            rounds += 1;
            assert!(rounds < 1_000_000, "a thread never runs again: {:?}", self.threads.usage());
            self.now += 10;
            while self.threads.expire(self.now).is_some() {}
            self.wake_all();
            for cpu in 0..CPUS {
                if self.is_idle[cpu] {
                    let pick = self.threads.pick(cpu);
                    self.follow(cpu, pick);
                    continue;
                }
                self.exit(cpu);
                if !self.is_idle[cpu]
                    && let Some((id, _)) =
                        self.unjoined.iter().find(|(id, _)| !self.alive.contains(id)).copied()
                {
                    self.join(cpu, id);
                }
                // Blocks, so that less urgent threads run.
                if !self.is_idle[cpu] {
                    self.threads.sleep(cpu, self.now + 1);
                    let pick = self.threads.pick(cpu);
                    self.follow(cpu, pick);
                }
            }
        }
    }
}

#[test]
fn a_hundred_thousand_threads_come_and_go_and_nothing_is_left() {
    let mut script = Script::new();
    while script.threads.usage().started < 100_000 {
        script.step();
    }
    script.drain();
    let usage = script.threads.usage();
    assert_eq!((usage.alive, usage.ended, usage.switches), (CPUS, 0, script.switches));
    assert_eq!(script.joins, usage.started, "every thread was joined once");
    assert!(usage.switches >= 100_000, "{usage:?}");
    assert!(script.hand_overs >= 1_000, "{} hand-overs", script.hand_overs);
    assert!(script.hand_backs >= 100, "{} of them back", script.hand_backs);
    assert_eq!(Rc::strong_count(&script.resources), CPUS + 1, "what threads ran with is given back");
}

fn spawned(threads: &mut Threads<()>, level: u8) -> ThreadId {
    let priority = Priority::new(level).expect("a level");
    threads.spawn(0, priority, CpuSet::ALL, ()).expect("there is room").0
}

fn single() -> Threads<()> {
    let mut threads = Threads::new(8);
    threads.add_cpu(Priority::NORMAL, ()).expect("there is room");
    threads
}

const NORMAL: u8 = Priority::NORMAL.level();

#[test]
fn equals_take_turns_and_the_more_urgent_goes_first() {
    let mut threads = single();
    let first = threads.current(0);
    let (low, equal, high) =
        (spawned(&mut threads, NORMAL - 1), spawned(&mut threads, NORMAL), spawned(&mut threads, NORMAL + 1));
    let mut turns = Vec::new();
    for _ in 0..2 {
        threads.yield_now(0);
        turns.push(threads.current(0));
    }
    assert_eq!(turns, [high, high], "the most urgent yields to nobody");
    threads.exit(0, 0);
    for _ in 0..4 {
        threads.pick_or_yield();
        turns.push(threads.current(0));
    }
    assert_eq!(turns[2..], [equal, first, equal, first]);
    assert_ne!(threads.current(0), low);
}

impl Threads<()> {
    /// What a CPU does whose thread has ended, or yields.
    fn pick_or_yield(&mut self) {
        if self.take_dead(0).is_some() {
            self.pick(0);
        } else {
            self.yield_now(0);
        }
    }
}

#[test]
fn a_preempted_thread_keeps_its_turn() {
    let mut threads = single();
    let first = threads.current(0);
    spawned(&mut threads, NORMAL);
    assert_eq!(threads.preempt(0), Pick::Stay, "an equal does not preempt");
    let high = spawned(&mut threads, NORMAL + 1);
    assert!(matches!(threads.preempt(0), Pick::Switch(_)));
    assert_eq!(threads.current(0), high);
    assert_eq!(threads.park(0, None), Block::Wait);
    threads.pick(0);
    assert_eq!(threads.current(0), first);
}

#[test]
fn a_token_that_comes_before_the_park_or_with_the_deadline_is_not_lost() {
    let mut threads = single();
    let me = threads.current(0);
    threads.unpark(me);
    assert_eq!(threads.park(0, None), Block::Done(multios_core::sync::Wake::Unparked));
    assert_eq!(threads.park(0, Some(5)), Block::Wait);
    assert_eq!(threads.pick(0), Pick::Idle(Some(5)));
    assert_eq!(threads.expire(4), None);
    assert!(threads.expire(5).is_some());
    threads.unpark(me);
    assert_eq!(threads.pick(0), Pick::Stay);
    assert_eq!(threads.end_park(0), multios_core::sync::Wake::Unparked);
}

#[test]
fn a_loan_raises_a_ready_thread_over_others_until_it_ends() {
    let mut threads = single();
    let (low, middle) = (spawned(&mut threads, 1), spawned(&mut threads, NORMAL));
    threads.lend(low, Priority::HIGHEST);
    assert_eq!(threads.priority(low), Some(Priority::HIGHEST));
    threads.preempt(0);
    assert_eq!(threads.current(0), low);
    assert_eq!(threads.end_loan(low, Priority::HIGHEST), Unparked::Reschedule(0));
    threads.preempt(0);
    assert_ne!(threads.current(0), low);
    assert_eq!(threads.priority(middle), Some(Priority::NORMAL));
}

#[test]
fn a_thread_that_waits_runs_in_the_place_of_one_that_begins_to() {
    let mut threads = single();
    let client = threads.current(0);
    let server = spawned(&mut threads, NORMAL);
    assert_eq!(threads.hand_over(0, server, None), None, "it is ready, and has its turn");
    threads.park(0, None);
    threads.pick(0);
    let equal = spawned(&mut threads, NORMAL);
    assert!(threads.hand_over(0, client, None).is_some(), "it is parked");
    assert_eq!((threads.current(0), threads.end_park(0)), (client, multios_core::sync::Wake::Unparked));
    assert!(threads.hand_over(0, server, Some(5)).is_some());
    assert_eq!(threads.hand_over(0, client, None), None, "it waits with a deadline");
    assert!(threads.expire(5).is_some());
    threads.yield_now(0);
    assert_eq!(threads.current(0), equal, "an equal has kept its turn");
    threads.yield_now(0);
    assert_eq!((threads.current(0), threads.end_park(0)), (client, multios_core::sync::Wake::TimedOut));
    threads.unpark(client);
    threads.park(0, None);
    assert_eq!(threads.current(0), client, "its token was there");
    spawned(&mut threads, NORMAL + 1);
    assert_eq!(threads.hand_over(0, server, None), None, "a more urgent thread is ready");
}

#[test]
fn only_one_that_has_handed_over_here_is_handed_back_to() {
    let mut threads = single();
    let client = threads.current(0);
    let server = spawned(&mut threads, NORMAL);
    threads.park(0, None);
    threads.pick(0);
    assert_eq!(threads.hand_back(0, client), None, "it has parked otherwise");
    assert!(threads.hand_over(0, client, None).is_some());
    let ends = |threads: &mut Threads<()>| {
        assert!(threads.hand_back(0, server).is_some());
        assert_eq!(threads.hand_back(0, server), None, "to itself");
        assert!(threads.hand_back(0, client).is_some());
    };
    ends(&mut threads);
    threads.unpark(client);
    assert_eq!(threads.hand_back(0, server), None, "a token is there");
    threads.park(0, None);
    threads.set_affinity(server, CpuSet::one(0)).expect("it runs");
    ends(&mut threads);
    let stale = ThreadId { generation: server.generation + 1, ..server };
    assert_eq!(threads.hand_back(0, stale), None, "another had the place");
    spawned(&mut threads, NORMAL + 1);
    assert_eq!(threads.hand_back(0, server), None, "a more urgent thread is ready");
    threads.unpark(server);
    assert_eq!(threads.hand_back(0, server), None, "it was woken");
}

#[test]
fn a_thread_that_has_to_move_is_not_handed_back_to() {
    let mut threads = Threads::new(8);
    for _ in 0..CPUS {
        threads.add_cpu(Priority::NORMAL, ()).expect("there is room");
    }
    let client = threads.current(0);
    let (server, _) = threads.spawn(0, Priority::NORMAL, CpuSet::one(0), ()).expect("there is room");
    threads.park(0, None);
    threads.pick(0);
    assert!(threads.hand_over(0, client, None).is_some());
    threads.set_affinity(server, CpuSet::one(1)).expect("it runs");
    assert_eq!(threads.hand_back(0, server), None);
    assert_eq!(threads.hand_over(0, server, None), None);
    assert_eq!(threads.unpark(server), Unparked::Share(1));
    threads.set_affinity(client, CpuSet::one(1)).expect("it runs");
    let (other, _) = threads.spawn(0, Priority::NORMAL, CpuSet::one(0), ()).expect("there is room");
    threads.park(0, None);
    threads.pick(0);
    assert_eq!(threads.current(0), other);
    assert_eq!(threads.hand_back(0, client), None, "it would not stay");
}

#[test]
fn threads_run_where_they_may() {
    let mut threads = Threads::new(8);
    for _ in 0..CPUS {
        threads.add_cpu(Priority::NORMAL, ()).expect("there is room");
    }
    let (_, unparked) = threads.spawn(0, Priority::HIGHEST, CpuSet::one(1), ()).expect("there is room");
    assert_eq!(unparked, Unparked::Reschedule(1));
    assert_eq!((threads.preempt(0), matches!(threads.preempt(1), Pick::Switch(_))), (Pick::Stay, true));
    assert_eq!(threads.spawn(0, Priority::NORMAL, CpuSet::one(5), ()), Err((SpawnError::NoCpu, ())));
    let me = threads.current(1);
    threads.set_affinity(me, CpuSet::one(0)).expect("it runs");
    threads.spawn(0, Priority::HIGHEST, CpuSet::one(1), ()).expect("there is room");
    threads.yield_now(1);
    assert_ne!(threads.current(1), me);
}

#[test]
fn who_joins_badly_is_told() {
    let mut threads = single();
    let me = threads.current(0);
    assert_eq!(threads.join(0, me), Err(JoinError::Unknown));
    let other = spawned(&mut threads, NORMAL + 1);
    threads.preempt(0);
    assert_eq!(threads.join(0, other), Err(JoinError::Deadlock));
    threads.exit(0, 42);
    threads.pick(0);
    assert_eq!(threads.join(0, other), Ok(Block::Wait), "its stack is still in use");
    assert_eq!(threads.pick(0), Pick::Idle(None));
    assert!(threads.take_dead(0).is_some());
    assert_eq!(threads.pick(0), Pick::Stay);
    assert_eq!(threads.join(0, other), Ok(Block::Done(42)));
    assert_eq!(threads.join(0, other), Err(JoinError::Unknown));
    assert_eq!(threads.detach(other), Err(JoinError::Unknown));
}

#[test]
fn a_detached_thread_leaves_nothing() {
    let mut threads = single();
    let other = spawned(&mut threads, NORMAL);
    threads.detach(other).expect("nobody waits for it");
    threads.yield_now(0);
    threads.exit(0, 0);
    threads.pick(0);
    assert!(threads.take_dead(0).is_some());
    assert_eq!(threads.usage().ended, 0);
    assert_eq!(threads.priority(other), None);
}
