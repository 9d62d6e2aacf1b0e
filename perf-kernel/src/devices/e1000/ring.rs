//! A ring of descriptors, each with its buffer.

use crate::devices::access::{DmaMemory, DmaRegion};

/// Descriptors of a ring; their bytes must be a multiple of 128.
pub(super) const DESCRIPTORS: u32 = 64;
/// Bytes of each buffer: the size that receiving is set to.
pub(super) const BUFFER_BYTES: usize = 2048;
const DESCRIPTOR_BYTES: usize = 16;
/// Bytes of the descriptors.
pub(super) const RING_BYTES: u32 = 1024;
const _: () = assert!(RING_BYTES as usize == DESCRIPTORS as usize * DESCRIPTOR_BYTES);

/// A ring of the old format (manual, sections 3.2.3 and 3.3.3).
pub(super) struct Ring<R> {
    descriptors: R,
    buffers: R,
}

/// The part of a descriptor after its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// Bytes in the buffer.
    pub(super) length: u16,
    /// When sending: offset of a checksum, and the command.
    pub(super) command: u8,
    /// What the card has done with it.
    pub(super) status: u8,
    /// When receiving: what is wrong with the frame.
    pub(super) errors: u8,
}

impl<R: DmaRegion> Ring<R> {
    /// A ring whose buffers are in place; `None` without memory.
    pub(super) fn new<M: DmaMemory<Region = R>>(memory: &M) -> Option<Self> {
        let count = usize::try_from(DESCRIPTORS).ok()?;
        let descriptors = memory.allocate(count * DESCRIPTOR_BYTES)?;
        let buffers = memory.allocate(count * BUFFER_BYTES)?;
        let mut ring = Self { descriptors, buffers };
        for index in 0..DESCRIPTORS {
            let address = ring.buffers.address() + u64::from(index) * 2048;
            ring.descriptors.write(place(index), &address.to_le_bytes());
        }
        Some(ring)
    }

    /// Where the descriptors are.
    pub(super) fn address(&self) -> u64 {
        self.descriptors.address()
    }

    /// Descriptor number `index`.
    pub(super) fn get(&self, index: u32) -> Descriptor {
        let mut bytes = [0; 8];
        // The status, which the card writes last, is read before what it vouches for.
        let [status, ..] = self.descriptors.read_u32(place(index) + 12).to_le_bytes();
        self.descriptors.read(place(index) + 8, &mut bytes);
        let [length_low, length_high, _, command, _, errors, ..] = bytes;
        Descriptor { length: u16::from_le_bytes([length_low, length_high]), command, status, errors }
    }

    /// Replaces descriptor number `index`.
    pub(super) fn set(&mut self, index: u32, descriptor: Descriptor) {
        let Descriptor { length, command, status, errors } = descriptor;
        let [length_low, length_high] = length.to_le_bytes();
        let bytes = [length_low, length_high, 0, command, status, errors, 0, 0];
        self.descriptors.write(place(index) + 8, &bytes);
    }

    /// Copies from buffer number `index`.
    pub(super) fn read(&self, index: u32, bytes: &mut [u8]) {
        self.buffers.read(buffer_place(index), bytes);
    }

    /// Copies to buffer number `index`.
    pub(super) fn write(&mut self, index: u32, bytes: &[u8]) {
        self.buffers.write(buffer_place(index), bytes);
    }

    /// Leaves the memory to the device.
    pub(super) fn leak(self) {
        self.descriptors.leak();
        self.buffers.leak();
    }
}

/// The number after `index`.
pub(super) const fn next(index: u32) -> u32 {
    (index + 1) % DESCRIPTORS
}

fn place(index: u32) -> usize {
    usize::try_from(index % DESCRIPTORS).unwrap_or(0) * DESCRIPTOR_BYTES
}

fn buffer_place(index: u32) -> usize {
    usize::try_from(index % DESCRIPTORS).unwrap_or(0) * BUFFER_BYTES
}
