//! From bytes to a boot: decodes, notices gaps, asks again, and says how the boot ended.

mod assembly;
mod boot;
mod classify;
mod collector;
mod error;
mod observer;
#[cfg(test)]
mod part_tests;
mod parts;
mod requests;
mod session;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;

pub use boot::{Boot, BootEnd, Damage, HostBeacon};
pub use collector::{Collector, Expected, Timing};
pub use error::{CollectCause, CollectError};
pub use observer::{Observer, Silent};
pub(crate) use parts::goes_on_with;
pub use session::{Patience, collect, collect_expecting};
