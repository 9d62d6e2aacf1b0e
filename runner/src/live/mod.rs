//! Runs as they happen: which are going on, and what their newest boot has told so far.
//!
//! Nothing here asks the program that makes a run. Its bytes are on disk before it parses them, and a mark beside them
//! says that it still works on it.

mod follower;
mod mark;
mod runs;
mod tail;

pub use follower::Follower;
pub use mark::{LiveMark, MarkContent, MarkState};
pub use runs::{LiveRun, LiveState, RunTail, is_run_id, run, runs};
pub use tail::{News, Tail};
