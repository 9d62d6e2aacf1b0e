//! How a boot gets on, live: a bar on a terminal, lines elsewhere, or nothing.

mod display;
mod note;
mod remaining;

pub use display::{Progress, Shown};
pub use note::note;
pub use remaining::Remaining;
