//! The table of threads, and what becomes of them.

use alloc::vec::Vec;
use core::cmp::Ordering;

use multios_core::sync::{Priority, Wake};

use super::decision::{Block, Pick, Switch, ThreadsUsage, Unparked};
use super::run_queue::{Links, RunQueue};
use super::sleepers::Sleepers;
use super::thread::{CpuSet, JoinError, NOWHERE, SpawnError, State, Thread, ThreadId, Turn};

/// All threads of a kernel, and which of them each CPU runs. `R` is what a thread runs with: its stack and registers.
///
/// A CPU runs the most urgent of its ready threads; equals take turns. Nothing here runs anything: whoever carries the
/// decisions out calls with one lock held, keeps it over the switch that [`Threads::pick`] asks for, and then calls
/// [`Threads::take_dead`].
pub struct Threads<R> {
    pub(super) threads: Vec<Thread<R>>,
    links: Vec<Links>,
    free: Vec<u32>,
    threads_max: usize,
    pub(super) cpus: Vec<Cpu>,
    pub(super) sleepers: Sleepers,
    pub(super) usage: ThreadsUsage,
}

/// One CPU.
pub(super) struct Cpu {
    /// The thread on it, though that may wait while the CPU has nothing to do.
    pub(super) current: u32,
    pub(super) ready: RunQueue,
    /// Has ended, and its stack is in use until the switch away from it is done.
    dying: Option<u32>,
}

impl<R: Default> Threads<R> {
    /// No threads, of which there may be up to `threads_max` at a time. Never takes memory again for as many.
    #[must_use]
    pub fn new(threads_max: usize) -> Self {
        let threads_max = threads_max.min(1 << 20);
        Self {
            threads: Vec::new(),
            links: Vec::new(),
            free: Vec::new(),
            threads_max,
            cpus: Vec::new(),
            sleepers: Sleepers::new(),
            usage: ThreadsUsage::default(),
        }
    }

    /// As many as there may be.
    #[must_use]
    pub const fn threads_max(&self) -> usize {
        self.threads_max
    }

    /// Adds the next CPU, whose code of now becomes its first thread, and gives the CPU's number. The first thread of a CPU
    /// that is there for other threads has the lowest priority and never waits.
    ///
    /// # Errors
    /// There are as many threads as there may be.
    pub fn add_cpu(&mut self, priority: Priority, resource: R) -> Result<usize, SpawnError> {
        let cpu = self.cpus.len();
        let slot = self.take_slot()?;
        let thread = self.at_mut(slot);
        thread.state = State::Running;
        thread.base = priority;
        thread.set_priority(priority);
        thread.affinity = CpuSet::one(cpu);
        thread.cpu = cpu;
        thread.is_joinable = false;
        thread.resource = resource;
        self.cpus.push(Cpu { current: slot, ready: RunQueue::new(), dying: None });
        self.usage.alive += 1;
        Ok(cpu)
    }

    /// Starts a thread from `cpu`: it is ready, and runs when its turn comes.
    ///
    /// # Errors
    /// See [`SpawnError`], with `resource`.
    pub fn spawn(
        &mut self,
        cpu: usize,
        priority: Priority,
        affinity: CpuSet,
        resource: R,
    ) -> Result<(ThreadId, Unparked), (SpawnError, R)> {
        let place = self.choose(cpu, affinity).ok_or(SpawnError::NoCpu);
        let (cpu, slot) = match place.and_then(|cpu| Ok((cpu, self.take_slot()?))) {
            Ok(place) => place,
            Err(error) => return Err((error, resource)),
        };
        let thread = self.at_mut(slot);
        thread.base = priority;
        thread.set_priority(priority);
        thread.affinity = affinity;
        thread.cpu = cpu;
        thread.resource = resource;
        let id = ThreadId { slot, generation: thread.generation };
        self.usage.alive += 1;
        self.usage.started += 1;
        Ok((id, self.make_ready(slot)))
    }

    /// The thread on `cpu`.
    #[must_use]
    pub fn current(&self, cpu: usize) -> ThreadId {
        let slot = self.cpus[cpu].current;
        ThreadId { slot, generation: self.at(slot).generation }
    }

    /// What the thread in `slot` runs with; the default if it has left its CPU for good.
    #[inline]
    pub fn resource_mut(&mut self, slot: u32) -> &mut R {
        &mut self.at_mut(slot).resource
    }

    /// Lets the threads run on `cpu` that are as urgent as its own, or more.
    #[inline(always)]
    pub fn yield_now(&mut self, cpu: usize) -> Pick {
        let Cpu { current, ready, .. } = &mut self.cpus[cpu];
        let from = *current;
        let thread = &mut self.threads[from as usize];
        if ready.highest().is_none_or(|highest| highest < thread.priority) {
            return Pick::Stay;
        }
        thread.state = State::Ready;
        let Some(to) = ready.exchange(&mut self.links, from, thread.priority) else { return Pick::Stay };
        *current = to;
        let next = &mut self.threads[to as usize];
        next.state = State::Running;
        self.usage.switches += 1;
        if !self.threads[from as usize].affinity.has(cpu) {
            self.leave(cpu, from);
        }
        Pick::Switch(Switch { from, to })
    }

    /// The same when its thread's time is over; nothing if that waits, as the CPU has nothing to do.
    #[cold]
    pub fn end_turn(&mut self, cpu: usize) -> Pick {
        let current = self.cpus[cpu].current;
        if self.at(current).state == State::Running { self.yield_now(cpu) } else { Pick::Stay }
    }

    /// Whether the thread on `cpu` has to take turns with others.
    #[must_use]
    pub fn is_shared(&self, cpu: usize) -> bool {
        let Cpu { current, ready, .. } = &self.cpus[cpu];
        let running = self.at(*current);
        running.state == State::Running && ready.highest().is_some_and(|highest| highest >= running.priority)
    }

    /// How many CPUs there are.
    #[must_use]
    pub const fn cpus(&self) -> usize {
        self.cpus.len()
    }

    /// Moves a ready thread from `cpu`, where it may no longer run.
    #[cold]
    fn leave(&mut self, cpu: usize, slot: u32) {
        let priority = self.at(slot).priority;
        self.cpus[cpu].ready.remove(&mut self.links, slot, priority);
        self.enqueue(slot, Turn::Last);
    }

    /// Lets a thread run on `cpu` that is more urgent than its own, which keeps its turn among its equals.
    pub fn preempt(&mut self, cpu: usize) -> Pick {
        let current = self.cpus[cpu].current;
        let thread = self.at(current);
        let (state, priority) = (thread.state, thread.priority);
        if state != State::Running || self.cpus[cpu].ready.highest().is_none_or(|highest| highest <= priority)
        {
            return Pick::Stay;
        }
        self.enqueue(current, Turn::First);
        self.pick(cpu)
    }

    /// Begins to wait for the token of the thread on `cpu`.
    pub fn park(&mut self, cpu: usize, deadline: Option<u64>) -> Block<Wake> {
        let current = self.cpus[cpu].current;
        let thread = self.at_mut(current);
        if core::mem::take(&mut thread.has_token) {
            return Block::Done(Wake::Unparked);
        }
        self.wait_as(current, State::Parked, deadline);
        Block::Wait
    }

    /// How the wait of the thread on `cpu` ended, which runs again. A token that came in between is taken.
    pub fn end_park(&mut self, cpu: usize) -> Wake {
        let current = self.cpus[cpu].current;
        let thread = self.at_mut(current);
        match thread.wake {
            Wake::TimedOut if core::mem::take(&mut thread.has_token) => Wake::Unparked,
            wake => wake,
        }
    }

    /// Begins to wait until `deadline`, whatever tokens come.
    pub fn sleep(&mut self, cpu: usize, deadline: u64) {
        self.wait_as(self.cpus[cpu].current, State::Sleeping, Some(deadline));
    }

    /// Gives a thread its token; nothing if it has ended.
    pub fn unpark(&mut self, id: ThreadId) -> Unparked {
        let Some(thread) = self.find(id) else { return Unparked::Nothing };
        match thread.state {
            State::Parked => {
                thread.wake = Wake::Unparked;
                thread.waits_on = NOWHERE;
                self.wake(id.slot)
            }
            State::Free | State::Exited(_) => Unparked::Nothing,
            _ => {
                thread.has_token = true;
                Unparked::Nothing
            }
        }
    }

    /// Wakes one thread whose deadline has passed at `now`; `None` if there is none left.
    pub fn expire(&mut self, now: u64) -> Option<Unparked> {
        let slot = self.sleepers.pop_due(now)?;
        let thread = self.at_mut(slot);
        thread.wake = Wake::TimedOut;
        thread.deadline = None;
        Some(self.make_ready(slot))
    }

    /// Ends the thread on `cpu`, and wakes who waits for it. The pick that follows never comes back to it.
    pub fn exit(&mut self, cpu: usize, value: u64) -> Unparked {
        let current = self.cpus[cpu].current;
        self.cpus[cpu].dying = Some(current);
        self.at_mut(current).state = State::Exited(value);
        self.usage.alive -= 1;
        self.usage.ended += 1;
        self.wake_joiner(current)
    }

    /// Whether a thread has ended on `cpu` and [`Threads::take_dead`] has not been called since.
    #[must_use]
    pub fn has_dead(&self, cpu: usize) -> bool {
        self.cpus[cpu].dying.is_some()
    }

    /// Takes what a thread ran with that has ended on `cpu`; call after each switch.
    pub fn take_dead(&mut self, cpu: usize) -> Option<(R, Unparked)> {
        let slot = self.cpus[cpu].dying.take()?;
        let thread = self.at_mut(slot);
        let resource = core::mem::take(&mut thread.resource);
        thread.has_left = true;
        if thread.is_joinable {
            // One that looked while the stack was still in use waits again.
            return Some((resource, self.wake_joiner(slot)));
        }
        self.give_slot(slot);
        Some((resource, Unparked::Nothing))
    }

    /// Joins `id` from the thread on `cpu`: gives its value once it has ended and left its CPU, and forgets it.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub fn join(&mut self, cpu: usize, id: ThreadId) -> Result<Block<u64>, JoinError> {
        let current = self.cpus[cpu].current;
        let thread = self.find(id).filter(|thread| thread.is_joinable).ok_or(JoinError::Unknown)?;
        if id.slot == current {
            return Err(JoinError::Deadlock);
        }
        if thread.joiner.is_some_and(|joiner| joiner != current) {
            return Err(JoinError::Taken);
        }
        if let State::Exited(value) = thread.state
            && thread.has_left
        {
            self.give_slot(id.slot);
            return Ok(Block::Done(value));
        }
        thread.joiner = Some(current);
        self.wait_as(current, State::Joining, None);
        Ok(Block::Wait)
    }

    /// Lets `id` be forgotten when it ends.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub fn detach(&mut self, id: ThreadId) -> Result<(), JoinError> {
        let thread = self.find(id).filter(|thread| thread.is_joinable).ok_or(JoinError::Unknown)?;
        if thread.joiner.is_some() {
            return Err(JoinError::Taken);
        }
        thread.is_joinable = false;
        if matches!(thread.state, State::Exited(_)) && thread.has_left {
            self.give_slot(id.slot);
        }
        Ok(())
    }

    /// How urgent `id` is, with what it has been lent; `None` if it has ended.
    pub fn priority(&mut self, id: ThreadId) -> Option<Priority> {
        self.find(id).map(|thread| thread.priority)
    }

    /// Lends `priority` to `id`.
    pub fn lend(&mut self, id: ThreadId, priority: Priority) -> Unparked {
        let Some(thread) = self.find(id) else { return Unparked::Nothing };
        let loans = &mut thread.loans[usize::from(priority.level())];
        *loans = loans.saturating_add(1);
        self.rank(id.slot)
    }

    /// Ends one loan of `priority` to `id`.
    pub fn end_loan(&mut self, id: ThreadId, priority: Priority) -> Unparked {
        let Some(thread) = self.find(id) else { return Unparked::Nothing };
        let loans = &mut thread.loans[usize::from(priority.level())];
        *loans = loans.saturating_sub(1);
        self.rank(id.slot)
    }

    /// Lets `id` run on `affinity` alone, from when it next becomes ready.
    ///
    /// # Errors
    /// None of these CPUs runs.
    pub fn set_affinity(&mut self, id: ThreadId, affinity: CpuSet) -> Result<(), SpawnError> {
        if !(0..self.cpus.len()).any(|cpu| affinity.has(cpu)) {
            return Err(SpawnError::NoCpu);
        }
        if let Some(thread) = self.find(id) {
            thread.affinity = affinity;
            thread.has_to_move = !affinity.has(thread.cpu);
            if thread.has_to_move {
                thread.waits_on = NOWHERE;
            }
        }
        Ok(())
    }

    /// The next deadline that somebody waits for.
    #[must_use]
    pub fn earliest(&self) -> Option<u64> {
        self.sleepers.earliest()
    }

    /// What threads there are.
    #[must_use]
    pub const fn usage(&self) -> ThreadsUsage {
        self.usage
    }

    /// What `cpu` does next, when its thread waits, is queued or has ended.
    pub fn pick(&mut self, cpu: usize) -> Pick {
        let Cpu { current, ready, .. } = &mut self.cpus[cpu];
        let from = *current;
        let Some(to) = ready.pop(&mut self.links) else {
            return Pick::Idle(self.sleepers.earliest());
        };
        *current = to;
        self.at_mut(to).state = State::Running;
        if from == to {
            return Pick::Stay;
        }
        self.usage.switches += 1;
        Pick::Switch(Switch { from, to })
    }

    fn wait_as(&mut self, slot: u32, state: State, deadline: Option<u64>) {
        let thread = self.at_mut(slot);
        thread.state = state;
        thread.deadline = deadline;
        if let Some(deadline) = deadline {
            self.sleepers.add(deadline, slot);
        }
    }

    /// Ends a wait before its deadline.
    fn wake(&mut self, slot: u32) -> Unparked {
        if let Some(deadline) = self.at_mut(slot).deadline.take() {
            self.sleepers.remove(deadline, slot);
        }
        self.make_ready(slot)
    }

    /// Wakes who waits for `slot`. Nobody else can join it before.
    fn wake_joiner(&mut self, slot: u32) -> Unparked {
        let waiting = self.at(slot).joiner.filter(|joiner| self.at(*joiner).state == State::Joining);
        waiting.map_or(Unparked::Nothing, |joiner| self.wake(joiner))
    }

    fn make_ready(&mut self, slot: u32) -> Unparked {
        self.enqueue(slot, Turn::Last);
        let thread = self.at(slot);
        let running = self.at(self.cpus[thread.cpu].current);
        match running.priority.cmp(&thread.priority) {
            _ if running.state != State::Running => Unparked::Reschedule(thread.cpu),
            Ordering::Less => Unparked::Reschedule(thread.cpu),
            Ordering::Equal => Unparked::Share(thread.cpu),
            Ordering::Greater => Unparked::Nothing,
        }
    }

    fn enqueue(&mut self, slot: u32, turn: Turn) {
        let thread = self.at(slot);
        let (priority, cpu, affinity) = (thread.priority, thread.cpu, thread.affinity);
        // Its registers are on that CPU as long as it is the CPU's thread, running or not.
        let is_on_cpu = self.cpus[cpu].current == slot;
        let cpu = if is_on_cpu || affinity.has(cpu) { cpu } else { self.move_away(slot) };
        self.at_mut(slot).state = State::Ready;
        let ready = &mut self.cpus[cpu].ready;
        match turn {
            Turn::First => ready.push_front(&mut self.links, slot, priority),
            Turn::Last => ready.push_back(&mut self.links, slot, priority),
        }
    }

    /// Brings the thread to a CPU that it may run on, and gives that.
    #[cold]
    fn move_away(&mut self, slot: u32) -> usize {
        let thread = self.at(slot);
        let cpu = self.choose(thread.cpu, thread.affinity).unwrap_or(thread.cpu);
        let thread = self.at_mut(slot);
        thread.cpu = cpu;
        thread.has_to_move = false;
        cpu
    }

    /// The allowed CPU with the fewest threads to run; `here` if it is one of several.
    fn choose(&self, here: usize, affinity: CpuSet) -> Option<usize> {
        let allowed = (0..self.cpus.len()).filter(|cpu| affinity.has(*cpu));
        allowed.min_by_key(|cpu| (self.load(*cpu), *cpu != here))
    }

    /// Threads that are ready or run on `cpu`, except the one that only keeps it when nobody else does.
    fn load(&self, cpu: usize) -> usize {
        let Cpu { current, ready, .. } = &self.cpus[cpu];
        let running = self.at(*current);
        let is_busy = running.state == State::Running && running.priority > Priority::LOWEST;
        ready.len() + usize::from(is_busy)
    }

    /// Brings the thread's priority in line with its loans.
    fn rank(&mut self, slot: u32) -> Unparked {
        let thread = self.at_mut(slot);
        let (old, new, cpu, state) = (thread.priority, thread.highest(), thread.cpu, thread.state);
        if old == new {
            return Unparked::Nothing;
        }
        thread.set_priority(new);
        match state {
            State::Ready => {
                self.cpus[cpu].ready.remove(&mut self.links, slot, old);
                self.make_ready(slot)
            }
            State::Running if self.cpus[cpu].ready.highest().is_some_and(|highest| highest > new) => {
                Unparked::Reschedule(cpu)
            }
            _ => Unparked::Nothing,
        }
    }

    fn take_slot(&mut self) -> Result<u32, SpawnError> {
        if let Some(slot) = self.free.pop() {
            return Ok(slot);
        }
        let slot = u32::try_from(self.threads.len()).map_err(|_| SpawnError::TooMany(self.threads_max))?;
        if self.threads.len() >= self.threads_max {
            return Err(SpawnError::TooMany(self.threads_max));
        }
        self.threads.push(Thread::free());
        self.links.push(Links::NONE);
        Ok(slot)
    }

    /// Forgets a thread that has ended.
    fn give_slot(&mut self, slot: u32) {
        let thread = self.at_mut(slot);
        *thread = Thread { generation: thread.generation.wrapping_add(1), ..Thread::free() };
        self.usage.ended -= 1;
        self.free.push(slot);
    }

    fn find(&mut self, id: ThreadId) -> Option<&mut Thread<R>> {
        let thread = self.threads.get_mut(id.slot as usize)?;
        (thread.generation == id.generation && thread.state != State::Free).then_some(thread)
    }

    fn at(&self, slot: u32) -> &Thread<R> {
        &self.threads[slot as usize]
    }

    fn at_mut(&mut self, slot: u32) -> &mut Thread<R> {
        &mut self.threads[slot as usize]
    }
}
