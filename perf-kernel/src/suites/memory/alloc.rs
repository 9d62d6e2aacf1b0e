//! Allocation of single blocks: small, large, growing, and of physical frames.

use core::hint::black_box;
use core::mem::MaybeUninit;

use multios_core::memory::{Block, FRAME_BYTES, Frames, Heap, OutOfMemory};

use crate::measure::{BenchError, Bencher, Expected};
use crate::suites::buffer::{layout, scale_bytes};

/// Alignment of every block here: what a C allocator promises.
const ALIGN: usize = 16;

/// The size of a cache line.
const LINE_BYTES: usize = 64;

/// Bytes that a growing block starts with.
const GROWTH_START_BYTES: usize = 16;

/// One iteration allocates a block, writes a byte to each of its cache lines, and frees it.
pub(super) fn small(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    allocate_and_free(bencher, |bytes| bytes.iter_mut().step_by(LINE_BYTES).for_each(write))
}

/// One iteration allocates a block, writes its first and last byte, and frees it. Writing to every line would
/// measure the memory's bandwidth.
pub(super) fn large(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    allocate_and_free(bencher, |bytes| {
        bytes.first_mut().into_iter().for_each(write);
        bytes.last_mut().into_iter().for_each(write);
    })
}

fn write(byte: &mut MaybeUninit<u8>) {
    byte.write(1);
}

fn allocate_and_free(
    bencher: &mut Bencher<'_>,
    touch: impl Fn(&mut [MaybeUninit<u8>]),
) -> Result<(), BenchError> {
    let heap = bencher.heap();
    let layout = layout(scale_bytes(bencher)?, ALIGN)?;
    // A heap that is too small for one block skips the bench.
    drop(heap.allocate(layout)?);
    bencher.measure(Expected::Each(1), || {
        let Ok(mut block) = heap.allocate(layout) else { return 0 };
        let bytes = block.spare_mut();
        touch(bytes);
        let bytes: &[MaybeUninit<u8>] = black_box(bytes);
        u64::from(bytes.as_ptr().addr().is_multiple_of(ALIGN) && bytes.len() == layout.size())
    })
}

/// One iteration grows two blocks in turn from 16 bytes to the scale, doubling them, and then halves them in turn
/// down to 16 bytes again. Two, as a program has more than one vector: each may stand in the way of the other, which
/// then has to move. An operation is one change of size.
pub(super) fn resize(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let heap = bencher.heap();
    let bytes = scale_bytes(bencher)?;
    let doublings = u64::from((bytes / GROWTH_START_BYTES).max(1).ilog2());
    bencher.set_operations(4 * doublings);
    grow_and_shrink(heap, bytes)?;
    bencher.measure(Expected::Each(1), || u64::from(grow_and_shrink(heap, bytes) == Ok(true)))
}

/// Whether what was written stayed as it was.
fn grow_and_shrink(heap: &Heap, bytes: usize) -> Result<bool, OutOfMemory> {
    let refusal = OutOfMemory { bytes };
    let start = layout(GROWTH_START_BYTES, ALIGN).map_err(|_| refusal)?;
    let mut blocks = [heap.allocate(start)?, heap.allocate(start)?];
    for (block, mark) in blocks.iter_mut().zip(1..) {
        block.append(&[mark; GROWTH_START_BYTES]);
    }
    let mut size = GROWTH_START_BYTES;
    while size < bytes {
        size *= 2;
        resize_each(&mut blocks, size)?;
    }
    let is_kept = blocks.iter().zip(1..).all(|(block, mark)| block.as_slice() == [mark; GROWTH_START_BYTES]);
    while size > GROWTH_START_BYTES {
        size /= 2;
        resize_each(&mut blocks, size)?;
    }
    Ok(is_kept)
}

fn resize_each(blocks: &mut [Block<'_>], bytes: usize) -> Result<(), OutOfMemory> {
    blocks.iter_mut().try_for_each(|block| {
        block.resize(bytes)?;
        black_box(block.spare_mut()).last_mut().into_iter().for_each(write);
        Ok(())
    })
}

/// One iteration allocates a block of physical frames and frees it, each under the lock of the frames.
pub(super) fn frames(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let frames = bencher.platform().frames();
    let bytes = bencher.scale();
    let order = order_of(bytes)
        .ok_or_else(|| BenchError::Failed(alloc::format!("no block of frames has {bytes} bytes")))?;
    let before = frames.lock().usage();
    if let Err(error) = allocate_and_release(frames, order) {
        return Err(BenchError::Skipped(alloc::format!("too little memory: {error}")));
    }
    bencher.measure(Expected::Each(1), || {
        let address = allocate_and_release(frames, order);
        u64::from(address.is_ok_and(|address| address.is_multiple_of(bytes)))
    })?;
    let after = frames.lock().usage();
    if after != before {
        return Err(BenchError::Failed(alloc::format!("frames were lost: {before:?} became {after:?}")));
    }
    Ok(())
}

#[inline]
fn allocate_and_release(
    frames: &spin::Mutex<Frames>,
    order: u8,
) -> Result<u64, multios_core::memory::FrameError> {
    let frame = frames.lock().allocate(order)?;
    let address = black_box(frame.address);
    frames.lock().release(frame)?;
    Ok(address)
}

/// The order of a block of `bytes` bytes; `None` if none has that size.
fn order_of(bytes: u64) -> Option<u8> {
    let frames = bytes / FRAME_BYTES;
    let order = u8::try_from(frames.checked_ilog2()?).ok()?;
    (FRAME_BYTES << order == bytes).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_become_orders() {
        assert_eq!([4096, 2 << 20, 1 << 30].map(order_of), [Some(0), Some(9), Some(18)]);
        assert_eq!([0, 100, 4095, 12_288].map(order_of), [None; 4]);
    }
}
