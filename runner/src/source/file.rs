//! A transcript that was kept.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Read, Source, SourceError};

/// Replays a transcript from its file.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    file: File,
}

impl FileSource {
    /// Opens the transcript at `path`.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        match File::open(path) {
            Ok(file) => Ok(Self { path: path.to_owned(), file }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(SourceError::Missing {
                what: format!("transcript {}", path.display()),
                remedy: "name a file that a run has kept".to_owned(),
            }),
            Err(error) => Err(SourceError::Io { what: format!("open {}", path.display()), error }),
        }
    }
}

impl Source for FileSource {
    fn read(&mut self, buffer: &mut [u8], _patience: Duration) -> Result<Read, SourceError> {
        loop {
            match self.file.read(buffer) {
                Ok(0) => return Ok(Read::Ended("the file ends here".to_owned())),
                Ok(length) => return Ok(Read::Bytes(length)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(SourceError::Io { what: format!("read {}", self.path.display()), error });
                }
            }
        }
    }

    fn write(&mut self, _bytes: &[u8]) -> Result<(), SourceError> {
        Ok(())
    }

    fn can_hear(&self) -> bool {
        false
    }

    fn is_live(&self) -> bool {
        false
    }

    fn stop(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boot.transcript");
        std::fs::write(&path, b"12345").unwrap();
        let mut source = FileSource::open(&path).unwrap();
        let mut buffer = [0; 4];
        let mut read = Vec::new();
        while let Read::Bytes(length) = source.read(&mut buffer, Duration::ZERO).unwrap() {
            read.extend_from_slice(&buffer[..length]);
        }
        assert_eq!(read, b"12345");
    }

    #[test]
    fn a_missing_file_and_a_folder_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = FileSource::open(&folder.path().join("none")).unwrap_err();
        assert!(matches!(&missing, SourceError::Missing { what, .. } if what.ends_with("none")), "{missing}");
        let mut folder_source = FileSource::open(folder.path()).unwrap();
        let error = folder_source.read(&mut [0], Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    }
}
