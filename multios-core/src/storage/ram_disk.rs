//! A disk in memory, for tests and for measuring what lies above one.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{BlockDevice, BlockError, Geometry};

/// A disk that keeps what it is told, and that can be told to fail.
#[derive(Clone, Debug)]
pub struct RamDisk {
    geometry: Geometry,
    bytes: Vec<u8>,
    serial: Option<String>,
    is_read_only: bool,
    fault: Option<Fault>,
    flushes: u64,
}

/// How a [`RamDisk`] fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whatever touches this block ends with the error.
    Block(u64, BlockError),
    /// Everything does.
    Always(BlockError),
}

impl RamDisk {
    /// A writable disk of zeros without a serial number.
    ///
    /// # Panics
    /// Panics if it does not fit memory.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        let blocks = usize::try_from(geometry.blocks).ok();
        let bytes = blocks.and_then(|blocks| blocks.checked_mul(geometry.block_bytes));
        Self {
            geometry,
            bytes: vec![0; bytes.expect("a disk in memory fits memory")],
            serial: None,
            is_read_only: false,
            fault: None,
            flushes: 0,
        }
    }

    /// The same disk with a serial number.
    #[must_use]
    pub fn with_serial(mut self, serial: &str) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// The same disk, refusing writes.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// From now on fails as `fault` says; `None` makes it well again.
    pub const fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All its bytes, to be changed behind everybody's back.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// How often it was flushed.
    #[must_use]
    pub const fn flushes(&self) -> u64 {
        self.flushes
    }

    fn place(&self, first: u64, length: usize) -> Result<usize, BlockError> {
        let blocks = self.geometry.blocks_of(first, length)?;
        match self.fault {
            Some(Fault::Always(error)) => return Err(error),
            Some(Fault::Block(block, error)) if (first..first + blocks).contains(&block) => {
                return Err(error);
            }
            _ => (),
        }
        let start =
            usize::try_from(first).ok().and_then(|first| first.checked_mul(self.geometry.block_bytes));
        start.ok_or(BlockError::Malformed("the disk does not fit memory"))
    }
}

impl BlockDevice for RamDisk {
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
        let start = self.place(first, bytes.len())?;
        bytes.copy_from_slice(&self.bytes[start..start + bytes.len()]);
        Ok(())
    }

    fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        let start = self.place(first, bytes.len())?;
        if self.is_read_only {
            return Err(BlockError::ReadOnly);
        }
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        if let Some(Fault::Always(error)) = self.fault {
            return Err(error);
        }
        self.flushes += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOMETRY: Geometry = Geometry { block_bytes: 512, blocks: 4 };

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_changes() {
        let mut disk = RamDisk::new(GEOMETRY);
        disk.write(1, &[7; 1024]).expect("it is writable");
        let mut bytes = [1; 2048];
        disk.read(0, &mut bytes).expect("it is readable");
        assert!(bytes[..512].iter().chain(&bytes[1536..]).all(|byte| *byte == 0));
        assert!(bytes[512..1536].iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_fault_hits_what_it_is_told_to_hit() {
        let mut disk = RamDisk::new(GEOMETRY);
        disk.set_fault(Some(Fault::Block(2, BlockError::Timeout)));
        assert_eq!(disk.write(1, &[7; 1024]), Err(BlockError::Timeout));
        assert_eq!(disk.write(1, &[7; 512]), Ok(()));
        disk.set_fault(Some(Fault::Always(BlockError::Failed)));
        assert_eq!(disk.flush(), Err(BlockError::Failed));
    }

    #[test]
    fn a_read_only_disk_refuses_writes() {
        let mut disk = RamDisk::new(GEOMETRY).read_only();
        assert_eq!(disk.write(0, &[1; 512]), Err(BlockError::ReadOnly));
        assert!(disk.bytes().iter().all(|byte| *byte == 0));
    }
}
