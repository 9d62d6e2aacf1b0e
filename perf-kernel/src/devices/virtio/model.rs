//! A device with two queues, for tests: the test does what a device does, and sees the same memory.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use spin::Mutex;

use super::{Chain, PciTransport, Requests};
use crate::devices::access::{DmaMemory, DmaRegion};
use crate::devices::io::MemoryIo;
use crate::devices::scripted::{ScriptedMemory, ScriptedRegion};

/// The device, shared between the driver and the test.
#[derive(Clone, Default)]
pub(super) struct Model(pub(super) Arc<Mutex<State>>);

/// What the device knows.
#[derive(Default)]
pub(super) struct State {
    pub(super) memory: ScriptedMemory,
    pub(super) features: u64,
    pub(super) agreed: [u32; 2],
    pub(super) status: u8,
    pub(super) never_resets: bool,
    /// What devices of the kind have.
    pub(super) registers: Vec<u8>,
    pub(super) queues: [Line; 2],
    /// The words of two bytes that were written.
    pub(super) words: Vec<(usize, u16)>,
    half: usize,
}

/// A queue as the device sees it.
#[derive(Default)]
pub(super) struct Line {
    pub(super) is_missing: bool,
    start: u64,
    given: VecDeque<(u16, Chain)>,
    done: VecDeque<(u16, usize)>,
    next: u16,
}

impl Line {
    /// How many requests are under way.
    pub(super) fn given(&self) -> usize {
        self.given.len()
    }

    /// Where its memory begins.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Says that request `number` is finished, with `bytes` written.
    pub(super) fn say_done(&mut self, number: u16, bytes: usize) {
        self.done.push_back((number, bytes));
    }
}

impl State {
    /// Writes `bytes` into the oldest request of queue `number`, and finishes it; `false` if there is none.
    pub(super) fn answer(&mut self, number: usize, bytes: &[u8]) -> bool {
        let line = &mut self.queues[number];
        let Some((request, chain)) = line.given.pop_front() else { return false };
        let [piece] = chain.written() else { panic!("one piece is written") };
        let place = line.start + u64::try_from(piece.offset).expect("small");
        self.memory.store(place, &bytes[..bytes.len().min(piece.bytes)]);
        line.done.push_back((request, bytes.len()));
        true
    }

    /// Reads the oldest request of queue `number`, and finishes it; `None` if there is none.
    pub(super) fn take(&mut self, number: usize) -> Option<Vec<u8>> {
        let line = &mut self.queues[number];
        let (request, chain) = line.given.pop_front()?;
        let [piece] = chain.read() else { panic!("one piece is read") };
        let mut bytes = vec![0; piece.bytes];
        self.memory.load(line.start + u64::try_from(piece.offset).expect("small"), &mut bytes);
        line.done.push_back((request, 0));
        Some(bytes)
    }
}

impl Model {
    /// Its registers.
    pub(super) fn transport(&self) -> PciTransport<Registers> {
        let of = |is_common| Registers { model: self.clone(), is_common };
        PciTransport {
            common: of(true),
            notify: of(false),
            notify_multiplier: 4,
            device: Some(of(false)),
            message: None,
        }
    }

    /// Queue `number`, with `bytes` of memory.
    pub(super) fn queue(&self, number: u16, bytes: usize) -> Option<Queue> {
        let mut state = self.0.lock();
        let memory = state.memory.allocate(bytes)?;
        let line = &mut state.queues[usize::from(number)];
        line.start = memory.address();
        (!line.is_missing).then(|| Queue { model: self.clone(), number: usize::from(number), memory })
    }
}

/// The registers of all devices (section 4.1.4.3), or those of the kind.
pub(super) struct Registers {
    model: Model,
    is_common: bool,
}

impl MemoryIo for Registers {
    fn read_u8(&mut self, offset: usize) -> u8 {
        let state = self.model.0.lock();
        match (self.is_common, offset) {
            (true, 20) => state.status,
            (true, _) => 0,
            (false, _) => state.registers[offset],
        }
    }

    fn write_u8(&mut self, offset: usize, value: u8) {
        assert!(self.is_common && offset == 20, "the status alone has one byte and is written");
        let mut state = self.model.0.lock();
        state.status = if state.never_resets && value == 0 { 4 } else { value };
    }

    fn read_u16(&mut self, offset: usize) -> u16 {
        let state = self.model.0.lock();
        let at = |offset: usize| state.registers[offset];
        if self.is_common { 0 } else { u16::from_le_bytes([at(offset), at(offset + 1)]) }
    }

    fn write_u16(&mut self, offset: usize, value: u16) {
        self.model.0.lock().words.push((offset, value));
    }

    fn read_u32(&mut self, offset: usize) -> u32 {
        assert!(self.is_common && offset == 4, "the features alone are read");
        let state = self.model.0.lock();
        u32::try_from(state.features >> (32 * state.half) & 0xffff_ffff).expect("a half")
    }

    fn write_u32(&mut self, offset: usize, value: u32) {
        let mut state = self.model.0.lock();
        let half = state.half;
        match offset {
            0 | 8 => state.half = usize::try_from(value).expect("a half"),
            12 => state.agreed[half] = value,
            // Where the parts of a queue are.
            32..56 => {}
            _ => panic!("nothing is to be written at {offset}"),
        }
    }
}

/// A queue as the driver sees it.
pub(super) struct Queue {
    model: Model,
    number: usize,
    memory: ScriptedRegion,
}

impl Requests for Queue {
    type Memory = ScriptedRegion;

    fn memory(&mut self) -> &mut ScriptedRegion {
        &mut self.memory
    }

    fn submit(&mut self, chain: Chain) -> Option<u16> {
        let line = &mut self.model.0.lock().queues[self.number];
        line.next = line.next.wrapping_add(1);
        line.given.push_back((line.next, chain));
        Some(line.next)
    }

    fn is_done(&self) -> bool {
        self.next_done().is_some()
    }

    fn next_done(&self) -> Option<u16> {
        self.model.0.lock().queues[self.number].done.front().map(|(number, _)| *number)
    }

    fn finish(&mut self, number: u16) -> Option<usize> {
        let line = &mut self.model.0.lock().queues[self.number];
        line.done.pop_front_if(|(done, _)| *done == number).map(|(_, bytes)| bytes)
    }

    fn leak(self) {
        self.memory.leak();
    }
}
