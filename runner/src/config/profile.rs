//! What a profile says, with nothing left open.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use perf_kernel::plan::Plan;
use perf_kernel::units::Bytes;
use serde::Deserialize;

use super::ConfigError;

/// The profiles of one qemu.toml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(super) path: PathBuf,
    pub(super) profiles: BTreeMap<String, Profile>,
}

impl Config {
    /// The profile called `name`.
    ///
    /// # Errors
    /// [`ConfigError::UnknownProfile`] lists those that there are.
    pub fn profile(&self, name: &str) -> Result<&Profile, ConfigError> {
        self.profiles.get(name).ok_or_else(|| ConfigError::UnknownProfile {
            path: self.path.clone(),
            name: name.to_owned(),
            known: self.profiles.keys().cloned().collect(),
        })
    }

    /// Every profile, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }
}

/// A machine in QEMU, and what it is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in qemu.toml.
    pub name: String,
    /// Which image boots, and how.
    pub firmware: Firmware,
    /// QEMU's machine type.
    pub machine: String,
    /// QEMU's CPU model.
    pub cpu: String,
    /// The machine's memory.
    pub memory: Bytes,
    /// Its processors.
    pub smp: u32,
    /// What executes its instructions.
    pub accelerator: AcceleratorChoice,
    /// Whether it has a UART.
    pub has_serial: bool,
    /// A boot without a frame for longer is hung.
    pub silence_max: Duration,
    /// A boot that takes longer is hung.
    pub boot_max: Duration,
    /// What the boot is asked to do.
    pub plan: Plan,
}

/// What starts the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// SeaBIOS and the image with an MBR.
    Bios,
    /// OVMF and the image with a GPT.
    Uefi,
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bios => "bios",
            Self::Uefi => "uefi",
        })
    }
}

/// What is to execute a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceleratorChoice {
    /// KVM where a probe shows that it works, else TCG.
    Auto,
    /// QEMU's emulation.
    Tcg,
    /// The CPU's own virtualisation; an error where the probe fails.
    Kvm,
    /// Emulation with one instruction a tick.
    Icount,
}
