//! The heap, the physical frames under it, and address spaces.

mod any_heap;
mod bits;
mod block;
mod cpu_heap;
mod frame_cache;
mod frames;
pub mod gc;
mod heap;
#[cfg(test)]
mod heap_model;
pub mod paging;

pub use any_heap::AnyHeap;
pub use block::{Block, RawHeap};
pub use cpu_heap::{
    Account, Backing, CACHES, Checked, Checks, ClassUsage, CpuHeap, CpuHeapUsage, CurrentCpu, Entered,
    Extents, Fault, Misuse, Pages, Resident, TAGS, Tag, TagUsage, Unchecked,
};
#[cfg(all(any(test, feature = "std"), not(feature = "loom")))]
pub use cpu_heap::{EnteredThread, Threads};
#[cfg(feature = "mapped")]
pub use cpu_heap::{Mapped, MappedHeap};
pub use frame_cache::{FrameCache, FrameHand};
pub use frames::{FRAME_BYTES, Frame, FrameError, Frames, FramesSnapshot, FramesUsage, ORDER_MAX, ORDERS};
pub use heap::{Heap, HeapUsage, OutOfMemory};
