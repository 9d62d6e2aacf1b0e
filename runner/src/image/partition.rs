//! The FAT partition inside an image, as a file of its own.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use super::{ImageError, gpt};

/// The size in which both partition tables count. The images are built with it, whatever disk they are copied to.
pub(super) const SECTOR_BYTES: u64 = 512;

/// A part of a file: reads, writes and seeks stay inside.
#[derive(Debug)]
pub(super) struct Window<F> {
    file: F,
    range: Range<u64>,
    position: u64,
}

impl<F: Seek> Window<F> {
    /// The bytes `range` of `file`.
    pub(super) fn new(file: F, range: Range<u64>) -> Self {
        Self { file, range, position: 0 }
    }

    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Moves the file to the window's position and gives how much of `wanted` bytes lies inside.
    fn prepare(&mut self, wanted: usize) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(self.range.start + self.position))?;
        let left = usize::try_from(self.length().saturating_sub(self.position)).unwrap_or(usize::MAX);
        Ok(wanted.min(left))
    }

    fn advance(&mut self, bytes: usize) -> usize {
        self.position += bytes as u64;
        bytes
    }
}

impl<F: Read + Seek> Read for Window<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.prepare(buffer.len())?;
        let bytes = self.file.read(&mut buffer[..length])?;
        Ok(self.advance(bytes))
    }
}

impl<F: Write + Seek> Write for Window<F> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let length = self.prepare(buffer.len())?;
        let bytes = self.file.write(&buffer[..length])?;
        Ok(self.advance(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<F: Seek> Seek for Window<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.length().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let position = position.filter(|position| *position <= self.length());
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

/// Where the FAT partition of the image `file` lies. `path` is for messages. The image may be longer than its
/// partition table says, as on a stick.
///
/// # Errors
/// The file has no partition table of this project's images.
pub(super) fn find(file: &mut File, path: &Path) -> Result<Range<u64>, ImageError> {
    let length = file.seek(SeekFrom::End(0)).map_err(ImageError::io("seek in", path))?;
    let mut sector = [0; 512];
    file.rewind().map_err(ImageError::io("seek in", path))?;
    file.read_exact(&mut sector).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            ImageError::not_an_image(path, "it is shorter than a partition table")
        }
        _ => ImageError::io("read", path)(error),
    })?;
    let partition = match table(&sector) {
        Some(Table::Mbr(range)) => Some(range),
        Some(Table::Gpt) => gpt::system_partition(file).map_err(ImageError::io("read", path))?,
        None => None,
    };
    let range = partition.ok_or_else(|| ImageError::not_an_image(path, "it has no partition with a plan"))?;
    let range = range.start.saturating_mul(SECTOR_BYTES)..range.end.saturating_mul(SECTOR_BYTES);
    if range.end > length {
        return Err(ImageError::not_an_image(path, "it is shorter than its partition table says"));
    }
    Ok(range)
}

/// What the first sector of an image leads to.
enum Table {
    /// The sectors of the FAT partition.
    Mbr(Range<u64>),
    /// Look at the GPT.
    Gpt,
}

/// Reads a master boot record (UEFI specification 2.10, section 5.2.1).
fn table(sector: &[u8; 512]) -> Option<Table> {
    /// The partition type of a protective MBR.
    const PROTECTIVE: u8 = 0xee;
    /// FAT with logical block addresses: what the loader's image builder writes, and what partition tools turn it into.
    const FAT: [u8; 4] = [0x0b, 0x0c, 0x06, 0x0e];
    if sector[510..] != [0x55, 0xaa] {
        return None;
    }
    for entry in sector[446..510].chunks_exact(16) {
        let start = u64::from(little_endian_u32(entry, 8)?);
        let length = u64::from(little_endian_u32(entry, 12)?);
        match entry[4] {
            PROTECTIVE => return Some(Table::Gpt),
            kind if FAT.contains(&kind) && length > 0 => return Some(Table::Mbr(start..start + length)),
            _ => {}
        }
    }
    None
}

/// The number at `offset` of `bytes`.
pub(super) fn little_endian_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?))
}

/// The number at `offset` of `bytes`.
pub(super) fn little_endian_u64(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(offset..offset + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_window_keeps_to_its_part_of_the_file() {
        let mut window = Window::new(Cursor::new(b"0123456789".to_vec()), 2..6);
        let mut text = String::new();
        window.read_to_string(&mut text).expect("it is text");
        assert_eq!(text, "2345");
        assert_eq!(window.seek(SeekFrom::End(-1)).expect("inside"), 3);
        assert_eq!(window.write(b"XYZ").expect("one byte fits"), 1);
        assert!(window.seek(SeekFrom::Current(1)).is_err());
        assert!(window.seek(SeekFrom::Start(5)).is_err());
        assert_eq!(window.file.into_inner(), b"01234X6789");
    }

    #[test]
    fn a_sector_of_noise_is_no_partition_table() {
        assert!(table(&[0; 512]).is_none());
        assert!(table(&[0xff; 512]).is_none());
    }
}
