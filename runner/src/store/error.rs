//! Why results cannot be kept or found.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why results cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer version wrote the database.
    #[error(
        "open the database {path}: a newer version wrote it (its format is {found}, this version knows {known}) and \
         it was left as it is; update multios-perf, or choose another file with --db"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The schema version of this program.
        known: u32,
    },
    /// Another program kept it locked.
    #[error("{doing} the database {path}: another program keeps it locked; try again when that has ended")]
    Busy {
        /// What was tried.
        doing: &'static str,
        /// The database.
        path: PathBuf,
    },
    /// It is damaged or somebody else's.
    #[error("{doing} the database {path}: {reason}; move the file away, or choose another with --db")]
    Unusable {
        /// What was tried.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk is full.
    #[error("{doing} the database {path}: the disk is full or the file may not grow; make room there")]
    Full {
        /// What was tried.
        doing: &'static str,
        /// The database.
        path: PathBuf,
    },
    /// Another trouble with the database.
    #[error("{doing} the database {path}: {error}")]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// A file or folder beside the database.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// No folder for data is known.
    #[error("find a place for results: neither XDG_DATA_HOME nor HOME is set; choose a file with --db")]
    NoHome,
    /// No stored run has that name.
    #[error("find the run \"{name}\" in {path}: {reason}; `multios-perf runs` shows those stored")]
    NoSuchRun {
        /// What the user wrote.
        name: String,
        /// The database.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
}

impl StoreError {
    /// Puts what SQLite says into words.
    pub(super) fn of(doing: &'static str, path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let unusable = |reason: &str, path| Self::Unusable { doing, path, reason: reason.to_owned() };
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy { doing, path },
                ErrorCode::DiskFull => Self::Full { doing, path },
                // SQLite tells only ENOSPC apart; a quota or a limit on file size is a failed write to it.
                ErrorCode::SystemIoFailure if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE => {
                    Self::Full { doing, path }
                }
                ErrorCode::NotADatabase => unusable("it is no SQLite database", path),
                ErrorCode::DatabaseCorrupt => unusable("it is damaged", path),
                ErrorCode::CannotOpen => unusable("it cannot be opened", path),
                ErrorCode::ReadOnly | ErrorCode::PermissionDenied => unusable("it may not be written", path),
                _ => Self::Sqlite { doing, path, error },
            },
            _ => Self::Sqlite { doing, path, error },
        }
    }

    /// Puts what the operating system says about `what` into words.
    #[must_use]
    pub fn io(what: impl Into<String>, error: io::Error) -> Self {
        Self::Io { what: what.into(), error }
    }
}
