//! Results for scripts: the contract that `docs/json.md` describes.

use perf_kernel::suites::Selected;
use perf_kernel::units::Bytes;
use perf_kernel::wire::{
    BenchRecord, Clock, Crash, ErrorCount, Figure, Interference, Machine, Mode, PmuCounts, PmuEmptySample,
    PmuPass, SampleSummary, SlowSample, Status, ValidityCheck,
};
use serde::{Deserialize, Serialize};

use super::json::to_json;
use crate::analysis::{Figures, Fingerprint, Judgement, Side, SideBench, catalogue, cold_key, judge};
use crate::collect::{BootEnd, Damage};
use crate::store::{Run, StoredBoot};

/// The version of the contract. Fields may be added without a change; none is renamed, removed or given to another
/// meaning.
pub const DOCUMENT_FORMAT: u32 = 1;

/// How deep lines are broken: each bench of each boot has one.
const OPEN_DEPTH: usize = 4;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/json.md tells what each field is")]
pub struct Document {
    pub format: u32,
    pub run: String,
    pub mode: Option<Mode>,
    pub started: String,
    pub command: String,
    pub profile: Option<String>,
    pub runner_version: String,
    pub image_hash: Option<String>,
    pub selection: Option<String>,
    pub plan: Option<String>,
    pub fingerprint: Fingerprint,
    pub boots: Vec<DocumentBoot>,
}

/// A boot of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/json.md tells what each field is")]
pub struct DocumentBoot {
    pub number: u32,
    pub end: BootEnd,
    pub end_detail: String,
    pub bench_running: Option<String>,
    pub transcript: Option<String>,
    pub machine: Option<Machine>,
    pub clock: Option<Clock>,
    pub interference: Option<Interference>,
    pub damage: Damage,
    pub crash: Option<DocumentCrash>,
    pub benches: Vec<DocumentBench>,
}

/// A crash with its backtrace in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/json.md tells what each field is")]
pub struct DocumentCrash {
    #[serde(flatten)]
    pub crash: Crash,
    pub frames: Vec<String>,
}

/// A bench of a boot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/json.md tells what each field is")]
pub struct DocumentBench {
    pub id: String,
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Box<Crash>>,
    pub reason: Option<String>,
    pub n: u64,
    pub unit: Option<String>,
    pub min: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    pub max: Option<f64>,
    pub mean: Option<f64>,
    pub deviation: Option<f64>,
    pub mad: Option<f64>,
    pub iterations: u64,
    pub operations: u64,
    pub bytes: Option<Bytes>,
    pub operations_per_second: Option<f64>,
    pub operations_per_second_peak: Option<f64>,
    pub operations_per_second_sustained: Option<f64>,
    pub bytes_per_second: Option<f64>,
    pub bytes_per_second_peak: Option<f64>,
    pub bytes_per_second_sustained: Option<f64>,
    pub limits: Vec<DocumentLimit>,
    pub attempts: u64,
    pub successes: u64,
    pub overhead_ticks: u64,
    pub checksum: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorCount>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validity: Vec<ValidityCheck>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowSample>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pmu: Option<Box<PmuCounts>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pmu_passes: Vec<PmuPass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pmu_empty_sample: Option<PmuEmptySample>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<DocumentCold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Vec<u64>>,
}

/// What single iterations took on a CPU just chilled, in the unit of the bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentCold {
    pub n: u64,
    pub min: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub max: Option<f64>,
    pub mean: Option<f64>,
    pub mad: Option<f64>,
    pub overhead_ticks: u64,
    pub emptied: String,
    pub sample: SampleSummary,
}

/// A limit and how it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLimit {
    /// As the catalogue writes it.
    pub limit: String,
    /// `met`, `missed` or `not judged`.
    pub verdict: String,
    /// Why it is not judged.
    pub reason: Option<String>,
}

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not what `--json` writes.
    #[error("read the baseline: it is not what `--json FILE` writes ({0})")]
    Syntax(#[from] serde_json::Error),
    /// A newer version wrote it.
    #[error(
        "read the baseline: its format is {0} and this version knows {DOCUMENT_FORMAT}; update multios-perf"
    )]
    Newer(u32),
}

impl Document {
    /// The document of `run`.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self {
            format: DOCUMENT_FORMAT,
            run: run.head.id.clone(),
            mode: run.mode(),
            started: run.head.started.to_string(),
            command: run.head.command.clone(),
            profile: run.head.profile.clone(),
            runner_version: run.head.runner_version.clone(),
            image_hash: run.image_hash().map(str::to_owned),
            selection: run.selection(),
            plan: run.head.plan.clone(),
            fingerprint: run.fingerprint(),
            boots: run.boots.iter().map(document_boot).collect(),
        }
    }

    /// The document as text, a line for each bench.
    #[must_use]
    pub fn to_text(&self) -> String {
        to_json(self, OPEN_DEPTH)
    }

    /// Reads a document back.
    ///
    /// # Errors
    /// See [`BaselineError`].
    pub fn parse(text: &[u8]) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_slice(text)?;
        if format > DOCUMENT_FORMAT {
            return Err(BaselineError::Newer(format));
        }
        Ok(serde_json::from_slice(text)?)
    }

    /// The document as one side of a comparison, called `name`.
    #[must_use]
    pub fn side(&self, name: &str) -> Side {
        let boots = self.boots.iter();
        Side {
            name: name.to_owned(),
            image_hash: self.image_hash.clone(),
            fingerprint: self.fingerprint.clone(),
            mode: self.mode,
            selection: self.selection.clone(),
            mixed: Vec::new(),
            boots: boots
                .map(|boot| boot.benches.iter().flat_map(|bench| side_benches(bench, self.mode)).collect())
                .collect(),
        }
    }
}

/// The bench, and its cold figures if it has any that may be used.
fn side_benches(bench: &DocumentBench, mode: Option<Mode>) -> impl Iterator<Item = SideBench> {
    let hot = side_bench(bench, mode);
    let cold = bench.cold.as_ref().filter(|_| bench.status == Status::Measured).map(|cold| SideBench {
        id: cold_key(&bench.id),
        iterations: 1,
        summary: Some(cold.sample.clone()),
        p50: cold.p50,
        ..hot.clone()
    });
    std::iter::once(hot).chain(cold)
}

fn side_bench(bench: &DocumentBench, mode: Option<Mode>) -> SideBench {
    SideBench {
        id: bench.id.clone(),
        status: bench.status,
        unit: mode.and_then(|mode| unit_named(bench.unit.as_deref()?, mode)),
        iterations: bench.iterations,
        operations: bench.operations,
        bytes: bench.bytes,
        summary: bench.sample.clone(),
        p50: bench.p50,
        record: None,
    }
}

fn unit_named(name: &str, mode: Mode) -> Option<crate::analysis::FigureUnit> {
    use perf_kernel::suites::Unit;
    let units = [Unit::Ticks, Unit::PartsPerMillion, Unit::Bytes];
    let units = units.map(|unit| crate::analysis::FigureUnit::of(unit, mode));
    units.into_iter().find(|unit| unit.name() == name)
}

fn document_boot(stored: &StoredBoot) -> DocumentBoot {
    let boot = &stored.boot;
    let catalogue = catalogue();
    let clock = boot.clock.as_ref();
    let bench = |record| document_bench(record, clock, catalogue.get(&record.id));
    DocumentBoot {
        number: stored.number,
        end: boot.end,
        end_detail: boot.end_detail.clone(),
        bench_running: boot.bench_running.clone(),
        transcript: stored.transcript.as_ref().map(|path| path.to_string_lossy().into_owned()),
        machine: boot.machine.clone(),
        clock: boot.clock.clone(),
        interference: boot.ledger.clone(),
        damage: boot.damage.clone(),
        crash: boot.crash.clone().map(|crash| DocumentCrash { crash, frames: stored.own_frames().to_vec() }),
        benches: boot.benches.iter().map(bench).collect(),
    }
}

fn document_bench(record: &BenchRecord, clock: Option<&Clock>, selected: Option<&Selected>) -> DocumentBench {
    let figures = clock.and_then(|clock| Figures::of(record, clock));
    let figure = |field: fn(&Figures) -> f64| figures.as_ref().map(field).map(rounded);
    let rates = figures.as_ref().and_then(|figures| figures.rates);
    let conversion = clock.map(|clock| crate::analysis::FigureUnit::of(record.unit, clock.mode));
    DocumentBench {
        id: record.id.clone(),
        status: record.status,
        crash: record.crash.clone(),
        reason: record.reason.clone(),
        n: record.summary.as_ref().map_or(0, |summary| summary.n),
        unit: conversion.map(|unit| unit.name().to_owned()),
        min: figure(|figures| figures.min),
        p50: figure(|figures| figures.p50),
        p90: figure(|figures| figures.p90),
        p95: figure(|figures| figures.p95),
        p99: figure(|figures| figures.p99),
        p999: figures.as_ref().and_then(|figures| figures.p999).map(rounded),
        max: figure(|figures| figures.max),
        mean: figure(|figures| figures.mean),
        deviation: figure(|figures| figures.deviation),
        mad: figure(|figures| figures.mad),
        iterations: record.iterations,
        operations: record.operations,
        bytes: record.bytes,
        operations_per_second: rates.map(|rates| rates.operations.round()),
        operations_per_second_peak: rates.and_then(|rates| rates.operations_peak).map(f64::round),
        operations_per_second_sustained: rates.and_then(|rates| rates.operations_sustained).map(f64::round),
        bytes_per_second: rates.and_then(|rates| rates.bytes()).map(f64::round),
        bytes_per_second_peak: rates.and_then(|rates| rates.bytes_peak()).map(f64::round),
        bytes_per_second_sustained: rates.and_then(|rates| rates.bytes_sustained()).map(f64::round),
        limits: limits(record, figures.as_ref(), clock, selected),
        attempts: record.attempts,
        successes: record.successes,
        overhead_ticks: record.overhead_ticks,
        checksum: record.checksum.clone(),
        errors: record.errors.clone(),
        validity: record.validity.clone(),
        figures: record.figures.clone(),
        slowest: record.slowest.clone(),
        pmu: record.pmu.clone(),
        pmu_passes: record.pmu_passes.clone(),
        pmu_empty_sample: record.pmu_empty_sample.clone(),
        cold: document_cold(record, clock),
        sample: record.summary.clone(),
        raw: record.raw.clone(),
    }
}

fn document_cold(record: &BenchRecord, clock: Option<&Clock>) -> Option<DocumentCold> {
    let cold = record.cold.as_ref()?;
    let figures = clock.and_then(|clock| Figures::of_cold(record, clock));
    let figure = |field: fn(&Figures) -> f64| figures.as_ref().map(field).map(rounded);
    Some(DocumentCold {
        n: cold.summary.n,
        min: figure(|figures| figures.min),
        p50: figure(|figures| figures.p50),
        p90: figure(|figures| figures.p90),
        max: figure(|figures| figures.max),
        mean: figure(|figures| figures.mean),
        mad: figure(|figures| figures.mad),
        overhead_ticks: cold.overhead_ticks,
        emptied: cold.emptied.clone(),
        sample: cold.summary.clone(),
    })
}

fn limits(
    record: &BenchRecord,
    figures: Option<&Figures>,
    clock: Option<&Clock>,
    selected: Option<&Selected>,
) -> Vec<DocumentLimit> {
    let limits = selected.into_iter().flat_map(Selected::limits);
    let judged = limits.map(|limit| {
        let usable = figures.zip(clock).filter(|_| record.status == Status::Measured);
        let judgement = match usable {
            Some((figures, clock)) => judge(limit, record, figures, clock.mode),
            None => Judgement::NotJudged("not measured".to_owned()),
        };
        let (verdict, reason) = match judgement {
            Judgement::Met => ("met", None),
            Judgement::Missed => ("missed", None),
            Judgement::NotJudged(reason) => ("not judged", Some(reason)),
        };
        DocumentLimit { limit: limit.to_string(), verdict: verdict.to_owned(), reason }
    });
    judged.collect()
}

/// A ten-thousandth of a nanosecond or instruction is less than any figure means.
pub(super) fn rounded(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}
