//! Instructions and registers of the processor that this is built for.

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

#[cfg(feature = "hosted")]
mod process_heap;
#[cfg(feature = "hosted")]
pub use process_heap::ProcessHeap;

#[cfg(any(feature = "kernel", feature = "hosted"))]
pub mod sides;
