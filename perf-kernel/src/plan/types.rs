//! The fields of a plan and the three presets.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::units::Nanoseconds;

/// After how many seconds a bench is ended by the watchdog, unless the plan says otherwise.
pub const BENCH_S_MAX_DEFAULT: u32 = 45;

/// What one boot is asked to do. Times are upper bounds on guest time for one bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The preset that the other fields started from.
    pub preset: Preset,
    /// Beginnings of bench ids; empty for all.
    pub filter: Vec<String>,
    /// Which sizes run.
    pub scales: ScaleChoice,
    /// Where every random input starts from.
    pub seed: u64,
    /// Comes back in `hello`: ties a transcript to the run that asked for it.
    pub nonce: String,
    /// Longest warm-up of a bench in milliseconds.
    pub warm_up_ms_max: u64,
    /// Longest sampling of a bench in milliseconds.
    pub sampling_ms_max: u64,
    /// Most samples of a bench.
    pub samples_max: u32,
    /// Longest warm-up of a bench in exact mode, in instructions.
    pub exact_warm_up_instructions_max: u64,
    /// Longest sampling of a bench in exact mode, in instructions.
    pub exact_sampling_instructions_max: u64,
    /// Most samples of a bench in exact mode, where samples differ only if the work does.
    pub exact_samples_max: u32,
    /// How often each bench is measured on both sides and back, in an image that holds two builds; `None` leaves it to
    /// the image. An image of one build measures each bench once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u16>,
    /// A bench that takes longer in all is stopped, in milliseconds.
    pub bench_ms_max: u64,
    /// A bench that has not ended by then is ended by the kernel's watchdog, in seconds; `None` leaves it to the kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bench_s_max: Option<u32>,
    /// Whether `bench` records carry every sample.
    pub raw_samples: bool,
    /// Whether benches that have cold figures take them.
    #[serde(skip_serializing_if = "ColdChoice::is_auto")]
    pub cold: ColdChoice,
    /// Serial numbers of disks that may be overwritten as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scratch_disks: Vec<String>,
    /// Where records go.
    pub uart: UartChoice,
    /// Bits a second on the UART.
    pub baud: Baud,
    /// The port that ends QEMU when written to (`isa-debug-exit`); `None` leaves the machine on.
    pub exit_port: Option<u16>,
    /// How long the kernel waits, at the end, for the host to ask for frames again, in milliseconds.
    pub linger_ms: u64,
    /// How often the machine may be reset in the course of a boot, to go on behind a bench that it cannot be brought
    /// back from.
    #[serde(skip_serializing_if = "is_default_of_resets")]
    pub resets_max: u16,
}

/// Resets that a boot may take unless the plan says otherwise.
const RESETS_DEFAULT: u16 = 3;

/// Kernels that do not know the key take a plan that says nothing else.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_default_of_resets(resets: &u16) -> bool {
    *resets == RESETS_DEFAULT
}

/// A named set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Every bench at its smallest scale, as briefly as figures allow.
    #[default]
    Quick,
    /// Adds middle scales and time.
    Standard,
    /// Every scale, P99.9 included.
    Full,
}

/// Which sizes of a bench run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleChoice {
    /// The smallest.
    Smallest,
    /// From the smallest to the middle.
    Middle,
    /// All.
    All,
}

/// Whether benches that have cold figures take them; in a plan `true`, `false` or `"auto"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ColdKey", from = "ColdKey")]
pub enum ColdChoice {
    /// Where the processor has caches and empties them when it is told to.
    #[default]
    Auto,
    /// Wherever the kernel may tell the processor to.
    Always,
    /// Nowhere.
    Never,
}

impl ColdChoice {
    /// Whether it is the one that plans leave out.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// A [`ColdChoice`] as plans have it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "cold must be true, false or \"auto\"")]
enum ColdKey {
    Asked(bool),
    Word(ColdWord),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ColdWord {
    Auto,
}

impl From<ColdKey> for ColdChoice {
    fn from(key: ColdKey) -> Self {
        match key {
            ColdKey::Word(ColdWord::Auto) => Self::Auto,
            ColdKey::Asked(true) => Self::Always,
            ColdKey::Asked(false) => Self::Never,
        }
    }
}

impl From<ColdChoice> for ColdKey {
    fn from(choice: ColdChoice) -> Self {
        match choice {
            ColdChoice::Auto => Self::Word(ColdWord::Auto),
            ColdChoice::Always => Self::Asked(true),
            ColdChoice::Never => Self::Asked(false),
        }
    }
}

/// Where records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UartChoice {
    /// The first that the firmware or the buses show.
    #[default]
    Auto,
    /// None: progress and summary on the framebuffer only.
    None,
    /// The UART at this I/O port.
    Port(u16),
}

/// Bits a second on the UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Baud(pub u32);

impl Plan {
    /// The preset `quick`.
    #[must_use]
    pub const fn quick() -> Self {
        Self {
            preset: Preset::Quick,
            filter: Vec::new(),
            scales: ScaleChoice::Smallest,
            seed: 1,
            nonce: String::new(),
            warm_up_ms_max: 60,
            sampling_ms_max: 150,
            samples_max: 10_000,
            exact_warm_up_instructions_max: 4_000_000,
            exact_sampling_instructions_max: 8_000_000,
            exact_samples_max: 1_000,
            rounds: None,
            bench_ms_max: 10_000,
            bench_s_max: None,
            raw_samples: false,
            cold: ColdChoice::Auto,
            scratch_disks: Vec::new(),
            uart: UartChoice::Auto,
            baud: Baud(115_200),
            exit_port: None,
            linger_ms: 2_000,
            resets_max: RESETS_DEFAULT,
        }
    }

    /// The preset `standard`.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            preset: Preset::Standard,
            scales: ScaleChoice::Middle,
            warm_up_ms_max: 300,
            sampling_ms_max: 1_000,
            samples_max: 20_000,
            exact_warm_up_instructions_max: 20_000_000,
            exact_sampling_instructions_max: 50_000_000,
            bench_ms_max: 60_000,
            ..Self::quick()
        }
    }

    /// The preset `full`.
    #[must_use]
    pub fn full() -> Self {
        Self {
            preset: Preset::Full,
            scales: ScaleChoice::All,
            warm_up_ms_max: 1_000,
            sampling_ms_max: 5_000,
            samples_max: 100_000,
            exact_warm_up_instructions_max: 50_000_000,
            exact_sampling_instructions_max: 200_000_000,
            bench_ms_max: 300_000,
            ..Self::quick()
        }
    }

    /// After how long a bench is ended by the kernel's watchdog.
    #[must_use]
    pub fn bench_time_max(&self) -> Nanoseconds {
        let seconds = self.bench_s_max.unwrap_or(BENCH_S_MAX_DEFAULT);
        Nanoseconds::from_milliseconds(u64::from(seconds) * 1_000)
    }

    /// The fields of `preset`.
    #[must_use]
    pub fn of(preset: Preset) -> Self {
        match preset {
            Preset::Quick => Self::quick(),
            Preset::Standard => Self::standard(),
            Preset::Full => Self::full(),
        }
    }
}
