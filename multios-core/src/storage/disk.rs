//! A disk as everybody but its driver has it.

use alloc::boxed::Box;
use alloc::string::String;

use super::permit::{Grounds, Refusal, SCRATCH_TYPE, WritePermit};
use super::{BlockDevice, BlockError, Geometry, PartitionTable, TableError};

/// A disk to read from. There is no way to write to it but a [`WritePermit`].
pub struct Disk {
    device: Box<dyn BlockDevice>,
    name: String,
}

impl Disk {
    /// The disk that `device` drives, under a name for messages.
    #[must_use]
    pub fn new(name: String, device: Box<dyn BlockDevice>) -> Self {
        Self { device, name }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its serial number; `None` if it has none.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.device.serial()
    }

    /// How large it is.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        self.device.geometry()
    }

    /// Reads blocks from number `first` on until `bytes` is full.
    ///
    /// # Errors
    /// Those of [`BlockDevice::read`].
    pub fn read(&mut self, first: u64, bytes: &mut [u8]) -> Result<(), BlockError> {
        self.device.read(first, bytes)
    }

    /// Its partitions.
    ///
    /// # Errors
    /// Those of [`PartitionTable::read`].
    pub fn partitions(&mut self) -> Result<PartitionTable, TableError> {
        PartitionTable::read(&mut *self.device)
    }

    /// The right to write to all of it, if its serial number is one of `named`; else to the first of its partitions
    /// whose type is [`SCRATCH_TYPE`].
    ///
    /// # Errors
    /// Why nothing of it may be written to.
    pub fn permit(&mut self, named: &[String]) -> Result<WritePermit<'_>, Refusal> {
        if self.device.is_read_only() {
            return Err(Refusal::ReadOnly);
        }
        let is_named = self.serial().is_some_and(|serial| named.iter().any(|name| name == serial));
        let (blocks, grounds) = if is_named {
            (0..self.geometry().blocks, Grounds::Named)
        } else {
            let table = self.partitions().map_err(Refusal::NotNamed)?;
            let scratch = table.partitions.into_iter().find(|partition| partition.type_guid == SCRATCH_TYPE);
            (scratch.ok_or(Refusal::NoScratchPartition)?.blocks, Grounds::Partition)
        };
        Ok(WritePermit::new(&mut *self.device, blocks, grounds))
    }
}
