//! GUID partition tables, as far as images need them (UEFI specification 2.10, section 5.3).

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::partition::{SECTOR_BYTES, little_endian_u32, little_endian_u64};

/// `EFI PART`, at the start of a header.
const SIGNATURE: &[u8; 8] = b"EFI PART";

/// The type of an EFI system partition, C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as it lies on disk.
const SYSTEM_PARTITION: [u8; 16] =
    [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];

/// The most bytes of partition entries that are read: four times what the specification reserves.
const ENTRIES_BYTES_MAX: u64 = 64 * 1024;

/// The fields of a header that matter here.
#[derive(Clone, Copy, Debug)]
struct Header {
    entries_start: u64,
    entries: u64,
    entry_bytes: u64,
}

impl Header {
    /// Reads the header in `sector`.
    fn parse(sector: &[u8]) -> Option<Self> {
        if !sector.starts_with(SIGNATURE) {
            return None;
        }
        let header = Self {
            entries_start: little_endian_u64(sector, 72)?,
            entries: u64::from(little_endian_u32(sector, 80)?),
            entry_bytes: u64::from(little_endian_u32(sector, 84)?),
        };
        let is_usable = header.entry_bytes >= 128 && header.entries_bytes() <= ENTRIES_BYTES_MAX;
        is_usable.then_some(header)
    }

    fn entries_bytes(&self) -> u64 {
        self.entries.saturating_mul(self.entry_bytes)
    }

    fn read_entries<F: Read + Seek>(&self, file: &mut F) -> io::Result<Vec<u8>> {
        read_at(file, self.entries_start.saturating_mul(SECTOR_BYTES), self.entries_bytes())
    }
}

/// The sectors of the EFI system partition of the disk `file`; `None` if it has none.
pub(super) fn system_partition<F: Read + Seek>(file: &mut F) -> io::Result<Option<Range<u64>>> {
    let Some(header) = Header::parse(&read_at(file, SECTOR_BYTES, SECTOR_BYTES)?) else { return Ok(None) };
    let entry_bytes = usize::try_from(header.entry_bytes).unwrap_or(usize::MAX);
    let entries = header.read_entries(file)?;
    Ok(entries.chunks_exact(entry_bytes).find(|entry| entry[..16] == SYSTEM_PARTITION).and_then(|entry| {
        let first = little_endian_u64(entry, 32)?;
        let last = little_endian_u64(entry, 40)?;
        let end = last.checked_add(1)?;
        (first < end).then_some(first..end)
    }))
}

fn read_at<F: Read + Seek>(file: &mut F, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(any(feature = "image", test))]
pub(super) use fixed::fix_identity;

/// Replaces random identities, so that equal inputs give equal images.
#[cfg(any(feature = "image", test))]
mod fixed {
    use super::{Header, SECTOR_BYTES, little_endian_u64, read_at};
    use std::io::{self, Read, Seek, SeekFrom, Write};

    /// CRC-32 of the specification (section 4.2.1 names it: seed -1, polynomial 0x04C11DB7, reflected).
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

    /// Where header fields lie.
    const CRC_OF_HEADER: usize = 16;
    const BACKUP_SECTOR: usize = 32;
    const DISK_GUID: usize = 56;
    const CRC_OF_ENTRIES: usize = 88;
    /// The header size that version 1.0 has.
    const HEADER_BYTES: usize = 92;
    /// Where an entry has its unique identity.
    const ENTRY_GUID: usize = 16;

    /// Makes the identities of the disk and of its first partition out of `seed`, in both copies of the table.
    /// `Ok(false)` if the disk has no usable table.
    pub(in crate::image) fn fix_identity<F: Read + Write + Seek>(
        file: &mut F,
        seed: &[u8],
    ) -> io::Result<bool> {
        let Some(backup) = fix_copy(file, 1, seed)? else { return Ok(false) };
        Ok(fix_copy(file, backup, seed)?.is_some())
    }

    /// Changes the copy whose header is in `sector`; gives the sector of the other copy.
    fn fix_copy<F: Read + Write + Seek>(file: &mut F, sector: u64, seed: &[u8]) -> io::Result<Option<u64>> {
        let mut bytes = read_at(file, sector.saturating_mul(SECTOR_BYTES), SECTOR_BYTES)?;
        let (Some(header), Some(other)) = (Header::parse(&bytes), little_endian_u64(&bytes, BACKUP_SECTOR))
        else {
            return Ok(None);
        };
        let mut entries = header.read_entries(file)?;
        let Some(entry_guid) = entries.get_mut(ENTRY_GUID..ENTRY_GUID + 16) else { return Ok(None) };
        entry_guid.copy_from_slice(&identity(b"partition", seed));
        bytes[DISK_GUID..DISK_GUID + 16].copy_from_slice(&identity(b"disk", seed));
        let crc = CRC32.checksum(&entries).to_le_bytes();
        bytes[CRC_OF_ENTRIES..CRC_OF_ENTRIES + 4].copy_from_slice(&crc);
        bytes[CRC_OF_HEADER..CRC_OF_HEADER + 4].fill(0);
        let crc = CRC32.checksum(&bytes[..HEADER_BYTES]).to_le_bytes();
        bytes[CRC_OF_HEADER..CRC_OF_HEADER + 4].copy_from_slice(&crc);
        file.seek(SeekFrom::Start(sector.saturating_mul(SECTOR_BYTES)))?;
        file.write_all(&bytes)?;
        file.seek(SeekFrom::Start(header.entries_start.saturating_mul(SECTOR_BYTES)))?;
        file.write_all(&entries)?;
        Ok(Some(other))
    }

    /// A GUID of the kind that is made from a hash (RFC 9562, section 5.8: version 8).
    fn identity(what: &[u8], seed: &[u8]) -> [u8; 16] {
        let mut guid = xxhash_rust::xxh3::xxh3_128(&[what, seed].concat()).to_le_bytes();
        guid[7] = guid[7] & 0x0f | 0x80;
        guid[8] = guid[8] & 0x3f | 0x80;
        guid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const SECTORS: u64 = 100;
    const SECTOR: usize = 512;

    /// A disk with both copies of a table whose one partition has the sectors 40 to 59.
    fn disk() -> Vec<u8> {
        let mut disk = vec![0; usize::try_from(SECTORS).expect("small") * SECTOR];
        for (header, entries, other) in [(1, 2, SECTORS - 1), (SECTORS - 1, SECTORS - 33, 1)] {
            let at = |sector: u64| usize::try_from(sector).expect("small") * SECTOR;
            let sector = &mut disk[at(header)..at(header) + SECTOR];
            sector[..8].copy_from_slice(SIGNATURE);
            sector[32..40].copy_from_slice(&other.to_le_bytes());
            sector[72..80].copy_from_slice(&u64::to_le_bytes(entries));
            sector[80..88].copy_from_slice(&[128, 0, 0, 0, 128, 0, 0, 0]);
            let entry = &mut disk[at(entries)..at(entries) + 128];
            entry[..16].copy_from_slice(&SYSTEM_PARTITION);
            entry[32] = 40;
            entry[40] = 59;
        }
        disk
    }

    #[test]
    fn a_system_partition_is_found() {
        assert_eq!(system_partition(&mut Cursor::new(disk())).expect("memory can be read"), Some(40..60));
    }

    #[test]
    fn tables_with_sizes_of_nonsense_are_none() {
        for (offset, value) in [(512 + 84, 0), (512 + 84, 64), (512 + 83, 255), (512 + 87, 255), (512, 0)] {
            let mut disk = disk();
            disk[offset] = value;
            assert_eq!(system_partition(&mut Cursor::new(disk)).expect("memory can be read"), None);
        }
        assert_eq!(system_partition(&mut Cursor::new(vec![0; 600])).expect("memory can be read"), None);
    }

    #[test]
    fn identities_depend_on_the_seed_alone() {
        let fixed = |noise: u8, seed: &[u8]| {
            let mut disk = disk();
            // What a random identity would have changed: disk, partition, and both check values.
            for offset in [512 + 56, 1024 + 16, 512 + 16, 512 + 88] {
                disk[offset] = noise;
            }
            let mut disk = Cursor::new(disk);
            assert!(fix_identity(&mut disk, seed).expect("memory can be written"));
            disk.into_inner()
        };
        assert_eq!(fixed(1, b"a"), fixed(2, b"a"));
        assert_ne!(fixed(1, b"a"), fixed(1, b"b"));
    }

    #[test]
    fn both_copies_get_right_check_values() {
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let mut disk = Cursor::new(disk());
        assert!(fix_identity(&mut disk, b"seed").expect("memory can be written"));
        let disk = disk.into_inner();
        for (header, entries) in [(512, 1024), (99 * 512, 67 * 512)] {
            let kept = little_endian_u32(&disk[header..], 88);
            assert_eq!(kept, Some(crc.checksum(&disk[entries..entries + 128 * 128])));
            let mut bytes = disk[header..header + 92].to_vec();
            let kept = little_endian_u32(&bytes, 16);
            bytes[16..20].fill(0);
            assert_eq!(kept, Some(crc.checksum(&bytes)));
        }
    }
}
