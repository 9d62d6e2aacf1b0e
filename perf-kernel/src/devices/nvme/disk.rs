//! The first namespace of a controller as a disk.

use alloc::string::String;

use multios_core::storage::{BlockDevice, BlockError, Geometry};

use super::controller::{Controller, NO_MEMORY};
use super::identity::{ControllerIdentity, IDENTITY_BYTES, NamespaceIdentity};
use super::queue::{Command, ENTRIES, QueuePair};
use crate::devices::access::{DeviceRegisters, DmaMemory, DmaRegion, Time};
use crate::units::Nanoseconds;

const PAGE: usize = 4096;
/// Bytes of a transfer at most: what its addresses, which fill part of one page, can name.
const TRANSFER_BYTES: usize = 128 << 10;
const PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(10_000);
/// A flush may empty a large cache to a slow medium.
const FLUSH_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(60_000);
const QUEUE: u16 = 1;

// Section 5, figure 139, and section 6, figure 346.
const CREATE_COMMANDS: u8 = 0x01;
const CREATE_ANSWERS: u8 = 0x05;
const IDENTIFY: u8 = 0x06;
const SET_FEATURES: u8 = 0x09;
const FLUSH: u8 = 0x00;
const WRITE: u8 = 0x01;
const READ: u8 = 0x02;

/// A disk that runs. It is stopped when it is dropped.
pub(crate) struct NvmeDisk<R: DeviceRegisters, T: Time, M: DmaRegion> {
    /// Always there until it is dropped.
    parts: Option<Parts<R, T, M>>,
    namespace: u32,
    geometry: Geometry,
    is_read_only: bool,
    serial: Option<String>,
    has_cache: bool,
    transfer_bytes_max: usize,
    has_failed: bool,
}

struct Parts<R, T, M: DmaRegion> {
    controller: Controller<R, T, M>,
    queue: QueuePair<M>,
    data: M,
    /// The addresses of the pages of the data but the first.
    list: M,
}

impl<R: DeviceRegisters, T: Time, M: DmaRegion> NvmeDisk<R, T, M> {
    /// Starts the controller behind `registers` and looks at its first namespace. The function must be allowed to
    /// read and write memory.
    ///
    /// # Errors
    /// A device that does not start, refuses, or makes no sense; it is stopped.
    pub(crate) fn open<D>(registers: R, time: T, memory: &D) -> Result<Self, BlockError>
    where
        D: DmaMemory<Region = M>,
    {
        let controller = Controller::start(registers, time, memory)?;
        let (queue, data, list) = match allocate(memory, controller.doorbell_bytes()) {
            Some(memory) => memory,
            None => return Err(controller.abandon(BlockError::Malformed(NO_MEMORY))),
        };
        let mut disk = Self {
            parts: Some(Parts { controller, queue, data, list }),
            namespace: 0,
            geometry: Geometry { block_bytes: PAGE, blocks: 0 },
            is_read_only: true,
            serial: None,
            has_cache: false,
            transfer_bytes_max: TRANSFER_BYTES,
            has_failed: false,
        };
        disk.set_up()?;
        Ok(disk)
    }

    fn set_up(&mut self) -> Result<(), BlockError> {
        const CONTROLLER: u32 = 1;
        const NAMESPACES: u32 = 2;
        const NUMBER_OF_QUEUES: u32 = 7;
        let controller = ControllerIdentity::read(&self.identify(0, CONTROLLER)?);
        self.serial = controller.serial;
        self.has_cache = controller.has_cache;
        if let Some(pages) = controller.transfer_pages_max {
            self.transfer_bytes_max = pages.saturating_mul(PAGE).min(TRANSFER_BYTES);
        }
        let list = self.identify(0, NAMESPACES)?;
        self.namespace = list.first_chunk().map_or(0, |first| u32::from_le_bytes(*first));
        if self.namespace == 0 {
            return Err(BlockError::Malformed("it has no namespace"));
        }
        let namespace = NamespaceIdentity::read(&self.identify(self.namespace, 0)?)?;
        self.geometry = namespace.geometry;
        self.is_read_only = namespace.is_read_only;
        let parts = self.parts.as_mut().ok_or(BlockError::Failed)?;
        // One queue each way: both numbers count from 0.
        let features =
            Command { opcode: SET_FEATURES, words: [NUMBER_OF_QUEUES, 0, 0], ..Command::default() };
        parts.controller.administer(&features)?;
        let size = u32::from(ENTRIES - 1) << 16 | u32::from(QUEUE);
        // Each in one piece; answers with interrupts if there is a message for them; commands answered in the queue of the
        // same number.
        let answers = [parts.queue.answers_address(), 0];
        let message = parts.controller.time.message();
        let interrupts = message.map_or(0, |message| u32::from(message) << 16 | 1 << 1);
        let words = [size, interrupts | 1, 0];
        let create = Command { opcode: CREATE_ANSWERS, data: answers, words, ..Command::default() };
        parts.controller.administer(&create)?;
        let commands = [parts.queue.commands_address(), 0];
        let words = [size, u32::from(QUEUE) << 16 | 1, 0];
        let create = Command { opcode: CREATE_COMMANDS, data: commands, words, ..Command::default() };
        parts.controller.administer(&create)?;
        Ok(())
    }

    fn identify(&mut self, namespace: u32, what: u32) -> Result<[u8; IDENTITY_BYTES], BlockError> {
        let parts = self.parts.as_mut().ok_or(BlockError::Failed)?;
        let data = [parts.data.address(), 0];
        let command = Command { opcode: IDENTIFY, namespace, data, words: [what, 0, 0] };
        parts.controller.administer(&command)?;
        let mut bytes = [0; IDENTITY_BYTES];
        parts.data.read(0, &mut bytes);
        Ok(bytes)
    }

    fn run(&mut self, command: &Command, patience: Nanoseconds) -> Result<(), BlockError> {
        if self.has_failed {
            return Err(BlockError::Failed);
        }
        let Parts { controller, queue, .. } = self.parts.as_mut().ok_or(BlockError::Failed)?;
        let result = queue.run(&mut controller.registers, &controller.time, patience, command);
        let error = match result {
            Ok(_) => return Ok(()),
            Err(error) => controller.explain(error),
        };
        // A command that may still be under way owns the memory of its data.
        self.has_failed = !matches!(error, BlockError::Refused { .. });
        Err(error)
    }

    fn transfer(&mut self, opcode: u8, first: u64, bytes: usize) -> Result<(), BlockError> {
        let parts = self.parts.as_mut().ok_or(BlockError::Failed)?;
        let data = addresses(parts, bytes);
        let blocks = bytes / self.geometry.block_bytes;
        // The count is of blocks after the first.
        let more = u32::try_from(blocks).unwrap_or(0).saturating_sub(1);
        let [a, b, c, d, e, f, g, h] = first.to_le_bytes();
        let words = [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]), more];
        self.run(&Command { opcode, namespace: self.namespace, data, words }, PATIENCE)
    }

    /// The largest whole number of blocks in a transfer.
    fn piece_bytes(&self) -> usize {
        self.transfer_bytes_max / self.geometry.block_bytes * self.geometry.block_bytes
    }
}

/// The two addresses of a transfer of `bytes`: the first page, and the second or the list of those after the first
/// (section 4.3).
fn addresses<R, T, M: DmaRegion>(parts: &mut Parts<R, T, M>, bytes: usize) -> [u64; 2] {
    let start = parts.data.address();
    let pages = bytes.div_ceil(PAGE);
    let page = |index: usize| start + u64::try_from(index * PAGE).unwrap_or(0);
    match pages {
        0 | 1 => [start, 0],
        2 => [start, page(1)],
        _ => {
            for index in 1..pages {
                parts.list.write((index - 1) * 8, &page(index).to_le_bytes());
            }
            [start, parts.list.address()]
        }
    }
}

/// Queue, data and list.
type Pieces<R> = (QueuePair<R>, R, R);

fn allocate<D: DmaMemory>(memory: &D, doorbell_bytes: usize) -> Option<Pieces<D::Region>> {
    let queue = QueuePair::new(memory, QUEUE, doorbell_bytes)?;
    Some((queue, memory.allocate(TRANSFER_BYTES)?, memory.allocate(PAGE)?))
}

impl<R: DeviceRegisters, T: Time, M: DmaRegion> BlockDevice for NvmeDisk<R, T, M> {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    fn read(&mut self, first: u64, bytes: &mut [u8]) -> Result<(), BlockError> {
        self.geometry.blocks_of(first, bytes.len())?;
        let mut block = first;
        for piece in bytes.chunks_mut(self.piece_bytes()) {
            self.transfer(READ, block, piece.len())?;
            self.parts.as_mut().ok_or(BlockError::Failed)?.data.read(0, piece);
            block += u64::try_from(piece.len() / self.geometry.block_bytes).unwrap_or(0);
        }
        Ok(())
    }

    fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        self.geometry.blocks_of(first, bytes.len())?;
        if self.is_read_only {
            return Err(BlockError::ReadOnly);
        }
        if self.has_failed {
            return Err(BlockError::Failed);
        }
        let mut block = first;
        for piece in bytes.chunks(self.piece_bytes()) {
            self.parts.as_mut().ok_or(BlockError::Failed)?.data.write(0, piece);
            self.transfer(WRITE, block, piece.len())?;
            block += u64::try_from(piece.len() / self.geometry.block_bytes).unwrap_or(0);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        if !self.has_cache {
            return if self.has_failed { Err(BlockError::Failed) } else { Ok(()) };
        }
        let command = Command { opcode: FLUSH, namespace: self.namespace, ..Command::default() };
        self.run(&command, FLUSH_PATIENCE)
    }
}

impl<R: DeviceRegisters, T: Time, M: DmaRegion> Drop for NvmeDisk<R, T, M> {
    fn drop(&mut self) {
        let Some(Parts { controller, queue, data, list }) = self.parts.take() else { return };
        if !controller.release() {
            queue.leak();
            data.leak();
            list.leak();
        }
    }
}
