//! The result of one bench.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{ColdFigures, Crash, Histogram, SampleSummary, SlowSample, Windows};
use crate::suites::Unit;
use crate::units::{Bytes, PartsPerMillion};

/// What came of one bench. Figures are whole numbers per sample; divide by `iterations` for one iteration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchRecord {
    /// Bench id with its scale.
    pub id: String,
    /// Whether the figures below may be used.
    pub status: Status,
    /// Which build was measured; `None` in a boot that measures one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// The round of the boot that the measurement belongs to, from 0; `None` in a boot that measures one build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u16>,
    /// Why it was not measured; `None` if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a sample counts.
    pub unit: Unit,
    /// Iterations in each sample; 1 where a sample is not a timed batch.
    pub iterations: u64,
    /// Operations in one iteration, where that is more than one (accesses of a walk).
    pub operations: u64,
    /// Bytes that one iteration processes; `None` if it is not about data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Bytes>,
    /// Order statistics; `None` unless samples were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SampleSummary>,
    /// The samples as sparse log-linear counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// Sustained and peak rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// The slowest samples, slowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowSample>,
    /// Every sample in the order taken; `None` unless the plan asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Vec<u64>>,
    /// Iterations started, warm-up apart.
    pub attempts: u64,
    /// Iterations whose result was right.
    pub successes: u64,
    /// Iterations that went wrong, by kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorCount>,
    /// What warm-up did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// Ticks of an empty timed region, subtracted nowhere.
    pub overhead_ticks: u64,
    /// Sum of the results of all measured iterations, 16 hex digits: equal work has an equal sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// What was checked before the figures were believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validity: Vec<ValidityCheck>,
    /// Heap use of the bench.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryUse>,
    /// What the bench took from the system.
    pub system: SystemUse,
    /// What disturbed it.
    pub interference: Interference,
    /// Performance counters, where the machine has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pmu: Option<Box<PmuCounts>>,
    /// Which figures of `pmu` were counted together, in order: the first while the samples were taken, each other one while
    /// the same number of iterations ran again. Empty from kernels that did not say, which had one pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pmu_passes: Vec<PmuPass>,
    /// What one sample of an empty body counts, harness included; subtracted nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pmu_empty_sample: Option<PmuEmptySample>,
    /// What single iterations took on a CPU just chilled; `None` where that was not measured. The figures above are hot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<Box<ColdFigures>>,
    /// Figures that only this bench has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// What the bench was ended for, if it faulted or panicked and the boot went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Box<Crash>>,
}

impl BenchRecord {
    /// A record of the bench `id` that says nothing but `status`: no samples, one iteration of one operation.
    #[must_use]
    pub fn new(id: String, status: Status) -> Self {
        Self {
            id,
            status,
            side: None,
            round: None,
            reason: None,
            unit: Unit::Ticks,
            iterations: 1,
            operations: 1,
            bytes: None,
            summary: None,
            histogram: None,
            windows: None,
            slowest: Vec::new(),
            raw: None,
            attempts: 0,
            successes: 0,
            errors: Vec::new(),
            warm_up: None,
            overhead_ticks: 0,
            checksum: None,
            validity: Vec::new(),
            memory: None,
            system: SystemUse::default(),
            interference: Interference::default(),
            pmu: None,
            pmu_passes: Vec::new(),
            pmu_empty_sample: None,
            cold: None,
            figures: Vec::new(),
            crash: None,
        }
    }
}

/// Which of two builds in one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What the candidate is held against.
    Base,
    /// What may have become slower.
    Candidate,
}

/// Whether a bench's figures may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Measured, and every check passed.
    Measured,
    /// Cannot run here, with the reason.
    Skipped,
    /// Gave a wrong result or an error: it has no timing.
    Failed,
    /// Measured under conditions that rule a verdict out.
    Invalid,
}

/// Iterations that went wrong in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// The way, in a few words.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// What warm-up did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Batches run.
    pub batches: u64,
    /// Whether the median settled before the time ran out.
    pub is_settled: bool,
}

/// Something checked before figures are believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidityCheck {
    /// `result`, `checksum`, `settled`, `progress`, `overhead`, `clock`, ...
    pub name: String,
    /// How it came out.
    pub outcome: CheckOutcome,
    /// The figures behind the outcome, in a few words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// As it should be.
    Passed,
    /// Worth knowing, figures still stand.
    Warned,
    /// The figures do not stand.
    Failed,
}

/// Heap use during a bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// Live when sampling ended, above what was live before set-up.
    pub live: Bytes,
    /// Highest at any time, above what was live before set-up.
    pub peak: Bytes,
}

/// What a bench took from the system while samples were taken; `None` where the platform keeps no account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemUse {
    /// Time from the first sample's start to the last one's end.
    pub elapsed_ticks: u64,
    /// CPU time of the benching thread as a share of elapsed time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time_share: Option<PartsPerMillion>,
    /// Bytes read from and written to devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io_bytes: Option<Bytes>,
    /// Switches away from the benching thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_switches: Option<u64>,
    /// Interrupts taken by this CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupts: Option<u64>,
    /// Energy that the package took, in microjoules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_energy_uj: Option<u64>,
}

/// The interference ledger of a bench or a boot; `None` where the machine lacks the means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interference {
    /// System management interrupts (`MSR_SMI_COUNT`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smi_count: Option<u64>,
    /// Non-maskable interrupts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nmi_count: Option<u64>,
    /// Pauses above 1 us seen by polling the counter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_count: Option<u64>,
    /// Longest such pause in ticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_ticks_max: Option<u64>,
    /// Whether the package throttled for heat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_throttled: Option<bool>,
    /// APERF per MPERF: the speed as a share of the nominal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_share: Option<PartsPerMillion>,
    /// Time that the hypervisor gave to others, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_ns: Option<u64>,
    /// The probes at both ends of the boot; in the ledger of a boot only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
}

/// A fixed piece of work, measured before the first bench and after the last: tells whether the machine changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The bench whose work it is.
    pub id: String,
    /// Median of an iteration before the first bench, in thousandths of a tick.
    pub start_milliticks: u64,
    /// Median of an iteration after the last bench, in thousandths of a tick.
    pub end_milliticks: u64,
    /// How far the end is from the start, up or down, as a share of the start.
    pub drift: PartsPerMillion,
}

/// Performance counters over all samples of a bench.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PmuCounts {
    /// Core cycles.
    pub cycles: Option<u64>,
    /// Instructions retired.
    pub instructions: Option<u64>,
    /// Last-level cache references.
    pub llc_references: Option<u64>,
    /// Last-level cache misses.
    pub llc_misses: Option<u64>,
    /// Mispredicted branches.
    pub branch_misses: Option<u64>,
    /// Data TLB misses.
    pub dtlb_misses: Option<u64>,
}

/// Figures that were counted together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PmuPass {
    /// Names of fields of [`PmuCounts`].
    pub figures: Vec<String>,
    /// Iterations that ran meanwhile.
    pub iterations: u64,
}

/// What one sample of an empty body counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PmuEmptySample {
    /// Core cycles.
    pub cycles: Option<u64>,
    /// Instructions retired.
    pub instructions: Option<u64>,
}

/// A figure that only one bench has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, unit last, as in `raw_pair_ticks`.
    pub name: String,
    /// Its value.
    pub value: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json, to_value};

    fn counted() -> BenchRecord {
        let figures = ["cycles", "branch_misses"].map(|name| Vec::from([String::from(name)]));
        BenchRecord {
            pmu: Some(Box::new(PmuCounts {
                cycles: Some(9),
                branch_misses: Some(2),
                ..PmuCounts::default()
            })),
            pmu_passes: figures.map(|figures| PmuPass { figures, iterations: 100 }).to_vec(),
            pmu_empty_sample: Some(PmuEmptySample { cycles: Some(50), instructions: None }),
            ..BenchRecord::new("env/pause".into(), Status::Measured)
        }
    }

    #[test]
    fn a_record_of_an_older_kernel_has_figures_and_no_passes() {
        let mut old = to_value(counted()).expect("a record has a JSON form");
        let fields = old.as_object_mut().expect("a record is an object");
        assert!(fields.remove("pmu_passes").is_some() && fields.remove("pmu_empty_sample").is_some());
        let read: BenchRecord = from_value(old).expect("it is read");
        assert_eq!(read.pmu, counted().pmu);
        assert_eq!((read.pmu_passes, read.pmu_empty_sample), (Vec::new(), None));
    }

    #[test]
    fn an_older_reader_finds_the_figures_where_they_were() {
        let new = to_value(counted()).expect("a record has a JSON form");
        let figures = json!({
            "cycles": 9, "instructions": null, "llc_references": null, "llc_misses": null, "branch_misses": 2,
            "dtlb_misses": null
        });
        assert_eq!(new["pmu"], figures);
    }

    #[test]
    fn a_bench_that_was_ended_has_its_crash_and_one_of_an_older_kernel_has_none() {
        let crash = json!({
            "cause": "panic", "message": "m", "bench": "env/pause", "cpu": 0, "registers": null, "backtrace": [5],
            "image_base": 1
        });
        let mut record = to_value(BenchRecord::new("env/pause".into(), Status::Failed)).expect("JSON");
        let old: BenchRecord = from_value(record.clone()).expect("it is read");
        record["crash"] = crash.clone();
        let new: BenchRecord = from_value(record).expect("it is read");
        assert_eq!((old.crash, new.crash.as_ref().and_then(|crash| crash.ticks)), (None, None));
        assert_eq!(to_value(new.crash).expect("JSON"), crash);
    }

    #[test]
    fn cold_figures_stand_beside_the_hot_ones_and_older_kernels_have_none() {
        let mut record = to_value(counted()).expect("a record has a JSON form");
        assert_eq!(record.get("cold"), None, "what was not measured takes no room");
        let old: BenchRecord = from_value(record.clone()).expect("it is read");
        assert_eq!(old.cold, None);
        let cold = json!({
            "summary": {
                "n": 10, "min": 5, "mean_milli": 7000, "deviation_milli": 900, "mad": 1, "p50": 7, "p90": 8, "p95": 9,
                "p99": 9, "p999": null, "max": 9
            },
            "overhead_ticks": 3, "emptied": "caches by WBINVD, TLB by CR4.PGE"
        });
        record["cold"] = cold.clone();
        let new: BenchRecord = from_value(record).expect("it is read");
        assert_eq!(new.cold.as_ref().map(|cold| (cold.summary.n, cold.overhead_ticks)), Some((10, 3)));
        assert_eq!(to_value(new.cold).expect("JSON"), cold);
    }

    #[test]
    fn what_was_not_counted_takes_no_room() {
        let record = BenchRecord::new("env/pause".into(), Status::Skipped);
        let text = to_value(record).expect("a record has a JSON form");
        let absent = ["pmu", "pmu_passes", "pmu_empty_sample"].map(|name| text.get(name).cloned());
        assert_eq!(absent, [const { None::<Value> }; 3]);
        assert_eq!(text["system"], json!({ "elapsed_ticks": 0 }));
    }
}
