//! What QEMU is asked to boot.

use std::ffi::OsString;
use std::path::PathBuf;

use perf_kernel::plan::Plan;

use super::Accelerator;
use crate::config::Profile;

/// What QEMU is asked to boot.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The machine.
    pub profile: Profile,
    /// What executes its instructions: the outcome of [`super::accelerator::choose`].
    pub accelerator: Accelerator,
    /// The image for the profile's firmware. The machine gets a copy, this file stays as it is.
    pub image: PathBuf,
    /// What the copy's plan is replaced by; `None` leaves the one that the image has. Its `exit_port` gives the machine
    /// a device that ends QEMU.
    pub plan: Option<Plan>,
    /// More words of QEMU's command line, for devices that a profile does not have: `-device`, `nvme,drive=a`, ...
    pub devices: Vec<OsString>,
}
