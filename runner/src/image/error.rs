//! Why an image cannot be built, read or changed.

use std::path::{Path, PathBuf};

use perf_kernel::plan::PlanError;

/// Why an image cannot be built, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The image is not there.
    #[error("open image {}: not found; build it with `make perf-image`", .path.display())]
    Missing {
        /// The image.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{what} {}: {error}", .path.display())]
    Io {
        /// What was tried, as in `read`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// The file holds something else than an image of this project.
    #[error("read image {}: {reason}; build it anew with `make perf-image`", .path.display())]
    NotAnImage {
        /// The image.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// The plan cannot go into an image.
    #[error("{0}")]
    Plan(#[from] PlanError),
    /// A program that building needs failed.
    #[error("run {program}: {reason}")]
    Program {
        /// The program.
        program: String,
        /// What it said.
        reason: String,
    },
    /// The boot loader's library refused.
    #[error("build image {}: {reason}", .path.display())]
    Loader {
        /// The image.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

impl ImageError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |error| match error.kind() {
            std::io::ErrorKind::NotFound if what == "open image" => Self::Missing { path: path.to_owned() },
            _ => Self::Io { what, path: path.to_owned(), error },
        }
    }

    pub(super) fn not_an_image(path: &Path, reason: impl Into<String>) -> Self {
        Self::NotAnImage { path: path.to_owned(), reason: reason.into() }
    }
}
