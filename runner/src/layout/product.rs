//! What is built.

/// What is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The kernel of the bootable image.
    Kernel,
    /// The process.
    Hosted,
}

impl Product {
    /// The program's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "perf-kernel",
            Self::Hosted => "perf-hosted",
        }
    }
}
