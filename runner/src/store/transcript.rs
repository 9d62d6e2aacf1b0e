//! The raw bytes of a boot on disk, kept before anything is parsed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::StoreError;

/// Bytes held in memory after the disk refused them; what comes after that is in the database only.
const HELD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A transcript that is being written. A disk that refuses does not end the boot: what follows is held in memory and
/// offered to the disk once more at the end.
pub struct TranscriptFile {
    path: PathBuf,
    file: File,
    hash: Xxh3,
    held: Vec<u8>,
    is_cut: bool,
}

impl TranscriptFile {
    /// Starts an empty transcript at `path`.
    ///
    /// # Errors
    /// The file or its folder cannot be made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            let what = || format!("make the folder {} for transcripts", folder.display());
            fs::create_dir_all(folder).map_err(|error| StoreError::io(what(), error))?;
        }
        let what = || format!("make the transcript {}", path.display());
        let file = File::create(path).map_err(|error| StoreError::io(what(), error))?;
        Ok(Self { path: path.to_owned(), file, hash: Xxh3::new(), held: Vec::new(), is_cut: false })
    }

    /// XXH3-128 of all bytes so far, 32 hex digits.
    #[must_use]
    pub fn hash(&self) -> String {
        format!("{:032x}", self.hash.digest128())
    }

    /// The hash of a whole transcript.
    #[must_use]
    pub fn hash_of(bytes: &[u8]) -> String {
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
    }

    /// Ends the transcript.
    ///
    /// # Errors
    /// The disk did not take all of it.
    pub fn finish(mut self) -> Result<PathBuf, StoreError> {
        let cut = || io::Error::other("more came than could be held until there was room");
        let written = self.file.write_all(&self.held).and(if self.is_cut { Err(cut()) } else { Ok(()) });
        let what = || format!("write the transcript {}", self.path.display());
        written.map_err(|error| StoreError::io(what(), error))?;
        Ok(self.path)
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = HELD_BYTES_MAX.saturating_sub(self.held.len());
        self.is_cut |= bytes.len() > room;
        self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Write for TranscriptFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        let written = if self.held.is_empty() { write_some(&mut self.file, bytes) } else { 0 };
        self.hold(&bytes[written..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until the end of `bytes` or the first error, and says how many went out.
fn write_some(file: &mut File, bytes: &[u8]) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(count) => written += count,
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_to_the_file_as_they_come() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/3f2a91bc-1.transcript");
        let mut transcript = TranscriptFile::create(&path).expect("room");
        transcript.write_all(b"one").expect("never refused");
        assert_eq!(fs::read(&path).expect("it is there"), b"one");
        transcript.write_all(b" two").expect("never refused");
        assert_eq!(transcript.hash(), TranscriptFile::hash_of(b"one two"));
        assert_eq!(transcript.finish().expect("room"), path);
    }

    #[test]
    fn a_full_disk_does_not_stop_the_boot_and_is_told_at_the_end() {
        let mut transcript = TranscriptFile::create(Path::new("/dev/full")).expect("it can be opened");
        transcript.write_all(b"one").expect("never refused");
        assert_eq!(transcript.held, b"one");
        let error = transcript.finish().expect_err("still full");
        assert!(matches!(&error, StoreError::Io { error, .. } if error.kind() == io::ErrorKind::StorageFull));
    }
}
