//! A queue of requests, and the memory that they lie in.

use crate::devices::access::DmaRegion;

/// Pieces of a request at most.
pub(crate) const PIECES_MAX: usize = 3;

/// A piece of a request, in the memory of its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where it begins.
    pub(crate) offset: usize,
    /// Its length, which is not 0.
    pub(crate) bytes: usize,
}

/// The pieces of a request: first those that the device reads, then those that it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    pieces: [Piece; PIECES_MAX],
    read: usize,
    written: usize,
}

impl Chain {
    /// The pieces `read` and `written` by the device.
    ///
    /// # Panics
    /// Panics if there are more than [`PIECES_MAX`].
    pub(crate) fn new(read: &[Piece], written: &[Piece]) -> Self {
        let mut pieces = [Piece::default(); PIECES_MAX];
        pieces[..read.len()].copy_from_slice(read);
        pieces[read.len()..read.len() + written.len()].copy_from_slice(written);
        Self { pieces, read: read.len(), written: written.len() }
    }

    /// What the device reads, in order.
    pub(crate) fn read(&self) -> &[Piece] {
        &self.pieces[..self.read]
    }

    /// What it writes, in order.
    pub(crate) fn written(&self) -> &[Piece] {
        &self.pieces[self.read..self.read + self.written]
    }
}

/// A queue of requests to a device. It may be dropped only once the device leaves memory alone.
pub(crate) trait Requests: Send {
    /// Memory that the device reaches.
    type Memory: DmaRegion;

    /// What requests lie in. Nothing of it that belongs to a request under way is to be used.
    fn memory(&mut self) -> &mut Self::Memory;

    /// Puts a request into the queue, of which the device is to be told; its number, or `None` if there is no room.
    fn submit(&mut self, chain: Chain) -> Option<u16>;

    /// Whether the device has finished a request.
    fn is_done(&self) -> bool;

    /// The number of the request that the device says it has finished first, which may be none that it was given; `None`
    /// if it has finished none.
    fn next_done(&self) -> Option<u16>;

    /// Takes request `number` back, which the device has finished, with how many bytes it wrote; `None` if the device has
    /// finished none, or another.
    fn finish(&mut self, number: u16) -> Option<usize>;

    /// Leaves all memory to the device, which could not be stopped.
    fn leak(self);
}
