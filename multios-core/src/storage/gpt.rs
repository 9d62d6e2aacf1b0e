//! The GUID partition table (UEFI 2.10, section 5.3).

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crc::{CRC_32_ISO_HDLC, Crc};

use super::{BlockDevice, BlockError, Guid};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const BLOCK_BYTES_MIN: usize = 512;
const HEADER_BYTES_MIN: usize = 92;
const ENTRY_BYTES_MIN: usize = 128;
/// The specification has 16 KiB at least and no upper bound; more than this is taken for damage.
const ENTRIES_BYTES_MAX: usize = 1 << 20;

/// The partitions of a disk, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionTable {
    /// The partitions that are in use. They do not overlap, and lie where the table lets them.
    pub partitions: Vec<Partition>,
    /// Why the first copy of the table was not used; `None` if it was.
    pub primary_error: Option<TableError>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What it is for.
    pub type_guid: Guid,
    /// Its own identifier.
    pub unique_guid: Guid,
    /// Its blocks.
    pub blocks: Range<u64>,
}

/// Why there is no partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The first block says that the disk is not partitioned so.
    #[error("read the partition table: the first block is no protective MBR")]
    NotProtected,
    /// There is no header where one should be.
    #[error("read the partition table: no header")]
    NoHeader,
    /// The check value of the header or the entries is wrong.
    #[error("read the partition table: the check value of its {0} is wrong")]
    CheckValue(&'static str),
    /// A field contradicts another, the disk, or the specification.
    #[error("read the partition table: {0}")]
    Inconsistent(&'static str),
    /// The disk could not be read.
    #[error("read the partition table: failed to {0}")]
    Block(#[from] BlockError),
}

impl PartitionTable {
    /// Reads the table of `disk`: the copy at its end if the first is damaged.
    ///
    /// # Errors
    /// What is wrong with the first copy if neither can be used.
    pub fn read(disk: &mut (impl BlockDevice + ?Sized)) -> Result<Self, TableError> {
        let geometry = disk.geometry();
        let last = geometry.blocks.checked_sub(1).filter(|_| geometry.block_bytes >= BLOCK_BYTES_MIN);
        let last = last.ok_or(TableError::NoHeader)?;
        let mut block = vec![0; geometry.block_bytes];
        disk.read(0, &mut block)?;
        // Without it, another system owns the disk, and a table that it left behind is no longer true.
        if !is_protective(&block) {
            return Err(TableError::NotProtected);
        }
        match read_copy(disk, 1) {
            Ok(partitions) => Ok(Self { partitions, primary_error: None }),
            Err(error) => {
                let partitions = read_copy(disk, last).map_err(|_| error)?;
                Ok(Self { partitions, primary_error: Some(error) })
            }
        }
    }
}

/// Whether the block is a protective MBR (UEFI 2.10, section 5.2.3): signed, with one partition, of type 0xEE.
fn is_protective(block: &[u8]) -> bool {
    const PARTITIONS: usize = 446;
    const TYPE: usize = 4;
    const PROTECTIVE: u8 = 0xee;
    let kinds = (0..4).map(|index| block[PARTITIONS + index * 16 + TYPE]);
    let used: Vec<u8> = kinds.filter(|kind| *kind != 0).collect();
    block[510..512] == [0x55, 0xaa] && used == [PROTECTIVE]
}

/// The fields of a header that was checked.
struct Header {
    usable: Range<u64>,
    entries_block: u64,
    entries_blocks: u64,
    entry_bytes: usize,
    entries_bytes: usize,
    entries_crc: u32,
}

fn read_copy(disk: &mut (impl BlockDevice + ?Sized), at: u64) -> Result<Vec<Partition>, TableError> {
    let geometry = disk.geometry();
    let mut block = vec![0; geometry.block_bytes];
    disk.read(at, &mut block)?;
    let header = read_header(&block, at, geometry.blocks)?;
    let padded = header.entries_bytes.next_multiple_of(geometry.block_bytes);
    let mut entries = vec![0; padded];
    disk.read(header.entries_block, &mut entries)?;
    entries.truncate(header.entries_bytes);
    if CRC.checksum(&entries) != header.entries_crc {
        return Err(TableError::CheckValue("entries"));
    }
    let mut partitions = Vec::new();
    for entry in entries.chunks_exact(header.entry_bytes) {
        partitions.extend(read_entry(entry, &header.usable)?);
    }
    refuse_overlaps(&partitions)?;
    Ok(partitions)
}

fn read_header(block: &[u8], at: u64, blocks: u64) -> Result<Header, TableError> {
    const REVISION: u32 = 0x0001_0000;
    if !block.starts_with(b"EFI PART") {
        return Err(TableError::NoHeader);
    }
    let header_bytes = usize::try_from(u32_at(block, 12)).unwrap_or(usize::MAX);
    if u32_at(block, 8) != REVISION || !(HEADER_BYTES_MIN..=block.len()).contains(&header_bytes) {
        return Err(TableError::Inconsistent("the header has an unknown version or size"));
    }
    let mut summed = block[..header_bytes].to_vec();
    summed[16..20].fill(0);
    if CRC.checksum(&summed) != u32_at(block, 16) {
        return Err(TableError::CheckValue("header"));
    }
    if u64_at(block, 24) != at {
        return Err(TableError::Inconsistent("the header says that it lies elsewhere"));
    }
    let entry_bytes = usize::try_from(u32_at(block, 84)).unwrap_or(usize::MAX);
    let is_entry = entry_bytes >= ENTRY_BYTES_MIN && entry_bytes.is_power_of_two();
    let entries = usize::try_from(u32_at(block, 80)).unwrap_or(usize::MAX);
    let entries_bytes =
        entries.checked_mul(entry_bytes).filter(|bytes| (1..=ENTRIES_BYTES_MAX).contains(bytes));
    let Some(entries_bytes) = entries_bytes.filter(|_| is_entry) else {
        return Err(TableError::Inconsistent("the entries have an impossible number or size"));
    };
    let (first, last) = (u64_at(block, 40), u64_at(block, 48));
    let entries_block = u64_at(block, 72);
    let entries_blocks = u64::try_from(entries_bytes.div_ceil(block.len())).unwrap_or(u64::MAX);
    let header = Header {
        usable: first..last.saturating_add(1),
        entries_block,
        entries_blocks,
        entry_bytes,
        entries_bytes,
        entries_crc: u32_at(block, 88),
    };
    if !header.leaves_itself_alone(blocks) {
        return Err(TableError::Inconsistent("the blocks for partitions reach into the table"));
    }
    Ok(header)
}

impl Header {
    /// Whether partitions can lie neither on the first two blocks, nor on the entries, nor on the copy's header.
    fn leaves_itself_alone(&self, blocks: u64) -> bool {
        let Some(entries_end) = self.entries_block.checked_add(self.entries_blocks) else { return false };
        let is_apart = entries_end <= self.usable.start || self.usable.end <= self.entries_block;
        self.usable.start >= 2 && self.usable.end < blocks && self.usable.start < self.usable.end && is_apart
    }
}

fn read_entry(entry: &[u8], usable: &Range<u64>) -> Result<Option<Partition>, TableError> {
    let type_guid = guid_at(entry, 0);
    if type_guid == Guid::NIL {
        return Ok(None);
    }
    let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
    if first < usable.start || last < first || last >= usable.end {
        return Err(TableError::Inconsistent("a partition lies outside of the blocks for partitions"));
    }
    Ok(Some(Partition { type_guid, unique_guid: guid_at(entry, 16), blocks: first..last + 1 }))
}

/// Whoever may write to a partition must not write to another.
fn refuse_overlaps(partitions: &[Partition]) -> Result<(), TableError> {
    let mut ranges: Vec<&Range<u64>> = partitions.iter().map(|partition| &partition.blocks).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    if ranges.windows(2).any(|pair| pair[1].start < pair[0].end) {
        return Err(TableError::Inconsistent("two partitions overlap"));
    }
    Ok(())
}

// The offsets below are constants inside of a header or an entry, whose sizes are checked.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
}

fn guid_at(bytes: &[u8], at: usize) -> Guid {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(Guid::NIL, |guid| Guid(*guid))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::gpt_writer::{GEOMETRY, write_table};
    use super::super::{Fault, Geometry, RamDisk};
    use super::*;

    fn partition(kind: u8, blocks: Range<u64>) -> Partition {
        Partition { type_guid: Guid([kind; 16]), unique_guid: Guid([kind ^ 0xff; 16]), blocks }
    }

    fn two() -> [Partition; 2] {
        [partition(1, 34..40), partition(2, 40..90)]
    }

    fn disk(partitions: &[Partition]) -> RamDisk {
        let mut disk = RamDisk::new(GEOMETRY);
        write_table(&mut disk, partitions);
        disk
    }

    #[test]
    fn a_damaged_first_copy_is_replaced_by_the_second() {
        let mut disk = disk(&two());
        disk.bytes_mut()[512 + 60] ^= 1;
        let table = PartitionTable::read(&mut disk).expect("the second copy is well");
        assert_eq!(table.partitions, two());
        assert_eq!(table.primary_error, Some(TableError::CheckValue("header")));
        disk.bytes_mut()[512 + 60] ^= 1;
        disk.bytes_mut()[1024 + 130] ^= 0x80;
        let table = PartitionTable::read(&mut disk).expect("the second copy is well");
        assert_eq!(table.primary_error, Some(TableError::CheckValue("entries")));
        disk.set_fault(Some(Fault::Block(1, BlockError::Refused { code: 3 })));
        let table = PartitionTable::read(&mut disk).expect("the second copy is well");
        assert_eq!(table.primary_error, Some(TableError::Block(BlockError::Refused { code: 3 })));
    }

    #[test]
    fn with_both_copies_damaged_there_is_no_table() {
        let mut disk = disk(&two());
        disk.bytes_mut()[512 + 60] ^= 1;
        let last = disk.bytes().len() - 512;
        disk.bytes_mut()[last] ^= 1;
        assert_eq!(PartitionTable::read(&mut disk), Err(TableError::CheckValue("header")));
    }

    #[test]
    fn a_disk_that_is_not_protected_has_no_table() {
        let mut gone = disk(&two());
        gone.bytes_mut()[510] = 0;
        assert_eq!(PartitionTable::read(&mut gone), Err(TableError::NotProtected));
        let mut hybrid = disk(&two());
        hybrid.bytes_mut()[446 + 16 + 4] = 0x83;
        assert_eq!(PartitionTable::read(&mut hybrid), Err(TableError::NotProtected));
    }

    #[test]
    fn overlapping_partitions_are_refused() {
        let overlapping = [partition(1, 34..50), partition(2, 49..60)];
        let error = PartitionTable::read(&mut disk(&overlapping)).expect_err("they overlap");
        assert_eq!(error, TableError::Inconsistent("two partitions overlap"));
    }

    #[test]
    fn partitions_on_the_table_itself_are_refused() {
        for blocks in [1..40, 33..40, 50..GEOMETRY.blocks] {
            let error =
                PartitionTable::read(&mut disk(&[partition(1, blocks)])).expect_err("it lies outside");
            assert!(matches!(error, TableError::Inconsistent(_)), "{error}");
        }
    }

    #[test]
    fn a_disk_of_nothing_has_no_table() {
        let mut empty = RamDisk::new(Geometry { block_bytes: 512, blocks: 0 });
        assert_eq!(PartitionTable::read(&mut empty), Err(TableError::NoHeader));
    }

    proptest! {
        #[test]
        fn every_table_that_is_written_reads_back(cuts in prop::collection::btree_set(34_u64..220, 0..20)) {
            let cuts: Vec<u64> = cuts.into_iter().collect();
            let pairs = cuts.chunks_exact(2).zip(1..);
            let partitions: Vec<Partition> = pairs.map(|(pair, kind)| partition(kind, pair[0]..pair[1])).collect();
            let table = PartitionTable::read(&mut disk(&partitions));
            prop_assert_eq!(table, Ok(PartitionTable { partitions, primary_error: None }));
        }

        #[test]
        fn no_damage_panics_or_makes_up_a_partition(
            damage in prop::collection::vec((0_usize..34 * 512, any::<u8>()), 1..40),
            at_end in any::<bool>(),
        ) {
            let mut disk = disk(&two());
            let shift = if at_end { disk.bytes().len() - 34 * 512 } else { 0 };
            for (place, byte) in damage {
                disk.bytes_mut()[shift + place] = byte;
            }
            if let Ok(table) = PartitionTable::read(&mut disk) {
                prop_assert_eq!(table.partitions, two());
            }
        }
    }
}
