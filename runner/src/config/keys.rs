//! The keys of qemu.toml as they stand in the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{AcceleratorChoice, Firmware};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Keys of plan.toml that hold for every profile.
    pub(super) plan: Option<Spanned<toml::Table>>,
    /// The profiles by name.
    #[serde(default)]
    pub(super) profile: BTreeMap<String, Spanned<Keys>>,
}

/// One profile: what it leaves out, it inherits.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) inherits: Option<Spanned<String>>,
    pub(super) firmware: Option<Firmware>,
    pub(super) machine: Option<String>,
    pub(super) cpu: Option<String>,
    pub(super) memory_mib: Option<Spanned<u64>>,
    pub(super) smp: Option<Spanned<u32>>,
    pub(super) accelerator: Option<AcceleratorChoice>,
    pub(super) serial: Option<bool>,
    pub(super) silence_s_max: Option<Spanned<u64>>,
    pub(super) boot_s_max: Option<Spanned<u64>>,
    pub(super) plan: Option<Spanned<PlanKeys>>,
}

/// A preset's name, or keys of plan.toml.
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected the name of a preset or a table of plan.toml's keys")]
pub(super) enum PlanKeys {
    Preset(String),
    Keys(toml::Table),
}

impl Keys {
    /// These keys, and those of `base` where they are silent.
    pub(super) fn or(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            inherits: self.inherits,
            firmware: self.firmware.or(base.firmware),
            machine: self.machine.or(base.machine),
            cpu: self.cpu.or(base.cpu),
            memory_mib: self.memory_mib.or(base.memory_mib),
            smp: self.smp.or(base.smp),
            accelerator: self.accelerator.or(base.accelerator),
            serial: self.serial.or(base.serial),
            silence_s_max: self.silence_s_max.or(base.silence_s_max),
            boot_s_max: self.boot_s_max.or(base.boot_s_max),
            plan: self.plan.or(base.plan),
        }
    }
}

impl PlanKeys {
    /// Lays these keys over `table`. A preset replaces every key that `table` has, as it fixes them all.
    pub(super) fn lay_over(&self, table: &mut toml::Table) {
        match self {
            Self::Preset(name) => {
                table.clear();
                table.insert("preset".to_owned(), toml::Value::String(name.clone()));
            }
            Self::Keys(keys) => table.extend(keys.clone()),
        }
    }
}
