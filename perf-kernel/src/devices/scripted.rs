//! Memory and time for tests of drivers: the test's model of the device sees the same memory.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use spin::Mutex;

use super::access::{DmaMemory, DmaRegion, Time};
use crate::units::Nanoseconds;

const PAGE: u64 = 4096;

/// Memory that driver and model share, by address.
#[derive(Clone, Default)]
pub(crate) struct ScriptedMemory(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    regions: BTreeMap<u64, Vec<u8>>,
    next: u64,
    leaked: usize,
}

/// A piece of it.
pub(crate) struct ScriptedRegion {
    memory: ScriptedMemory,
    address: u64,
    is_leaked: bool,
}

impl ScriptedMemory {
    /// Pieces that are not given back.
    pub(crate) fn live(&self) -> usize {
        self.0.lock().regions.len()
    }

    /// Pieces that were left to a device for good.
    pub(crate) fn leaked(&self) -> usize {
        self.0.lock().leaked
    }

    /// Copies from memory as a device does.
    pub(crate) fn load(&self, address: u64, bytes: &mut [u8]) {
        let pages = self.0.lock();
        let (start, region) = pages.regions.range(..=address).next_back().expect("the device reads memory");
        let start = usize::try_from(address - start).expect("it fits");
        bytes.copy_from_slice(&region[start..start + bytes.len()]);
    }

    /// Copies to memory as a device does.
    pub(crate) fn store(&self, address: u64, bytes: &[u8]) {
        let mut pages = self.0.lock();
        let (start, region) =
            pages.regions.range_mut(..=address).next_back().expect("the device writes memory");
        let start = usize::try_from(address - start).expect("it fits");
        region[start..start + bytes.len()].copy_from_slice(bytes);
    }
}

impl DmaMemory for ScriptedMemory {
    type Region = ScriptedRegion;

    fn allocate(&self, bytes: usize) -> Option<ScriptedRegion> {
        let mut pages = self.0.lock();
        // Apart from each other, so that a device that goes too far is caught.
        pages.next += PAGE;
        let address = 0x1_0000_0000 + pages.next;
        pages.next += u64::try_from(bytes).ok()?.next_multiple_of(PAGE);
        pages.regions.insert(address, vec![0; bytes]);
        Some(ScriptedRegion { memory: self.clone(), address, is_leaked: false })
    }
}

impl DmaRegion for ScriptedRegion {
    fn address(&self) -> u64 {
        self.address
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.memory.0.lock().regions[&self.address][offset..offset + bytes.len()]);
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let mut pages = self.memory.0.lock();
        let region = pages.regions.get_mut(&self.address).expect("it is there until it is dropped");
        region[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn leak(mut self) {
        self.is_leaked = true;
        self.memory.0.lock().leaked += 1;
    }
}

impl Drop for ScriptedRegion {
    fn drop(&mut self) {
        if !self.is_leaked {
            self.memory.0.lock().regions.remove(&self.address);
        }
    }
}

/// A clock that goes on by a millisecond whenever it is looked at.
#[derive(Default)]
pub(crate) struct ScriptedTime {
    milliseconds: AtomicU64,
    message: Option<u16>,
}

impl ScriptedTime {
    /// The clock of a device that is to interrupt.
    pub(crate) fn with_message() -> Self {
        Self { message: Some(0), ..Self::default() }
    }
}

impl Time for ScriptedTime {
    fn now(&self) -> Nanoseconds {
        Nanoseconds::from_milliseconds(self.milliseconds.fetch_add(1, Ordering::Relaxed))
    }

    fn message(&self) -> Option<u16> {
        self.message
    }
}
