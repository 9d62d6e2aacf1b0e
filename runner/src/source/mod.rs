//! Where the bytes of a boot come from.

mod file;
mod process;
pub mod qemu;

use std::time::Duration;

pub use file::FileSource;
pub use process::ProcessSource;

/// The bytes of one boot, and the way back.
pub trait Source {
    /// Waits for bytes, at most for `patience`.
    ///
    /// # Errors
    /// The source broke in a way that is not the end of the boot.
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> Result<Read, SourceError>;

    /// Sends bytes to the kernel. A source without a way back takes and drops them.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn write(&mut self, bytes: &[u8]) -> Result<(), SourceError>;

    /// Whether the kernel can hear: a file cannot.
    fn can_hear(&self) -> bool;

    /// Whether bytes arrive when they are sent: those of a file were sent before.
    fn is_live(&self) -> bool {
        true
    }

    /// Resets the machine, which keeps its memory; whether it can be reset at all.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn reset(&mut self) -> Result<bool, SourceError> {
        Ok(false)
    }

    /// Ends the boot: the machine or process is gone when this returns.
    fn stop(&mut self);
}

/// What a read gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// That many bytes.
    Bytes(usize),
    /// Nothing within the patience given.
    Quiet,
    /// There will be no more; why, in a few words for people (`QEMU exited with status 1: ...`).
    Ended(String),
}

/// Why a source cannot be started or read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A program or file is not there.
    #[error("{what}: not found; {remedy}")]
    Missing {
        /// What is missing, with its path.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The operating system refused.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        error: std::io::Error,
    },
    /// QEMU did not start, or ended before the first frame.
    #[error("start QEMU: {0}")]
    Qemu(String),
}
