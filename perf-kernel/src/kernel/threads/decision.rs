//! What the table of threads says.

/// What threads there are and were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadsUsage {
    /// Threads that have not ended, the first of each CPU included.
    pub alive: usize,
    /// Threads that have ended and are to be joined.
    pub ended: usize,
    /// Threads ever started.
    pub started: u64,
    /// Switches from one thread to another.
    pub switches: u64,
}

/// A switch that is due on one CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Whose registers are on the CPU.
    pub from: u32,
    /// Whose are to be.
    pub to: u32,
}

/// What a CPU does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Its thread goes on.
    Stay,
    /// Another does.
    Switch(Switch),
    /// Nothing until this deadline, or until another CPU or an interrupt wakes a thread.
    Idle(Option<u64>),
}

/// Whether the calling thread has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<T> {
    /// It goes on at once.
    Done(T),
    /// It waits: pick, and ask again when it runs.
    Wait,
}

/// What a wake-up asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unparked {
    /// Nothing.
    Nothing,
    /// This CPU runs a thread as urgent, with which it has to take turns.
    Share(usize),
    /// This CPU has nothing to do, or runs a less urgent thread.
    Reschedule(usize),
}
