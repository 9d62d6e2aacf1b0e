//! A pair of queues: commands go out in one and answers come in the other.

use crate::devices::access::{DeviceRegisters, DmaMemory, DmaRegion, Time, wait};
use crate::units::Nanoseconds;

/// Entries of each queue. One command is under way at a time; the queues wrap around all the same.
pub(super) const ENTRIES: u16 = 16;
const COMMAND_BYTES: usize = 64;
const ANSWER_BYTES: usize = 16;
const DOORBELLS: usize = 0x1000;

/// A command's first ten words that are not always zero (section 4.2, figure 105).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Command {
    /// What to do.
    pub(super) opcode: u8,
    /// The namespace, 0 for none.
    pub(super) namespace: u32,
    /// The addresses of the data.
    pub(super) data: [u64; 2],
    /// Words 10 to 12.
    pub(super) words: [u32; 3],
}

/// Why a command gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueError {
    /// None in time.
    Timeout,
    /// The answer has this status: kind and code.
    Status(u16),
    /// The answer is to another command.
    Stray,
}

/// A pair of queues.
pub(super) struct QueuePair<R> {
    /// 0 for administration.
    id: u16,
    doorbell_bytes: usize,
    commands: R,
    answers: R,
    tail: u16,
    head: u16,
    /// What the phase bit of the next answer will be.
    phase: bool,
    next_command: u16,
}

impl<R: DmaRegion> QueuePair<R> {
    /// Pair number `id` of a device whose doorbells are `doorbell_bytes` apart; `None` without memory.
    pub(super) fn new<M: DmaMemory<Region = R>>(memory: &M, id: u16, doorbell_bytes: usize) -> Option<Self> {
        let commands = memory.allocate(usize::from(ENTRIES) * COMMAND_BYTES)?;
        let answers = memory.allocate(usize::from(ENTRIES) * ANSWER_BYTES)?;
        Some(Self { id, doorbell_bytes, commands, answers, tail: 0, head: 0, phase: true, next_command: 0 })
    }

    /// Where commands lie.
    pub(super) fn commands_address(&self) -> u64 {
        self.commands.address()
    }

    /// Where answers lie.
    pub(super) fn answers_address(&self) -> u64 {
        self.answers.address()
    }

    /// Leaves the memory to the device.
    pub(super) fn leak(self) {
        self.commands.leak();
        self.answers.leak();
    }

    /// Runs `command`; returns the first word of the answer.
    pub(super) fn run(
        &mut self,
        registers: &mut impl DeviceRegisters,
        time: &impl Time,
        patience: Nanoseconds,
        command: &Command,
    ) -> Result<u32, QueueError> {
        let id = self.next_command;
        self.next_command = self.next_command.wrapping_add(1);
        self.commands.write(usize::from(self.tail) * COMMAND_BYTES, &encode(command, id));
        self.tail = (self.tail + 1) % ENTRIES;
        registers.write(self.doorbell(0), u32::from(self.tail));
        let place = usize::from(self.head) * ANSWER_BYTES;
        let (answers, phase) = (&self.answers, self.phase);
        // The phase bit lies in the last word, so that the others are there once it is.
        let has_come = || (answers.read_u32(place + 12) & 1 << 16 != 0) == phase;
        if !wait(time, patience, has_come) {
            return Err(QueueError::Timeout);
        }
        let result = self.answers.read_u32(place);
        let queue = self.answers.read_u32(place + 8) >> 16;
        let [id_low, id_high, status_low, status_high] = self.answers.read_u32(place + 12).to_le_bytes();
        self.head = (self.head + 1) % ENTRIES;
        self.phase ^= self.head == 0;
        registers.write(self.doorbell(1), u32::from(self.head));
        if u16::from_le_bytes([id_low, id_high]) != id || queue != u32::from(self.id) {
            return Err(QueueError::Stray);
        }
        // Code and kind of the status (section 4.6.1); what is above them says only whether to try again.
        match u16::from_le_bytes([status_low, status_high]) >> 1 & 0x7ff {
            0 => Ok(result),
            status => Err(QueueError::Status(status)),
        }
    }

    /// The doorbell for commands (0) or answers (1) (section 3.1.24).
    fn doorbell(&self, which: usize) -> usize {
        DOORBELLS + (2 * usize::from(self.id) + which) * self.doorbell_bytes
    }
}

fn encode(command: &Command, id: u16) -> [u8; COMMAND_BYTES] {
    let mut bytes = [0; COMMAND_BYTES];
    bytes[0] = command.opcode;
    bytes[2..4].copy_from_slice(&id.to_le_bytes());
    bytes[4..8].copy_from_slice(&command.namespace.to_le_bytes());
    for (place, address) in bytes[24..40].chunks_exact_mut(8).zip(command.data) {
        place.copy_from_slice(&address.to_le_bytes());
    }
    for (place, word) in bytes[40..52].chunks_exact_mut(4).zip(command.words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
