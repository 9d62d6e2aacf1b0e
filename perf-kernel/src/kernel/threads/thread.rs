//! One kernel thread as the scheduler knows it.

use multios_core::sync::{Priority, Wake};

/// Names a thread. One that has ended is never taken for a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl ThreadId {
    /// Names no thread.
    pub const NONE: Self = Self { slot: u32::MAX, generation: 0 };

    /// Its place in the table, which a later thread may have.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot
    }
}

impl Default for ThreadId {
    fn default() -> Self {
        Self::NONE
    }
}

/// CPUs, by number below 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuSet(u64);

impl CpuSet {
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);

    /// One of them; empty from 64 on.
    #[must_use]
    pub const fn one(cpu: usize) -> Self {
        Self(if cpu < 64 { 1 << cpu } else { 0 })
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `cpu` is one of them.
    #[must_use]
    pub const fn has(self, cpu: usize) -> bool {
        self.0 & Self::one(cpu).0 != 0
    }
}

/// Why there is no new thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpawnError {
    /// There are as many as there may be, those included that ended and that nobody joined.
    #[error("start a thread: there are {0} already")]
    TooMany(usize),
    /// No CPU that runs is among those that it may run on.
    #[error("start a thread: it may run on none of the CPUs that run")]
    NoCpu,
    /// No memory for its stack.
    #[error("start a thread: no memory for its stack")]
    NoStack,
}

/// Why a thread is not joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It was joined or detached before, or is the first thread of a CPU.
    #[error("join a thread: it was joined or detached before")]
    Unknown,
    /// Another thread waits for it already.
    #[error("join a thread: another thread waits for it already")]
    Taken,
    /// It would wait for itself.
    #[error("join a thread: it is the calling thread")]
    Deadlock,
}

/// No CPU.
pub(super) const NOWHERE: usize = usize::MAX;

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No thread is here.
    Free,
    /// In a run queue.
    Ready,
    /// On its CPU.
    Running,
    /// Waits for its token, perhaps until a deadline.
    Parked,
    /// Waits for a deadline.
    Sleeping,
    /// Waits for another thread's end.
    Joining,
    /// Has ended with this value.
    Exited(u64),
}

/// Where a thread stands among its equals.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    First,
    Last,
}

/// A place of the table.
pub(super) struct Thread<R> {
    pub(super) generation: u32,
    pub(super) state: State,
    pub(super) has_token: bool,
    /// Whether the CPU that it is on is none that it may run on.
    pub(super) has_to_move: bool,
    /// The CPU on which [`Threads::hand_back`](super::Threads::hand_back) lets it go on, else [`NOWHERE`].
    pub(super) waits_on: usize,
    /// How its last wait ended.
    pub(super) wake: Wake,
    /// Its own.
    pub(super) base: Priority,
    /// With what it has been lent.
    pub(super) priority: Priority,
    /// The levels above that, as bits.
    pub(super) more_urgent: u32,
    /// Loans of each priority.
    pub(super) loans: [u16; Priority::LEVELS as usize],
    pub(super) affinity: CpuSet,
    /// Where it runs, or ran last.
    pub(super) cpu: usize,
    /// When its wait ends by itself.
    pub(super) deadline: Option<u64>,
    pub(super) joiner: Option<u32>,
    pub(super) is_joinable: bool,
    /// What it runs with; the default once it has left its CPU for good.
    pub(super) resource: R,
    pub(super) has_left: bool,
}

impl<R: Default> Thread<R> {
    pub(super) fn free() -> Self {
        Self {
            generation: 0,
            state: State::Free,
            has_token: false,
            has_to_move: false,
            waits_on: NOWHERE,
            wake: Wake::Unparked,
            base: Priority::NORMAL,
            priority: Priority::NORMAL,
            more_urgent: levels_above(Priority::NORMAL),
            loans: [0; Priority::LEVELS as usize],
            affinity: CpuSet::ALL,
            cpu: 0,
            deadline: None,
            joiner: None,
            is_joinable: true,
            resource: R::default(),
            has_left: false,
        }
    }

    /// Makes it as urgent as that.
    pub(super) const fn set_priority(&mut self, priority: Priority) {
        self.priority = priority;
        self.more_urgent = levels_above(priority);
    }

    /// The highest of its own priority and what it has been lent.
    pub(super) fn highest(&self) -> Priority {
        let lent = self.loans.iter().rposition(|count| *count > 0);
        let lent = lent.and_then(|level| u8::try_from(level).ok()).and_then(Priority::new);
        lent.map_or(self.base, |lent| lent.max(self.base))
    }
}

/// The levels above `priority`, as bits.
const fn levels_above(priority: Priority) -> u32 {
    u32::MAX << priority.level() << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_cpus_has_what_was_put_in() {
        let set = CpuSet::one(0).with(CpuSet::one(63));
        assert_eq!([0, 1, 63, 64].map(|cpu| set.has(cpu)), [true, false, true, false]);
        assert!(CpuSet::ALL.has(40) && !CpuSet::ALL.has(64));
    }

    #[test]
    fn a_thread_is_as_urgent_as_the_highest_of_its_loans_and_its_own() {
        let mut thread = Thread::<()>::free();
        assert_eq!(thread.highest(), Priority::NORMAL);
        thread.loans[3] = 1;
        assert_eq!(thread.highest(), Priority::NORMAL, "a loan never lowers");
        thread.loans[31] = 2;
        assert_eq!(thread.highest(), Priority::HIGHEST);
    }
}
