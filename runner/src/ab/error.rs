//! Why two builds cannot be put into one image.

use std::io;
use std::path::{Path, PathBuf};

use crate::layout::LayoutError;

/// Why two builds cannot be put into one image.
#[derive(Debug, thiserror::Error)]
pub enum AbError {
    /// The candidate is not under version control, so that there is no base.
    #[error("find a base: {} is not in a git repository ({reason})", .root.display())]
    NotARepository {
        /// The candidate's folder.
        root: PathBuf,
        /// What git said.
        reason: String,
    },
    /// The base names no commit.
    #[error("find the base \"{revision}\": git knows no such commit; fetch it, or name another with BASE=")]
    UnknownRevision {
        /// As the user wrote it.
        revision: String,
    },
    /// The base has not what an image needs of it.
    #[error("take multios-core out of {commit}: {reason}")]
    Unusable {
        /// The base's commit.
        commit: String,
        /// What it lacks.
        reason: String,
    },
    /// A program is missing.
    #[error("run {program}: not found; {remedy}")]
    Missing {
        /// The program.
        program: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A program failed.
    #[error("run {program}: {reason}")]
    Program {
        /// The program with its first argument.
        program: String,
        /// What it said.
        reason: String,
    },
    /// The program cannot be linked at several layouts.
    #[error(transparent)]
    Layout(#[from] LayoutError),
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
    /// A manifest is not what a package of this project has.
    #[error("read {}: {reason}", .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The candidate's suites do not build against the base.
    #[error(
        "build the suites against the base: the interface of multios-core changed between the two, so that they cannot \
         be measured by one program; choose a base after the change; the compiler says: {errors}"
    )]
    InterfaceChanged {
        /// The first error and its place.
        errors: String,
    },
    /// The base itself does not build.
    #[error(
        "build the base's multios-core: it does not build with this compiler and these libraries: {errors}"
    )]
    BaseBroken {
        /// The first error and its place.
        errors: String,
    },
    /// The candidate does not build.
    #[error("build the candidate: it does not build; an ordinary build says the same: {errors}")]
    CandidateBroken {
        /// The first error and its place.
        errors: String,
    },
    /// The build stopped for a reason that is not in the code.
    #[error("build the image of both: {reason}")]
    BuildStopped {
        /// What cargo said last.
        reason: String,
    },
}

impl AbError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, path: path.to_owned(), error }
    }
}
