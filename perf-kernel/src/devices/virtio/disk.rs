//! A disk (section 5.2).

use alloc::string::String;

use multios_core::storage::{BlockDevice, BlockError, Geometry};
use virtio_drivers::transport::Transport;

use super::requests::{Chain, Piece, Requests};
use super::transport::{PciTransport, StartError};
use crate::devices::access::{DmaRegion, Time, wait};
use crate::devices::io::MemoryIo;
use crate::units::Nanoseconds;

/// The number of the queue of requests.
pub(crate) const QUEUE: u16 = 0;
/// What the memory of the queue must have in bytes.
pub(crate) const MEMORY_BYTES: usize = DATA.offset + DATA.bytes;

const PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(10_000);
/// A flush may empty a large cache to a slow medium.
const FLUSH_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(60_000);
/// What capacity and requests count in, whatever the size of a block.
const SECTOR_BYTES: usize = 512;
/// A larger block than this is taken for damage.
const BLOCK_BYTES_MAX: usize = 64 << 10;

// Section 5.2.3.
const FEATURE_READ_ONLY: u64 = 1 << 5;
const FEATURE_BLOCK_SIZE: u64 = 1 << 6;
const FEATURE_FLUSH: u64 = 1 << 9;

// Section 5.2.4.
const CAPACITY: usize = 0;
const BLOCK_SIZE: usize = 20;

// Section 5.2.6.
const READ: u32 = 0;
const WRITE: u32 = 1;
const FLUSH: u32 = 4;
const IDENTIFY: u32 = 8;

// Where requests lie: one is under way at most.
const HEAD: Piece = Piece { offset: 0, bytes: 16 };
const STATUS: Piece = Piece { offset: 16, bytes: 1 };
const SERIAL: Piece = Piece { offset: 32, bytes: 20 };
const DATA: Piece = Piece { offset: 4096, bytes: BLOCK_BYTES_MAX };

/// A disk that runs. It is stopped when it is dropped.
pub(crate) struct VirtioDisk<R: MemoryIo + Send, T: Time, Q: Requests> {
    transport: PciTransport<R>,
    time: T,
    /// Always there until it is dropped.
    queue: Option<Q>,
    geometry: Geometry,
    is_read_only: bool,
    has_cache: bool,
    serial: Option<String>,
    has_failed: bool,
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> VirtioDisk<R, T, Q> {
    /// Starts the disk behind `transport`, with the queue of requests that `make` sets up. The function must be allowed
    /// to read and write memory.
    ///
    /// # Errors
    /// A device that does not start or makes no sense; it is stopped.
    pub(crate) fn open(
        transport: PciTransport<R>,
        time: T,
        make: impl FnOnce(&mut PciTransport<R>) -> Option<Q>,
    ) -> Result<Self, BlockError> {
        let mut disk = Self {
            transport,
            time,
            queue: None,
            geometry: Geometry { block_bytes: SECTOR_BYTES, blocks: 0 },
            is_read_only: true,
            has_cache: false,
            serial: None,
            has_failed: false,
        };
        let wanted = FEATURE_READ_ONLY | FEATURE_BLOCK_SIZE | FEATURE_FLUSH;
        let agreed = disk.transport.start(&disk.time, wanted).map_err(|error| match error {
            StartError::Timeout => BlockError::Timeout,
            StartError::Features => BlockError::Malformed("it does not work as version 1 says"),
        })?;
        disk.geometry = geometry(&mut disk.transport, agreed)?;
        disk.is_read_only = agreed & FEATURE_READ_ONLY != 0;
        disk.has_cache = agreed & FEATURE_FLUSH != 0;
        disk.queue = make(&mut disk.transport);
        if disk.queue.is_none() {
            return Err(BlockError::Malformed("its queue cannot be set up, or there is no memory for it"));
        }
        disk.transport.finish_init();
        disk.serial = disk.identify()?;
        Ok(disk)
    }

    /// The serial number; `None` if it has none, or does not tell.
    fn identify(&mut self) -> Result<Option<String>, BlockError> {
        match self.run(IDENTIFY, 0, Chain::new(&[HEAD], &[SERIAL, STATUS]), PATIENCE) {
            Ok(()) => {}
            Err(BlockError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut bytes = [0; SERIAL.bytes];
        self.memory()?.read(SERIAL.offset, &mut bytes);
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let text = core::str::from_utf8(&bytes[..end]).unwrap_or_default().trim();
        Ok((!text.is_empty()).then(|| String::from(text)))
    }

    fn memory(&mut self) -> Result<&mut Q::Memory, BlockError> {
        Ok(self.queue.as_mut().ok_or(BlockError::Failed)?.memory())
    }

    /// Has the device do a request of `kind` at `sector`, whose status is the last of its pieces.
    fn run(&mut self, kind: u32, sector: u64, chain: Chain, patience: Nanoseconds) -> Result<(), BlockError> {
        if self.has_failed {
            return Err(BlockError::Failed);
        }
        let result = self.try_run(kind, sector, chain, patience);
        // A request that may still be under way owns its memory.
        self.has_failed = !matches!(result, Ok(()) | Err(BlockError::Refused { .. }));
        result
    }

    fn try_run(
        &mut self,
        kind: u32,
        sector: u64,
        chain: Chain,
        patience: Nanoseconds,
    ) -> Result<(), BlockError> {
        /// Not a status that a device may give.
        const NO_STATUS: u8 = 0xff;
        let queue = self.queue.as_mut().ok_or(BlockError::Failed)?;
        let memory = queue.memory();
        memory.write(HEAD.offset, &kind.to_le_bytes());
        memory.write(HEAD.offset + 4, &[0; 4]);
        memory.write(HEAD.offset + 8, &sector.to_le_bytes());
        memory.write(STATUS.offset, &[NO_STATUS]);
        let number = queue.submit(chain).ok_or(BlockError::Malformed("its queue is full of no requests"))?;
        self.transport.notify(QUEUE);
        if !wait(&self.time, patience, || queue.is_done()) {
            return Err(BlockError::Timeout);
        }
        let written = queue.finish(number);
        let written = written.ok_or(BlockError::Malformed("it finishes a request that it was not given"))?;
        let mut status = [0];
        queue.memory().read(STATUS.offset, &mut status);
        match status {
            [0] if written >= chain.written().iter().map(|piece| piece.bytes).sum() => Ok(()),
            [0] => Err(BlockError::Malformed("it reads less than it was asked for")),
            [code @ (1 | 2)] => Err(BlockError::Refused { code: u16::from(code) }),
            _ => Err(BlockError::Malformed("the status of a request makes no sense")),
        }
    }

    /// The sector at which `block` begins. Both are inside the disk.
    fn sector(&self, block: u64) -> u64 {
        block.saturating_mul(u64::try_from(self.geometry.block_bytes / SECTOR_BYTES).unwrap_or(1))
    }
}

/// The size of the disk, of which `agreed` are the features.
fn geometry<R: MemoryIo>(transport: &mut PciTransport<R>, agreed: u64) -> Result<Geometry, BlockError> {
    let sectors =
        transport.device_u64(CAPACITY).ok_or(BlockError::Malformed("its size does not stand still"))?;
    let block_bytes = if agreed & FEATURE_BLOCK_SIZE == 0 {
        SECTOR_BYTES
    } else {
        usize::try_from(transport.device_u32(BLOCK_SIZE)).unwrap_or(0)
    };
    if !block_bytes.is_power_of_two() || !(SECTOR_BYTES..=BLOCK_BYTES_MAX).contains(&block_bytes) {
        return Err(BlockError::Malformed("the size of its blocks makes no sense"));
    }
    let sectors_per_block = u64::try_from(block_bytes / SECTOR_BYTES).unwrap_or(1);
    Ok(Geometry { block_bytes, blocks: sectors / sectors_per_block })
}

fn data(bytes: usize) -> Piece {
    Piece { bytes, ..DATA }
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> BlockDevice for VirtioDisk<R, T, Q> {
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
        let mut sector = self.sector(first);
        for piece in bytes.chunks_mut(DATA.bytes) {
            self.run(READ, sector, Chain::new(&[HEAD], &[data(piece.len()), STATUS]), PATIENCE)?;
            self.memory()?.read(DATA.offset, piece);
            sector += u64::try_from(piece.len() / SECTOR_BYTES).unwrap_or(0);
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
        let mut sector = self.sector(first);
        for piece in bytes.chunks(DATA.bytes) {
            self.memory()?.write(DATA.offset, piece);
            self.run(WRITE, sector, Chain::new(&[HEAD, data(piece.len())], &[STATUS]), PATIENCE)?;
            sector += u64::try_from(piece.len() / SECTOR_BYTES).unwrap_or(0);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        if !self.has_cache {
            return if self.has_failed { Err(BlockError::Failed) } else { Ok(()) };
        }
        self.run(FLUSH, 0, Chain::new(&[HEAD], &[STATUS]), FLUSH_PATIENCE)
    }
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> Drop for VirtioDisk<R, T, Q> {
    fn drop(&mut self) {
        let is_stopped = self.transport.stop(&self.time);
        if let Some(queue) = self.queue.take()
            && !is_stopped
        {
            queue.leak();
        }
    }
}
