//! Queues of virtio devices, in memory that devices reach.

use core::ptr::NonNull;

use multios_core::memory::Frame;
use spin::Once;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

use super::dma::{FrameMemory, FrameRegion, order_of};
use crate::devices::access::{DmaMemory, DmaRegion};
use crate::devices::virtio::{Chain, Piece, Requests};

const PAGE_BYTES: usize = 4096;

/// Where the library, which keeps no state of ours, gets its memory from.
static MEMORY: Once<FrameMemory> = Once::new();

/// The memory of queues.
struct QueueMemory;

// SAFETY: every block is of zeroed frames that nothing else has until it is given back, at the start of a page.
unsafe impl Hal for QueueMemory {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let bytes = pages.checked_mul(PAGE_BYTES);
        let region = MEMORY.get().zip(bytes).and_then(|(memory, bytes)| memory.allocate(bytes));
        // The library takes an address of 0 for no memory.
        region.map_or((0, NonNull::dangling()), |region| {
            let place = (region.address(), region.start());
            region.leak();
            place
        })
    }

    unsafe fn dma_dealloc(address: PhysAddr, _start: NonNull<u8>, pages: usize) -> i32 {
        // The block is the one that `dma_alloc` kept from being given back, as the caller promises.
        let order = order_of(pages.saturating_mul(PAGE_BYTES));
        if let Some((memory, order)) = MEMORY.get().zip(order) {
            memory.release(Frame { address, order });
        }
        0
    }

    unsafe fn mmio_phys_to_virt(_address: PhysAddr, _bytes: usize) -> NonNull<u8> {
        // Only the library's own way to registers asks, which is not used here: a bug, and no harm done by a use.
        NonNull::dangling()
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        let address = MEMORY.get().and_then(|memory| memory.address_of(buffer.cast::<u8>().as_ptr()));
        address.expect("requests lie in memory that devices reach")
    }

    unsafe fn unshare(_address: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}

/// A queue of requests that have `PIECES` pieces in all, a power of two.
pub(crate) struct RequestQueue<const PIECES: usize> {
    /// There until it is left to the device, as is the memory.
    queue: VirtQueue<QueueMemory, PIECES>,
    memory: FrameRegion,
    /// The requests under way, by number.
    under_way: [Option<Chain>; PIECES],
}

impl<const PIECES: usize> RequestQueue<PIECES> {
    /// Sets up queue `number` of the device behind `transport`, with `bytes` of memory for requests; `None` if there is
    /// no memory or no queue with so many pieces.
    pub(crate) fn new(
        memory: FrameMemory,
        transport: &mut impl Transport,
        number: u16,
        bytes: usize,
    ) -> Option<Self> {
        MEMORY.call_once(|| memory);
        let memory = memory.allocate(bytes)?;
        let queue = VirtQueue::new(transport, number, false, false).ok()?;
        Some(Self { queue, memory, under_way: [None; PIECES] })
    }
}

/// The memory of `piece`.
///
/// # Safety
/// Until the slice is gone, nothing in this kernel reads or writes the piece. The library makes an address of it and
/// reads nothing.
unsafe fn slice<'a>(memory: &FrameRegion, piece: Piece) -> &'a mut [u8] {
    let start = memory.place(piece.offset, piece.bytes);
    // SAFETY: `place` has checked that the piece lies in the memory, which is initialised; the caller promises the rest.
    unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), piece.bytes) }
}

/// The slices of `pieces`, as many as there are and empty ones after.
///
/// # Safety
/// As for [`slice`], of every piece.
unsafe fn slices<'a>(memory: &FrameRegion, pieces: &[Piece]) -> [&'a mut [u8]; 3] {
    core::array::from_fn(|index| match pieces.get(index) {
        // SAFETY: the caller promises it.
        Some(piece) => unsafe { slice(memory, *piece) },
        None => Default::default(),
    })
}

impl<const PIECES: usize> Requests for RequestQueue<PIECES> {
    type Memory = FrameRegion;

    fn memory(&mut self) -> &mut FrameRegion {
        &mut self.memory
    }

    fn submit(&mut self, chain: Chain) -> Option<u16> {
        // SAFETY: the slices live as long as this call, which has the memory to itself.
        let read = unsafe { slices(&self.memory, chain.read()) }.map(|piece| &*piece);
        // SAFETY: as above.
        let mut written = unsafe { slices(&self.memory, chain.written()) };
        let read = &read[..chain.read().len()];
        let written = &mut written[..chain.written().len()];
        // SAFETY: the memory stays as long as the queue, and is only copied to and from by volatile accesses.
        let number = unsafe { self.queue.add(read, written) }.ok()?;
        *self.under_way.get_mut(usize::from(number))? = Some(chain);
        Some(number)
    }

    fn is_done(&self) -> bool {
        self.queue.can_pop()
    }

    fn next_done(&self) -> Option<u16> {
        self.queue.peek_used()
    }

    fn finish(&mut self, number: u16) -> Option<usize> {
        let chain = (*self.under_way.get(usize::from(number))?)?;
        // SAFETY: the slices live as long as this call, which has the memory to itself.
        let read = unsafe { slices(&self.memory, chain.read()) }.map(|piece| &*piece);
        // SAFETY: as above.
        let mut written = unsafe { slices(&self.memory, chain.written()) };
        let read = &read[..chain.read().len()];
        let written = &mut written[..chain.written().len()];
        // SAFETY: these are the pieces that request `number` was made of, which is still under way.
        let bytes = unsafe { self.queue.pop_used(number, read, written) }.ok()?;
        self.under_way[usize::from(number)] = None;
        usize::try_from(bytes).ok()
    }

    fn leak(self) {
        self.memory.leak();
        core::mem::forget(self.queue);
    }
}
