//! A boot in QEMU.

pub mod accelerator;
mod arguments;
mod firmware;
mod launch;
mod machine;
mod monitor;
mod probe;
mod process;
mod program;

pub use accelerator::Accelerator;
pub use firmware::{FirmwareFiles, find_firmware};
pub use launch::Launch;
pub use machine::QemuSource;
pub use program::{PROGRAM, find_program, version};
