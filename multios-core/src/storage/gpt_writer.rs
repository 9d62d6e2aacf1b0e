//! Writes partition tables as the specification has them, for tests of the reader.

use alloc::vec;

use crc::{CRC_32_ISO_HDLC, Crc};

use super::{Geometry, Partition, RamDisk};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const ENTRIES: usize = 128;
const ENTRY_BYTES: usize = 128;

/// What the disks of the tests are like.
pub(super) const GEOMETRY: Geometry = Geometry { block_bytes: 512, blocks: 256 };

/// Writes protective MBR, table and its copy, whatever the partitions are.
pub(super) fn write_table(disk: &mut RamDisk, partitions: &[Partition]) {
    let mut entries = vec![0; ENTRIES * ENTRY_BYTES];
    for (entry, partition) in entries.chunks_exact_mut(ENTRY_BYTES).zip(partitions) {
        entry[..16].copy_from_slice(&partition.type_guid.0);
        entry[16..32].copy_from_slice(&partition.unique_guid.0);
        entry[32..40].copy_from_slice(&partition.blocks.start.to_le_bytes());
        entry[40..48].copy_from_slice(&(partition.blocks.end - 1).to_le_bytes());
    }
    let last = GEOMETRY.blocks - 1;
    let first_header = header(1, last, 2, &entries);
    let second_header = header(last, 1, last - 32, &entries);
    let bytes = disk.bytes_mut();
    bytes[446 + 4] = 0xee;
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes[512..512 + 92].copy_from_slice(&first_header);
    bytes[1024..1024 + entries.len()].copy_from_slice(&entries);
    let end = bytes.len();
    bytes[end - 512..end - 512 + 92].copy_from_slice(&second_header);
    bytes[end - 33 * 512..end - 512].copy_from_slice(&entries);
}

fn header(at: u64, other: u64, entries_block: u64, entries: &[u8]) -> [u8; 92] {
    let mut header = [0; 92];
    header[..8].copy_from_slice(b"EFI PART");
    header[8..12].copy_from_slice(&0x0001_0000_u32.to_le_bytes());
    header[12..16].copy_from_slice(&92_u32.to_le_bytes());
    for (place, value) in [(24, at), (32, other), (40, 34), (48, GEOMETRY.blocks - 34), (72, entries_block)] {
        header[place..place + 8].copy_from_slice(&value.to_le_bytes());
    }
    header[80..84].copy_from_slice(&128_u32.to_le_bytes());
    header[84..88].copy_from_slice(&128_u32.to_le_bytes());
    header[88..92].copy_from_slice(&CRC.checksum(entries).to_le_bytes());
    let sum = CRC.checksum(&header);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
    header
}
