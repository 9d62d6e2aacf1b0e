//! What a boot ran on, and how its ticks become time.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Hertz, PartsPerMillion};

/// The fingerprint of a machine: only boots with equal fingerprints are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor.
    pub cpu: Cpu,
    /// CPUs that the firmware lists and that may be started.
    pub cpus_present: u32,
    /// CPUs that run.
    pub cpus_started: u32,
    /// Memory that the firmware gives to the system.
    pub memory: Bytes,
    /// Memory that benches may allocate from.
    pub heap: Bytes,
    /// How the image was started.
    pub firmware: Firmware,
    /// Vendor string of the hypervisor (CPUID leaf 0x4000_0000); `None` on bare metal.
    pub hypervisor: Option<String>,
    /// Where records go.
    pub console: Console,
}

/// The processor as CPUID describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Vendor string of leaf 0.
    pub vendor: String,
    /// Brand string of leaves 0x8000_0002 to 4; empty if there is none.
    pub brand: String,
    /// Display family.
    pub family: u32,
    /// Display model.
    pub model: u32,
    /// Stepping.
    pub stepping: u32,
    /// Microcode revision; `None` if it cannot be read.
    pub microcode: Option<u32>,
    /// Feature names that choose code paths, sorted.
    pub features: Vec<String>,
    /// Data and unified caches from the core outward.
    pub caches: Vec<CacheLevel>,
}

/// One data or unified cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheLevel {
    /// 1 is nearest to the core.
    pub level: u32,
    /// Its capacity.
    pub size: Bytes,
    /// Its line.
    pub line: Bytes,
}

/// How the image was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firmware {
    /// `bios`, `uefi` or `linux`.
    pub kind: String,
    /// OEM of the ACPI root table, or the kernel release when hosted; empty if there is none.
    pub vendor: String,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Console {
    /// `uart`, `framebuffer` or `stdout`.
    pub kind: String,
    /// Address and how it was found, as in `port 0x3f8 (SPCR)`.
    pub place: String,
}

/// How ticks become time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// What a tick is.
    pub mode: Mode,
    /// The frequency in use. In exact mode nominal: a tick is an instruction.
    pub frequency: Hertz,
    /// Whether CPUID promises a constant rate (leaf 0x8000_0007, EDX bit 8).
    pub is_invariant: bool,
    /// Every clock that was asked.
    pub sources: Vec<ClockSource>,
    /// Largest distance between two independent sources; `None` with fewer than two.
    pub disagreement: Option<PartsPerMillion>,
    /// Whether benches may be judged by this clock: the sources agree within the limit, or time is synthetic (`tcg`,
    /// `icount`) and nothing is judged by it.
    pub is_valid: bool,
    /// What a reader must know, as under emulation; empty on hardware where all is well.
    pub note: String,
    /// Median ticks of an empty timed region.
    pub overhead_ticks: u64,
}

/// One clock that the counter was measured against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSource {
    /// `cpuid-15`, `hypervisor-leaf`, `hpet`, `acpi-pm`, `pit`, `clock-monotonic-raw`, ...
    pub name: String,
    /// The counter's frequency by this clock.
    pub frequency: Hertz,
    /// Bound on the error of the reading itself.
    pub uncertainty: PartsPerMillion,
}

/// What figures mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A real machine.
    Hardware,
    /// A virtual machine on the CPU's own virtualisation.
    Kvm,
    /// Emulation: times say nothing about speed.
    Tcg,
    /// Emulation that counts: a tick is an instruction, two boots agree to the tick.
    Icount,
    /// A Linux process.
    Hosted,
}

impl Mode {
    /// Whether limits of the catalogue, which are times, may be judged in this mode.
    #[must_use]
    pub const fn has_meaningful_time(self) -> bool {
        matches!(self, Self::Hardware | Self::Kvm | Self::Hosted)
    }

    /// The mode's name on the wire and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hardware => "hardware",
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
            Self::Icount => "icount",
            Self::Hosted => "hosted",
        }
    }
}
