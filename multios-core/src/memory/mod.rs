//! The heap, the physical frames under it, and address spaces.

mod bits;
mod block;
mod frame_cache;
mod frames;
pub mod gc;
mod heap;
#[cfg(test)]
mod heap_model;
pub mod paging;

pub use block::Block;
pub use frame_cache::{FrameCache, FrameHand};
pub use frames::{FRAME_BYTES, Frame, FrameError, Frames, FramesSnapshot, FramesUsage, ORDER_MAX, ORDERS};
pub use heap::{Heap, HeapUsage, OutOfMemory};
