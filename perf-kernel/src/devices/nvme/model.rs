//! A controller as the specification has it, for tests: it looks at the same memory, and can be told to misbehave.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use spin::Mutex;

use crate::devices::access::DeviceRegisters;
use crate::devices::scripted::ScriptedMemory;

/// How the model misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mischief {
    /// It never becomes ready.
    NeverReady,
    /// It fails for good instead of becoming ready.
    Fatal,
    /// It never stops.
    NeverStops,
    /// It takes commands of blocks and does not answer.
    Silent,
    /// It answers commands of blocks with the number of another.
    Stray,
    /// It refuses commands of blocks with this status.
    Refuses(u16),
}

/// The device, shared between the driver and the test.
#[derive(Clone)]
pub(super) struct Model(pub(super) Arc<Mutex<State>>);

/// What the device knows.
pub(super) struct State {
    memory: ScriptedMemory,
    registers: BTreeMap<usize, u32>,
    pub(super) mischief: Option<Mischief>,
    pub(super) disk: Vec<u8>,
    pub(super) transfer_order: u8,
    pub(super) flushes: usize,
    pub(super) has_interrupts: bool,
    pub(super) largest_transfer: usize,
    queues: [Queue; 2],
}

#[derive(Clone, Copy, Default)]
struct Queue {
    commands: u64,
    answers: u64,
    size: u32,
    head: u32,
    answer: u32,
    phase: bool,
}

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

impl Model {
    /// A disk of `blocks` zeros.
    pub(super) fn new(memory: &ScriptedMemory, blocks: usize) -> Self {
        let mut registers = BTreeMap::new();
        registers.insert(0, 4 << 24 | 63);
        registers.insert(4, 1 << 5);
        Self(Arc::new(Mutex::new(State {
            memory: memory.clone(),
            registers,
            mischief: None,
            disk: vec![0; blocks * BLOCK],
            transfer_order: 0,
            flushes: 0,
            has_interrupts: false,
            largest_transfer: 0,
            queues: [Queue::default(); 2],
        })))
    }

    /// Whether answers are told by interrupts.
    pub(super) fn has_interrupts(&self) -> bool {
        self.0.lock().has_interrupts
    }

    /// Whether all interrupts by other ways are masked.
    pub(super) fn is_masked(&self) -> bool {
        self.0.lock().registers.get(&0x0c) == Some(&u32::MAX)
    }

    /// Misbehaves from now on.
    pub(super) fn set(&self, mischief: Option<Mischief>) {
        self.0.lock().mischief = mischief;
    }
}

impl DeviceRegisters for Model {
    fn read(&mut self, offset: usize) -> u32 {
        self.0.lock().registers.get(&offset).copied().unwrap_or(0)
    }

    fn write(&mut self, offset: usize, value: u32) {
        let mut state = self.0.lock();
        state.registers.insert(offset, value);
        match offset {
            0x14 => state.configure(value),
            0x1000 => state.serve(0, value),
            0x1008 => state.serve(1, value),
            _ => (),
        }
    }
}

impl State {
    fn configure(&mut self, value: u32) {
        let status = match (value & 1, self.mischief) {
            (0, Some(Mischief::NeverStops)) => 1,
            (0, _) | (_, Some(Mischief::NeverReady)) => 0,
            (_, Some(Mischief::Fatal)) => 2,
            _ => 1,
        };
        let word = |state: &Self, at| u64::from(state.registers.get(&at).copied().unwrap_or(0));
        if value & 1 != 0 {
            assert_eq!(value, 0x0046_0001, "commands of 64 bytes, answers of 16");
            self.queues[0] = Queue {
                commands: word(self, 0x28) | word(self, 0x2c) << 32,
                answers: word(self, 0x30) | word(self, 0x34) << 32,
                size: (self.registers[&0x24] & 0xfff) + 1,
                phase: true,
                ..Queue::default()
            };
        }
        self.registers.insert(0x1c, status);
    }

    fn serve(&mut self, index: usize, tail: u32) {
        while self.queues[index].head != tail {
            let queue = self.queues[index];
            let mut command = [0; 64];
            self.memory.load(queue.commands + u64::from(queue.head) * 64, &mut command);
            self.queues[index].head = (queue.head + 1) % queue.size;
            let status = if index == 0 { self.administer(&command) } else { self.transfer(&command) };
            let Some(status) = status else { continue };
            let mut id = u32::from(u16::from_le_bytes([command[2], command[3]]));
            if index == 1 && self.mischief == Some(Mischief::Stray) {
                id ^= 1;
            }
            let mut answer = [0; 16];
            answer[10] = u8::try_from(index).expect("two queues");
            let last = id | u32::from(queue.phase) << 16 | u32::from(status) << 17;
            answer[12..].copy_from_slice(&last.to_le_bytes());
            self.memory.store(queue.answers + u64::from(queue.answer) * 16, &answer);
            let queue = &mut self.queues[index];
            queue.answer = (queue.answer + 1) % queue.size;
            queue.phase ^= queue.answer == 0;
        }
    }

    fn administer(&mut self, command: &[u8; 64]) -> Option<u16> {
        let data = long(command, 24);
        match (command[0], word(command, 40)) {
            (0x06, what) => {
                let identity = self.identity(what);
                self.memory.store(data, &identity);
            }
            (0x09, 7) => (),
            (0x05, size) => {
                assert_eq!(
                    (size & 0xffff, word(command, 44) & !2),
                    (1, 1),
                    "queue 1, in one piece, by the first message if by any"
                );
                self.has_interrupts = word(command, 44) & 2 != 0;
                self.queues[1] =
                    Queue { answers: data, size: (size >> 16) + 1, phase: true, ..Queue::default() };
            }
            (0x01, _) => {
                assert_eq!(word(command, 44), 0x1_0001, "in one piece, answered in queue 1");
                self.queues[1].commands = data;
            }
            _ => return Some(1),
        }
        Some(0)
    }

    fn identity(&self, what: u32) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        match what {
            0 => {
                bytes[..8].copy_from_slice(&(self.disk.len() / BLOCK).to_le_bytes());
                bytes[130] = 9;
            }
            1 => {
                bytes[4..24].copy_from_slice(b"SERIAL-7            ");
                bytes[77] = self.transfer_order;
                bytes[525] = 1;
            }
            _ => bytes[0] = 1,
        }
        bytes
    }

    fn transfer(&mut self, command: &[u8; 64]) -> Option<u16> {
        match self.mischief {
            Some(Mischief::Silent) => return None,
            Some(Mischief::Refuses(status)) => return Some(status),
            _ => (),
        }
        if command[0] == 0 {
            self.flushes += 1;
            return Some(0);
        }
        let first = usize::try_from(long(command, 40)).expect("it fits") * BLOCK;
        let bytes = (usize::try_from(word(command, 48)).expect("it fits") + 1) * BLOCK;
        self.largest_transfer = self.largest_transfer.max(bytes);
        for (index, start) in (0..bytes).step_by(4096).enumerate() {
            let page = self.page(command, index, bytes.div_ceil(4096));
            let range = first + start..first + bytes.min(start + 4096);
            if command[0] == 2 {
                self.memory.store(page, &self.disk[range]);
            } else {
                self.memory.load(page, &mut self.disk[range]);
            }
        }
        Some(0)
    }

    fn page(&self, command: &[u8; 64], index: usize, pages: usize) -> u64 {
        let second = long(command, 32);
        match (index, pages) {
            (0, _) => long(command, 24),
            (1, 2) => second,
            _ => {
                let mut entry = [0; 8];
                self.memory.load(second + (index as u64 - 1) * 8, &mut entry);
                u64::from_le_bytes(entry)
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("it is inside"))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("it is inside"))
}
