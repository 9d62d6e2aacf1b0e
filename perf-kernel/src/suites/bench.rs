//! What a table entry says about a bench.

use serde::{Deserialize, Serialize};

use super::{Limit, Scale};
use crate::measure::{BenchError, Bencher};

/// The benches of one category.
#[derive(Debug)]
pub struct Suite {
    /// The first part of every id in it.
    pub name: &'static str,
    /// What the category is.
    pub about: &'static str,
    /// Limits of the benches that name none.
    pub limits: &'static [Limit],
    /// What every bench of the suite needs, besides its own needs.
    pub needs: &'static [Need],
    /// The benches in the order in which they run.
    pub benches: &'static [Bench],
}

/// A named body with set-up, work, expected result and limit.
#[derive(Debug)]
pub struct Bench {
    /// `suite/subject`; never reused for another body.
    pub id: &'static str,
    /// What one iteration is.
    pub iteration: &'static str,
    /// Sizes, smallest first; empty if the bench has none.
    pub scales: &'static [Scale],
    /// What a scale counts; empty if that is plain from the id.
    pub scale_is: &'static str,
    /// Targets of its own; `None` takes those of the suite, `Some(&[])` has none.
    pub limits: Option<&'static [Limit]>,
    /// What the machine must offer.
    pub needs: &'static [Need],
    /// What a sample counts.
    pub unit: Unit,
    /// Whether it is measured cold as well.
    pub cold: Cold,
    /// What runs.
    pub body: Body,
}

impl Bench {
    /// A bench without scales, own limits or needs, timed, and not built yet. Tables override the rest.
    #[must_use]
    pub const fn new(id: &'static str, iteration: &'static str) -> Self {
        Self {
            id,
            iteration,
            scales: &[],
            scale_is: "",
            limits: None,
            needs: &[],
            unit: Unit::Ticks,
            cold: Cold::No("figures of its suite are hot"),
            body: Body::NotBuilt,
        }
    }

    /// Whether there is something to run.
    #[must_use]
    pub const fn is_built(&self) -> bool {
        matches!(self.body, Body::Built(_))
    }
}

/// Sets up, measures through the [`Bencher`], and checks.
pub type BenchFunction = fn(&mut Bencher<'_>) -> Result<(), BenchError>;

/// What runs.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// The bench's function.
    Built(BenchFunction),
    /// In the catalogue, not in the image: skipped with that reason.
    NotBuilt,
}

/// Whether a bench is measured cold as well: samples of one iteration each, right after the CPU was chilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cold {
    /// It is not, for this reason.
    No(&'static str),
    /// The harness chills the CPU before each sample, which is a timed batch.
    Before,
    /// The bench has the CPU chilled itself: its samples are no timed batches, or the way to what it times would warm it.
    Within,
}

/// Something that a machine may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The kernel's privilege: not in a hosted process.
    Ring0,
    /// Two CPUs or more.
    Smp,
    /// A block device marked as scratch.
    Disk,
    /// A network card.
    Nic,
    /// APERF and MPERF.
    Aperf,
    /// Digital thermal sensors.
    Thermal,
    /// Energy counters.
    Rapl,
}

impl Need {
    /// Its name in the catalogue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ring0 => "ring0",
            Self::Smp => "smp",
            Self::Disk => "disk",
            Self::Nic => "nic",
            Self::Aperf => "aperf",
            Self::Thermal => "thermal",
            Self::Rapl => "rapl",
        }
    }
}

/// What a sample counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Ticks of a timed batch, shown as time an iteration.
    Ticks,
    /// Ticks of a timed batch, shown as bytes a second.
    Throughput,
    /// Ticks of the longest pause seen in a sample.
    GapTicks,
    /// A share in parts per million.
    PartsPerMillion,
    /// An amount of memory.
    Bytes,
}

impl Unit {
    /// Its name in the catalogue; `None` for the plain time that the catalogue leaves out.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Ticks => None,
            Self::Throughput => Some("bytes/s"),
            Self::GapTicks => Some("gap ns"),
            Self::PartsPerMillion => Some("ppm"),
            Self::Bytes => Some("bytes"),
        }
    }

    /// Whether samples are counter ticks.
    #[must_use]
    pub const fn is_ticks(self) -> bool {
        matches!(self, Self::Ticks | Self::Throughput | Self::GapTicks)
    }
}
