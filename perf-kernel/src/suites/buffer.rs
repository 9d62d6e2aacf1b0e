//! Memory of the heap under test, as benches use it.

use core::alloc::Layout;

use multios_core::memory::Block;

use crate::measure::{BenchError, Bencher};

/// Buffers of this size and above begin where a large page may.
const LARGE_PAGE_BYTES: usize = 2 << 20;

/// Smaller ones begin where a page does.
const PAGE_BYTES: usize = 4096;

/// The bench's scale as a size.
///
/// # Errors
/// Memory cannot be that large.
pub(super) fn scale_bytes(bencher: &Bencher<'_>) -> Result<usize, BenchError> {
    let scale = bencher.scale();
    usize::try_from(scale).map_err(|_| BenchError::Skipped(alloc::format!("no memory has {scale} bytes")))
}

/// The layout of `bytes` bytes at a multiple of `align`.
///
/// # Errors
/// No such layout exists.
pub(super) fn layout(bytes: usize, align: usize) -> Result<Layout, BenchError> {
    Layout::from_size_align(bytes, align).map_err(|_| {
        BenchError::Failed(alloc::format!("no block has {bytes} bytes at a multiple of {align}"))
    })
}

/// A buffer of zeros, every page of it touched.
///
/// # Errors
/// The heap is too small: the bench is skipped.
pub(super) fn buffer<'a>(bencher: &Bencher<'a>, bytes: usize) -> Result<Block<'a>, BenchError> {
    let align = if bytes >= LARGE_PAGE_BYTES { LARGE_PAGE_BYTES } else { PAGE_BYTES };
    Ok(bencher.heap().allocate_zeroed(layout(bytes, align)?)?)
}
