//! What blocking primitives ask of whoever runs threads.

use core::time::Duration;

/// Runs threads, and stops and continues them for the primitives of this module.
///
/// A handle on one: cheap to clone, and every clone speaks of the same threads.
pub trait Scheduler: Clone {
    /// Names a thread. It may outlive the thread: what is done to one that has ended does nothing.
    type Thread: Clone + Eq + Send;

    /// State that threads share for a few instructions at a time.
    type Guarded<T: Send>: Guarded<T> + Send + Sync;

    /// Makes `value` such state.
    fn guard<T: Send>(&self, value: T) -> Self::Guarded<T>;

    /// The calling thread.
    fn current(&self) -> Self::Thread;

    /// Stops the calling thread until its token is there or `deadline` has passed, and takes the token.
    ///
    /// A thread has at most one token. If it is there already this returns at once, so that an [`unpark`] that comes
    /// before the park is not lost. It may also return early without a reason: callers look again at what they wait for.
    ///
    /// [`unpark`]: Scheduler::unpark
    fn park(&self, deadline: Option<Deadline>) -> Wake;

    /// Gives `thread` its token, and lets it go on if it is parked. Without effect if it has ended.
    ///
    /// What the caller wrote before is seen by `thread` after the park that took the token.
    fn unpark(&self, thread: &Self::Thread);

    /// Lets other threads that are ready, and at least as urgent, run first.
    fn yield_now(&self);

    /// The moment that is `after` from now; the latest there is if it is too far away.
    fn deadline(&self, after: Duration) -> Deadline;

    /// How urgent `thread` is now, with what it has been lent.
    fn priority(&self, thread: &Self::Thread) -> Priority;

    /// Lends `priority` to `thread`, which holds what a thread of that priority waits for. A thread is as urgent as the
    /// highest of its own priority and those that it has been lent.
    fn lend(&self, thread: &Self::Thread, priority: Priority);

    /// Ends one loan of `priority` to `thread`.
    fn end_loan(&self, thread: &Self::Thread, priority: Priority);

    /// Whether the calling thread is unwinding from a panic. Never in a kernel, which ends at a panic.
    fn is_unwinding(&self) -> bool;
}

/// State behind the scheduler's innermost lock: one that is held for a few instructions, over which no thread is
/// preempted for one that would wait for it, and inside which none parks.
pub trait Guarded<T> {
    /// Calls `work` with the state while nobody else has it. `work` neither parks nor panics; it may unpark.
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R;
}

/// A moment on the clock of one scheduler, which alone knows its unit. Later ones compare as greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(pub u64);

/// How urgent a thread is: a greater one runs first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// Number of priorities.
    pub const LEVELS: u8 = 32;
    /// The least urgent.
    pub const LOWEST: Self = Self(0);
    /// That of threads which say nothing.
    pub const NORMAL: Self = Self(Self::LEVELS / 2);
    /// The most urgent.
    pub const HIGHEST: Self = Self(Self::LEVELS - 1);

    /// The priority of `level`, 0 for the lowest; `None` from [`Priority::LEVELS`] on.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level < Self::LEVELS { Some(Self(level)) } else { None }
    }

    /// Its level, below [`Priority::LEVELS`].
    #[must_use]
    pub const fn level(self) -> u8 {
        self.0
    }
}

/// Why a thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// It took its token, or for no reason.
    Unparked,
    /// The deadline has passed and there was no token.
    TimedOut,
}
