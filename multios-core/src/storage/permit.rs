//! The right to write to a disk.

use core::ops::Range;

use super::{BlockDevice, BlockError, Geometry, Guid, TableError};

/// The type of a partition that may be overwritten at any time: `7d2e0f6b-94c1-4b57-9c3a-5e8f16d4a0b2`.
pub const SCRATCH_TYPE: Guid =
    Guid::new(0x7d2e_0f6b, 0x94c1, 0x4b57, [0x9c, 0x3a, 0x5e, 0x8f, 0x16, 0xd4, 0xa0, 0xb2]);

/// The right to write to some blocks of one disk. [`super::Disk::permit`] alone gives it, and the disk can be used
/// only through it as long as it is there. Blocks count from the first that it covers.
pub struct WritePermit<'a> {
    device: &'a mut dyn BlockDevice,
    blocks: Range<u64>,
    grounds: Grounds,
}

/// What a permit is given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// A partition of the type for scratch; nothing outside of it can be reached.
    Partition,
    /// The disk was named by its serial number; all of it can be reached.
    Named,
}

/// Why a disk may not be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The device takes no writes.
    #[error("get the right to write: the disk is read-only")]
    ReadOnly,
    /// Its serial number is not named, and it has no partitions.
    #[error("get the right to write: its serial number is not named, and failed to {0}")]
    NotNamed(TableError),
    /// Its serial number is not named, and none of its partitions is for scratch.
    #[error(
        "get the right to write: its serial number is not named, and no partition is of the scratch type"
    )]
    NoScratchPartition,
}

impl<'a> WritePermit<'a> {
    /// The right to `blocks` of `device`.
    pub(super) const fn new(device: &'a mut dyn BlockDevice, blocks: Range<u64>, grounds: Grounds) -> Self {
        Self { device, blocks, grounds }
    }

    /// What it was given for.
    #[must_use]
    pub const fn grounds(&self) -> Grounds {
        self.grounds
    }

    /// How much it covers.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        let blocks = self.blocks.end.saturating_sub(self.blocks.start);
        Geometry { block_bytes: self.device.geometry().block_bytes, blocks }
    }

    /// Reads blocks from number `first` of those that it covers on until `bytes` is full.
    ///
    /// # Errors
    /// Those of [`BlockDevice::read`].
    pub fn read(&mut self, first: u64, bytes: &mut [u8]) -> Result<(), BlockError> {
        let first = self.place(first, bytes.len())?;
        self.device.read(first, bytes)
    }

    /// Writes `bytes` to the blocks from number `first` of those that it covers on.
    ///
    /// # Errors
    /// Those of [`BlockDevice::write`].
    pub fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        let first = self.place(first, bytes.len())?;
        self.device.write(first, bytes)
    }

    /// Returns once everything written lasts.
    ///
    /// # Errors
    /// Those of [`BlockDevice::flush`].
    pub fn flush(&mut self) -> Result<(), BlockError> {
        self.device.flush()
    }

    fn place(&self, first: u64, length: usize) -> Result<u64, BlockError> {
        self.geometry().blocks_of(first, length)?;
        Ok(self.blocks.start + first)
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::string::String;
    use alloc::string::ToString;
    use alloc::sync::Arc;

    use spin::Mutex;

    use super::super::gpt_writer::{GEOMETRY, write_table};
    use super::super::{Disk, Partition, RamDisk};
    use super::*;

    /// A disk whose bytes a test can look at while it is in use.
    struct Shared(Arc<Mutex<RamDisk>>, Option<String>);

    impl BlockDevice for Shared {
        fn geometry(&self) -> Geometry {
            self.0.lock().geometry()
        }
        fn is_read_only(&self) -> bool {
            self.0.lock().is_read_only()
        }
        fn serial(&self) -> Option<&str> {
            self.1.as_deref()
        }
        fn read(&mut self, first: u64, bytes: &mut [u8]) -> Result<(), BlockError> {
            self.0.lock().read(first, bytes)
        }
        fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
            self.0.lock().write(first, bytes)
        }
        fn flush(&mut self) -> Result<(), BlockError> {
            self.0.lock().flush()
        }
    }

    fn shared(disk: RamDisk) -> (Disk, Arc<Mutex<RamDisk>>) {
        let serial = disk.serial().map(ToString::to_string);
        let disk = Arc::new(Mutex::new(disk));
        (Disk::new("disk".to_string(), Box::new(Shared(disk.clone(), serial))), disk)
    }

    fn partitioned(type_guid: Guid) -> RamDisk {
        let mut disk = RamDisk::new(GEOMETRY).with_serial("A-1");
        let other = Partition { type_guid: Guid([9; 16]), unique_guid: Guid([1; 16]), blocks: 34..50 };
        let scratch = Partition { type_guid, unique_guid: Guid([2; 16]), blocks: 50..60 };
        write_table(&mut disk, &[other, scratch]);
        disk
    }

    #[test]
    fn a_scratch_partition_is_written_to_and_nothing_around_it() {
        let (mut disk, behind) = shared(partitioned(SCRATCH_TYPE));
        let before = behind.lock().bytes().to_vec();
        let mut permit = disk.permit(&[]).expect("it has a scratch partition");
        assert_eq!((permit.grounds(), permit.geometry().blocks), (Grounds::Partition, 10));
        permit.write(0, &[7; 512]).expect("inside");
        permit.write(9, &[8; 512]).expect("inside");
        assert!(matches!(permit.write(9, &[8; 1024]), Err(BlockError::OutOfRange { .. })));
        assert!(matches!(permit.write(10, &[8; 512]), Err(BlockError::OutOfRange { .. })));
        assert!(matches!(permit.write(u64::MAX - 49, &[8; 512]), Err(BlockError::OutOfRange { .. })));
        let after = behind.lock().bytes().to_vec();
        assert_eq!(after[..50 * 512], before[..50 * 512]);
        assert_eq!(after[60 * 512..], before[60 * 512..]);
        assert!(after[50 * 512..51 * 512].iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_named_disk_is_written_to_as_a_whole() {
        let (mut disk, _) = shared(partitioned(Guid([3; 16])));
        let mut permit = disk.permit(&["B-2".to_string(), "A-1".to_string()]).expect("it is named");
        assert_eq!((permit.grounds(), permit.geometry()), (Grounds::Named, GEOMETRY));
        assert_eq!(permit.write(0, &[1; 512]), Ok(()));
    }

    #[test]
    fn every_other_disk_is_refused() {
        let (mut disk, _) = shared(partitioned(Guid([3; 16])));
        assert_eq!(disk.permit(&["A-10".to_string()]).err(), Some(Refusal::NoScratchPartition));
        let (mut empty, _) = shared(RamDisk::new(GEOMETRY));
        assert_eq!(empty.permit(&[String::new()]).err(), Some(Refusal::NotNamed(TableError::NotProtected)));
        let (mut locked, _) = shared(partitioned(SCRATCH_TYPE).read_only());
        assert_eq!(locked.permit(&["A-1".to_string()]).err(), Some(Refusal::ReadOnly));
    }
}
