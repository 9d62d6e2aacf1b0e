//! Memory that devices reach: frames of the machine, in the loader's mapping.

use core::ptr::NonNull;

use multios_core::memory::{FRAME_BYTES, Frame, Frames, ORDER_MAX};
use spin::Mutex;

use super::PhysicalMemory;
use crate::devices::access::{DmaMemory, DmaRegion};

/// A word wherever it lies.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned(u64);

/// The frames of the machine, for devices. Nothing translates the addresses of devices: an IOMMU is taken to be off.
#[derive(Clone, Copy)]
pub(crate) struct FrameMemory {
    memory: PhysicalMemory,
    frames: &'static Mutex<Frames>,
}

/// A block of frames that a device may read and write.
pub(crate) struct FrameRegion {
    start: NonNull<u8>,
    /// There until the block is given back or left to the device.
    frame: Option<Frame>,
    address: u64,
    length: usize,
    frames: &'static Mutex<Frames>,
}

// SAFETY: the block is owned, and mapped alike on every CPU.
unsafe impl Send for FrameRegion {}

impl FrameMemory {
    /// The `frames` of `memory`.
    pub(crate) const fn new(memory: PhysicalMemory, frames: &'static Mutex<Frames>) -> Self {
        Self { memory, frames }
    }

    /// Gives back a block whose region was left to a device, which is done with it.
    pub(super) fn release(&self, frame: Frame) {
        let _ = self.frames.lock().release(frame);
    }

    /// Where devices find what lies at `pointer`; `None` if they do not reach it.
    pub(super) fn address_of(&self, pointer: *const u8) -> Option<u64> {
        self.memory.address_of(pointer)
    }
}

/// The order of the smallest block of at least `bytes`; `None` if there is none so large.
pub(super) fn order_of(bytes: usize) -> Option<u8> {
    let wanted = u64::try_from(bytes.max(1)).ok()?;
    (0..=ORDER_MAX).find(|order| FRAME_BYTES << order >= wanted)
}

impl DmaMemory for FrameMemory {
    type Region = FrameRegion;

    fn allocate(&self, bytes: usize) -> Option<FrameRegion> {
        let order = order_of(bytes)?;
        let frame = self.frames.lock().allocate(order).ok()?;
        let length = usize::try_from(frame.bytes()).ok()?;
        let address = frame.address;
        let Some(start) = self.memory.pointer(address, length) else {
            let _ = self.frames.lock().release(frame);
            return None;
        };
        // SAFETY: the block was just allocated and is mapped: nobody else has it.
        unsafe { start.write_bytes(0, length) };
        Some(FrameRegion { start, frame: Some(frame), address, length, frames: self.frames })
    }
}

impl FrameRegion {
    /// Its first byte.
    pub(super) const fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Where `length` bytes at `offset` are.
    ///
    /// # Panics
    /// Panics if they reach beyond the end.
    pub(super) fn place(&self, offset: usize, length: usize) -> NonNull<u8> {
        let end = offset.checked_add(length);
        assert!(end.is_some_and(|end| end <= self.length), "a driver stays in its memory");
        // SAFETY: the offset is inside the block.
        unsafe { self.start.add(offset) }
    }
}

// Every access is volatile: the device changes the bytes at any time, and the order of accesses matters to it.
impl DmaRegion for FrameRegion {
    fn address(&self) -> u64 {
        self.address
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) {
        let mut at = self.place(offset, bytes.len());
        let mut words = bytes.chunks_exact_mut(size_of::<u64>());
        for word in &mut words {
            // SAFETY: `place` has checked the whole length, of which this word is a part.
            let value = unsafe { at.cast::<Unaligned>().read_volatile() };
            word.copy_from_slice(&value.0.to_ne_bytes());
            // SAFETY: the end of the word is at most the end of the block.
            at = unsafe { at.add(size_of::<u64>()) };
        }
        for byte in words.into_remainder() {
            // SAFETY: `place` has checked the whole length, of which this byte is a part.
            *byte = unsafe { at.read_volatile() };
            // SAFETY: the end of the byte is at most the end of the block.
            at = unsafe { at.add(1) };
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let mut at = self.place(offset, bytes.len());
        let mut words = bytes.chunks_exact(size_of::<u64>());
        for word in &mut words {
            let value = Unaligned(word.first_chunk().map_or(0, |word| u64::from_ne_bytes(*word)));
            // SAFETY: `place` has checked the whole length, of which this word is a part.
            unsafe { at.cast::<Unaligned>().write_volatile(value) };
            // SAFETY: the end of the word is at most the end of the block.
            at = unsafe { at.add(size_of::<u64>()) };
        }
        for byte in words.remainder() {
            // SAFETY: `place` has checked the whole length, of which this byte is a part.
            unsafe { at.write_volatile(*byte) };
            // SAFETY: the end of the byte is at most the end of the block.
            at = unsafe { at.add(1) };
        }
    }

    fn read_u32(&self, offset: usize) -> u32 {
        let place = self.place(offset, size_of::<u32>()).cast::<u32>();
        assert!(place.is_aligned(), "a driver reads whole words");
        // SAFETY: `place` has checked the length, and the place is aligned.
        u32::from_le(unsafe { place.read_volatile() })
    }

    fn leak(mut self) {
        self.frame = None;
    }
}

impl Drop for FrameRegion {
    fn drop(&mut self) {
        if let Some(frame) = self.frame.take() {
            // The block is the one that was allocated.
            let _ = self.frames.lock().release(frame);
        }
    }
}
