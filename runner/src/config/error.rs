//! Why qemu.toml cannot be used.

use std::path::PathBuf;

/// Why qemu.toml cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there.
    #[error("read {}: not found; start in the project's folder or name another file", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("read {}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// A key or value is wrong.
    #[error("read {}, line {line}: {message}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Counts from 1.
        line: usize,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A profile lacks a key that none of those it inherits from has.
    #[error("read {}: profile \"{profile}\" has no \"{key}\"; set it there or in [profile.default]", .path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The profile.
        profile: String,
        /// The key.
        key: &'static str,
    },
    /// No profile has that name.
    #[error("find profile \"{name}\" in {}: it has {}", .path.display(), .known.join(", "))]
    UnknownProfile {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// The profiles that there are, sorted.
        known: Vec<String>,
    },
}
