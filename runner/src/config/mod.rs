//! qemu.toml: the machines that boots run on.
//!
//! ```no_run
//! # use std::path::Path;
//! let config = runner::config::load(Path::new("qemu.toml"))?;
//! let profile = config.profile("icount")?;
//! # Ok::<(), runner::config::ConfigError>(())
//! ```

mod error;
mod keys;
mod load;
mod profile;

pub use error::ConfigError;
pub use load::{load, parse};
pub use profile::{AcceleratorChoice, Config, Firmware, Profile};
