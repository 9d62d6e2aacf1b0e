//! Why a program cannot be linked at several layouts.

use std::io;
use std::path::{Path, PathBuf};

/// Why a program cannot be linked at several layouts.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A program is missing.
    #[error("run {program}: not found; {remedy}")]
    Missing {
        /// The program.
        program: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The settings of cargo do not say how the program is built.
    #[error("find how to build in {}: {reason}", .path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: &'static str,
    },
    /// The operating system refused.
    #[error("{what} {}: {error}", .path.display())]
    Io {
        /// What was tried, as in `read`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The build failed.
    #[error("link the program at several layouts: cargo ended with {status}")]
    NotBuilt {
        /// How cargo ended.
        status: String,
    },
    /// A program's symbols cannot be read.
    #[error("read the symbols of {}: {reason}", .path.display())]
    NotRead {
        /// The program.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The linker did not do what it was asked.
    #[error(
        "tell layouts {a} and {b} apart: {same} of {all} functions lie at the same place; the linker must understand \
         --shuffle-sections, as LLD does"
    )]
    Alike {
        /// A layout, from 1.
        a: usize,
        /// Another.
        b: usize,
        /// Functions that lie where they lay.
        same: usize,
        /// Functions that both have.
        all: usize,
    },
}

impl LayoutError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, path: path.to_owned(), error }
    }

    /// Why `program` did not start.
    pub(super) fn started(program: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { program, remedy: "run `make setup`" },
            _ => Self::Io { what: "run", path: program.into(), error },
        }
    }
}
