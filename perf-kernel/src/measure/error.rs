//! Why a bench has no figures.

use alloc::string::String;

use multios_core::memory::OutOfMemory;

/// Why a bench has no figures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BenchError {
    /// The machine lacks something: the bench is `skipped`.
    #[error("{0}")]
    Skipped(String),
    /// The result is wrong, or an operation failed that must not: the bench is `failed`.
    #[error("{0}")]
    Failed(String),
}

impl From<OutOfMemory> for BenchError {
    /// A machine too small for a scale skips it.
    fn from(error: OutOfMemory) -> Self {
        Self::Skipped(alloc::format!("too little memory: {error}"))
    }
}
