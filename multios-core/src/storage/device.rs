//! What a driver of a disk offers.

/// A disk as its driver has it. It writes wherever it is told: only drivers and [`super::Disk`] hold one.
pub trait BlockDevice: Send {
    /// How large it is.
    fn geometry(&self) -> Geometry;

    /// Whether the device itself refuses to write.
    fn is_read_only(&self) -> bool;

    /// Its serial number without padding; `None` if it has none.
    fn serial(&self) -> Option<&str>;

    /// Reads blocks from number `first` on until `bytes` is full.
    ///
    /// # Errors
    /// A range that is not whole blocks of the disk, or what the device says. `bytes` is then undefined.
    fn read(&mut self, first: u64, bytes: &mut [u8]) -> Result<(), BlockError>;

    /// Writes `bytes` to the blocks from number `first` on. They last once [`Self::flush`] returns.
    ///
    /// # Errors
    /// A range that is not whole blocks of the disk, a read-only disk, or what the device says. Any of the blocks may
    /// then be old or new.
    fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), BlockError>;

    /// Returns once everything written lasts.
    ///
    /// # Errors
    /// What the device says.
    fn flush(&mut self) -> Result<(), BlockError>;
}

/// The size of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a block: a power of two from 512 up.
    pub block_bytes: usize,
    /// How many blocks there are.
    pub blocks: u64,
}

impl Geometry {
    /// The number of blocks that `length` bytes from block `first` on are.
    ///
    /// # Errors
    /// [`BlockError::NotWholeBlocks`] for no blocks or parts of them, [`BlockError::OutOfRange`] beyond the end.
    pub fn blocks_of(self, first: u64, length: usize) -> Result<u64, BlockError> {
        if length == 0 || !length.is_multiple_of(self.block_bytes) {
            return Err(BlockError::NotWholeBlocks { bytes: length, block_bytes: self.block_bytes });
        }
        // The quotient of a length in memory fits.
        let blocks = u64::try_from(length / self.block_bytes).unwrap_or(u64::MAX);
        let out_of_range = BlockError::OutOfRange { first, blocks, disk_blocks: self.blocks };
        let end = first.checked_add(blocks).ok_or(out_of_range)?;
        if end > self.blocks { Err(out_of_range) } else { Ok(blocks) }
    }
}

/// Why blocks were not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The range leaves the disk, or what of it a permit covers.
    #[error("reach blocks {first} and on, {blocks} of them: there are {disk_blocks}")]
    OutOfRange {
        /// The first block.
        first: u64,
        /// How many.
        blocks: u64,
        /// How many there are.
        disk_blocks: u64,
    },
    /// The buffer is empty or no multiple of a block.
    #[error("transfer {bytes} bytes: a block has {block_bytes}")]
    NotWholeBlocks {
        /// Bytes of the buffer.
        bytes: usize,
        /// Bytes of a block.
        block_bytes: usize,
    },
    /// The disk takes no writes.
    #[error("write: the disk is read-only")]
    ReadOnly,
    /// No answer came in time. The device is not used again.
    #[error("wait for the disk: it does not answer")]
    Timeout,
    /// The device refused, with the status of its own specification.
    #[error("transfer blocks: the disk says {code:#x}")]
    Refused {
        /// The status.
        code: u16,
    },
    /// The answer makes no sense. The device is not used again.
    #[error("understand the disk: {0}")]
    Malformed(&'static str),
    /// The device failed before, and is not used again.
    #[error("use the disk: it failed before")]
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK: Geometry = Geometry { block_bytes: 512, blocks: 8 };

    #[test]
    fn whole_blocks_inside_the_disk_are_counted() {
        assert_eq!(DISK.blocks_of(0, 512), Ok(1));
        assert_eq!(DISK.blocks_of(6, 1024), Ok(2));
    }

    #[test]
    fn parts_of_blocks_and_ranges_beyond_the_end_are_refused() {
        assert!(matches!(DISK.blocks_of(0, 0), Err(BlockError::NotWholeBlocks { .. })));
        assert!(matches!(DISK.blocks_of(0, 513), Err(BlockError::NotWholeBlocks { .. })));
        assert!(matches!(DISK.blocks_of(7, 1024), Err(BlockError::OutOfRange { .. })));
        assert!(matches!(DISK.blocks_of(u64::MAX, 512), Err(BlockError::OutOfRange { .. })));
    }
}
