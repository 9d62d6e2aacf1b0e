//! A card as the manual has it, for tests: what is sent comes back.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use spin::Mutex;

use crate::devices::access::DeviceRegisters;
use crate::devices::scripted::ScriptedMemory;

/// The card, shared between the driver and the test.
#[derive(Clone)]
pub(super) struct Card(pub(super) Arc<Mutex<State>>);

/// What the card knows.
pub(super) struct State {
    memory: ScriptedMemory,
    pub(super) registers: BTreeMap<usize, u32>,
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) written: Vec<(usize, u32)>,
    pub(super) never_resets: bool,
    pub(super) is_slow: bool,
    pub(super) eeprom: Option<[u16; 3]>,
}

impl Card {
    /// A card with an address and a line.
    pub(super) fn new(memory: &ScriptedMemory) -> Self {
        let registers = BTreeMap::from([(0x08, 2), (0x5400, 0x1200_5452), (0x5404, 0x8000_5634)]);
        Self(Arc::new(Mutex::new(State {
            memory: memory.clone(),
            registers,
            sent: Vec::new(),
            written: Vec::new(),
            never_resets: false,
            is_slow: false,
            eeprom: None,
        })))
    }
}

impl State {
    fn ring(&self, at: usize) -> u64 {
        u64::from(self.registers[&at]) | u64::from(self.registers[&(at + 4)]) << 32
    }

    /// Puts `frame` where the driver finds it; `false` if there is no room.
    pub(super) fn deliver(&mut self, frame: &[u8], status: u8, errors: u8) -> bool {
        let (head, tail) = (self.registers[&0x2810], self.registers[&0x2818]);
        if head == tail {
            return false;
        }
        let place = self.ring(0x2800) + u64::from(head) * 16;
        let mut address = [0; 8];
        self.memory.load(place, &mut address);
        self.memory.store(u64::from_le_bytes(address), &frame[..frame.len().min(2048)]);
        let [low, high] = u16::try_from(frame.len()).expect("it fits").to_le_bytes();
        self.memory.store(place + 8, &[low, high, 0, 0, status, errors, 0, 0]);
        self.registers.insert(0x2810, (head + 1) % 64);
        true
    }

    /// Sends what the driver has queued.
    pub(super) fn send(&mut self) {
        let (mut head, tail) = (self.registers[&0x3810], self.registers[&0x3818]);
        while head != tail {
            let place = self.ring(0x3800) + u64::from(head) * 16;
            let mut descriptor = [0; 16];
            self.memory.load(place, &mut descriptor);
            let address = u64::from_le_bytes(*descriptor.first_chunk().expect("it is inside"));
            let mut frame = vec![0; usize::from(u16::from_le_bytes([descriptor[8], descriptor[9]]))];
            self.memory.load(address, &mut frame);
            assert_eq!(descriptor[11], 0b1011, "whole, with its check sequence, reported");
            self.sent.push(frame);
            self.memory.store(place + 12, &[1]);
            head = (head + 1) % 64;
        }
        self.registers.insert(0x3810, head);
    }
}

impl DeviceRegisters for Card {
    fn read(&mut self, offset: usize) -> u32 {
        let state = self.0.lock();
        let value = state.registers.get(&offset).copied().unwrap_or(0);
        match (offset, state.eeprom) {
            (0x14, Some(words)) => {
                let word = words[usize::try_from(value >> 8 & 3).expect("it is small")];
                1 << 4 | u32::from(word) << 16
            }
            _ => value,
        }
    }

    fn write(&mut self, offset: usize, value: u32) {
        let mut state = self.0.lock();
        state.written.push((offset, value));
        let is_reset = offset == 0 && value & 1 << 26 != 0 && !state.never_resets;
        state.registers.insert(offset, if is_reset { 0 } else { value });
        if offset == 0x3818 && !state.is_slow {
            state.send();
        }
    }
}
