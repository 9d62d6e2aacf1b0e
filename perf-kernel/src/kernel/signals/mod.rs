//! Signals of processes: what each is to do with them, which wait for it, and whom a process may send them to.
//!
//! This is the decision alone, which a test can script; `arch` carries it out.

mod signal;
mod state;
mod table;
#[cfg(test)]
mod tests;

pub use signal::{Signal, SignalSet};
pub use state::{Action, Handler, Next, Signals};
pub use table::{MemberId, SignalError, SignalTable};
