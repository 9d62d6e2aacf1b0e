//! Bootable images: where they lie, how they are built, and the run plan inside them.

#[cfg(feature = "image")]
mod build;
mod error;
mod gpt;
mod kernel;
mod partition;
mod paths;
mod plan;

#[cfg(feature = "image")]
pub use build::{Inputs, build};
pub use error::ImageError;
pub use kernel::{is_elf_of, kernel_hash};
pub use paths::ImagePaths;
pub use plan::{DEFAULT_PLAN, PLAN_FILE_NAME, read_plan, write_plan};
