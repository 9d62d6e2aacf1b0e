//! Address spaces: four levels of page tables (Intel SDM volume 3, section 4.5; AMD APM volume 2, section 5.3).

mod entry;
mod error;
mod hardware;
#[cfg(test)]
mod model;
mod reservations;
mod space;

pub use entry::{Access, Touch};
pub use error::{FaultError, MapError};
pub use hardware::PageHardware;
pub use space::{AddressSpace, SpaceUsage, USER_END, USER_START};
