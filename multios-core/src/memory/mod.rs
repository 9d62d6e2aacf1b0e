//! The heap and the physical frames under it.

mod bits;
mod block;
mod frames;
mod heap;
#[cfg(test)]
mod heap_model;

pub use block::Block;
pub use frames::{FRAME_BYTES, Frame, FrameError, Frames, FramesUsage, ORDER_MAX, ORDERS};
pub use heap::{Heap, HeapUsage, OutOfMemory};
