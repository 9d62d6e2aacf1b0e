//! How a boot gets on, live: a bar on a terminal, lines elsewhere, or nothing.

mod display;
mod remaining;

pub use display::{Progress, Shown};
pub use remaining::Remaining;
