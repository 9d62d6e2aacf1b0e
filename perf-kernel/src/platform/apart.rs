//! Work that a boot survives, whatever becomes of it.

use alloc::boxed::Box;
use alloc::string::String;

use crate::units::Nanoseconds;
use crate::wire::Crash;

/// Work that runs apart from the rest of a boot.
pub trait Apart {
    /// How long the work may take; where the platform can, work that takes longer is ended.
    fn time_max(&self) -> Nanoseconds;

    /// Does the work. Where the platform can, what it allocates lies in the heap under test, which is as new.
    fn run(&mut self);

    /// Takes over what came of it, out of the heap under test, where nothing may be left. Called once, if the work has
    /// returned.
    fn keep(&mut self);
}

/// What work that ran apart did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offence {
    /// It faulted, panicked or took too long.
    Crashed(Box<Crash>),
    /// It returned and left memory or threads behind: which, in a few words.
    LeftBehind(String),
}
