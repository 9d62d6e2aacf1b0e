//! Disks as blocks, their partitions, and who may write where.
//!
//! A driver is a [`BlockDevice`]. Whoever uses a disk gets a [`Disk`], which reads; only a [`WritePermit`] writes.

mod device;
mod disk;
mod gpt;
#[cfg(test)]
mod gpt_writer;
mod guid;
mod permit;
mod ram_disk;

pub use device::{BlockDevice, BlockError, Geometry};
pub use disk::Disk;
pub use gpt::{Partition, PartitionTable, TableError};
pub use guid::Guid;
pub use permit::{Grounds, Refusal, SCRATCH_TYPE, WritePermit};
pub use ram_disk::{Fault, RamDisk};
