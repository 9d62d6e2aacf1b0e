//! A run in the terminal while it is being made: what its files tell, drawn again whenever they tell more.

mod distribution;
mod draw;
mod keys;
mod list;
mod panes;
#[cfg(test)]
mod samples;
mod screen;
mod snapshot;
mod source;
mod state;
mod theme;

pub use screen::{Closed, show};
pub use source::{Source, UnknownRun};
