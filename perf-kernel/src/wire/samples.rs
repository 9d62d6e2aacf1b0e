//! What is said of the samples of a bench.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// Order statistics of samples, in the bench's unit per sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleSummary {
    /// Number of samples.
    pub n: u64,
    /// Smallest.
    pub min: u64,
    /// Arithmetic mean in thousandths.
    pub mean_milli: u64,
    /// Standard deviation (divisor n - 1) in thousandths.
    pub deviation_milli: u64,
    /// Median absolute deviation from the median, unscaled.
    pub mad: u64,
    /// Median. Percentiles are samples (nearest rank).
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile; `None` below 10,000 samples.
    pub p999: Option<u64>,
    /// Largest.
    pub max: u64,
}

/// Samples of one iteration each, taken right after the CPU was chilled: made to forget what its caches and its TLB hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColdFigures {
    /// Order statistics. A percentile is the largest sample where there are too few to tell.
    pub summary: SampleSummary,
    /// Median ticks of an empty timed region on a CPU just chilled, subtracted nowhere.
    pub overhead_ticks: u64,
    /// What was emptied before each sample, and how.
    pub emptied: String,
}

/// Sparse log-linear histogram; [`crate::measure::LogLinear`] tells what a bucket holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Linear sub-buckets per power of two, as a power of two.
    pub precision_bits: u32,
    /// Bucket index and count, ascending, counts above zero.
    pub buckets: Vec<(u32, u64)>,
}

/// Rates over equal windows of consecutive samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// Samples in each window.
    pub samples: u64,
    /// Ticks of all samples together.
    pub ticks_total: u64,
    /// Ticks of the fastest window: the peak rate.
    pub ticks_best: u64,
    /// Ticks of the slowest window: the sustained rate.
    pub ticks_worst: u64,
}

/// One of the slowest samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowSample {
    /// Place in the order taken, from 0.
    pub index: u64,
    /// Its value in the bench's unit per sample.
    pub value: u64,
    /// What happened meanwhile, where something is known to have.
    pub cause: Option<Interruption>,
}

/// A thing that stretches a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// System management interrupt.
    Smi,
    /// Non-maskable interrupt.
    Nmi,
    /// Maskable interrupt.
    Interrupt,
    /// The scheduler ran something else.
    ContextSwitch,
    /// The hypervisor ran something else.
    Steal,
    /// A kind that this reader does not know.
    #[serde(other)]
    Unknown,
}
