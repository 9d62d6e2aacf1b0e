//! A heap whose CPUs seldom meet: magazines over spans over a source of memory.

mod accounts;
mod cache;
mod check;
mod checked;
mod class;
mod extents;
mod face;
mod heap;
mod large;
mod local;
mod magazine;
mod middle;
#[cfg(any(test, all(feature = "std", not(feature = "loom"))))]
mod numbers;
mod pages;
mod peak;
mod pool;
mod remote;
mod slow;
mod span;
#[cfg(all(any(test, feature = "std"), not(feature = "loom")))]
mod threads;

#[cfg(feature = "mapped")]
mod mapped;
#[cfg(all(test, feature = "loom"))]
mod models;
#[cfg(all(test, not(feature = "loom")))]
mod tests;

pub use accounts::{ClassUsage, CpuHeapUsage, TAGS, Tag, TagUsage};
pub use check::{Checked, Checks, Fault, Misuse, Unchecked};
pub use extents::{Backing, Extents, Resident};
pub use face::Account;
pub use heap::CpuHeap;
pub use local::{CACHES, CurrentCpu, Entered};
#[cfg(feature = "mapped")]
pub use mapped::{Mapped, MappedHeap};
pub use pages::Pages;
#[cfg(all(any(test, feature = "std"), not(feature = "loom")))]
pub use threads::{EnteredThread, Threads};
