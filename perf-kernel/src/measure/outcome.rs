//! From a bench that has ended to its record.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::bencher::{Bencher, Measured, took_too_long};
use super::cold::ColdPass;
use super::histogram::LogLinear;
use super::{BenchError, causes, statistics, validity};
use crate::arch::counter;
use crate::platform::Offence;
use crate::suites::Selected;
use crate::wire::{BenchRecord, CheckOutcome, Crash, ErrorCount, SampleSummary, Status};

/// The record of a bench that cannot run here.
#[must_use]
pub fn skipped(selected: &Selected, reason: String) -> BenchRecord {
    BenchRecord {
        unit: selected.bench.unit,
        reason: Some(reason),
        ..BenchRecord::new(selected.id(), Status::Skipped)
    }
}

/// The record of a bench that did wrong beyond a wrong result: it has no timing.
#[must_use]
pub fn offended(selected: &Selected, offence: Offence) -> BenchRecord {
    let (reason, crash) = match offence {
        Offence::Crashed(crash) => {
            (alloc::format!("crashed: {}: {}", crash.cause, crash.message), Some(crash))
        }
        Offence::LeftBehind(what) => (alloc::format!("left behind: {what}"), None),
    };
    failed_for(selected, reason, crash)
}

/// The record of a bench during which the machine had to be reset, with what the kernel could say of it.
#[must_use]
pub fn quarantined(selected: &Selected, crash: Option<&Crash>) -> BenchRecord {
    let reason = match crash {
        Some(crash) => alloc::format!("quarantined: {}: {}", crash.cause, crash.message),
        None => "quarantined: the machine was reset while it ran".to_string(),
    };
    failed_for(selected, reason, crash.map(|crash| Box::new(crash.clone())))
}

fn failed_for(selected: &Selected, reason: String, crash: Option<Box<Crash>>) -> BenchRecord {
    BenchRecord {
        unit: selected.bench.unit,
        validity: Vec::from([validity::check("result", CheckOutcome::Failed, reason.clone())]),
        reason: Some(reason),
        crash,
        ..BenchRecord::new(selected.id(), Status::Failed)
    }
}

/// The record of a bench whose function returned `result`.
pub(super) fn record(bencher: Bencher<'_>, result: Result<(), BenchError>) -> BenchRecord {
    let interference = bencher.interference();
    let overhead_ticks = bencher.conditions.clock.overhead_ticks;
    let (status, reason) = match verdict(&bencher, result) {
        Ok(()) => (Status::Measured, None),
        Err(BenchError::Skipped(reason)) => (Status::Skipped, Some(reason)),
        Err(BenchError::Failed(reason)) => (Status::Failed, Some(reason)),
    };
    let bare = BenchRecord {
        unit: bencher.unit,
        operations: bencher.operations,
        bytes: bencher.bytes,
        overhead_ticks,
        interference,
        reason,
        ..BenchRecord::new(bencher.id.clone(), status)
    };
    match status {
        Status::Skipped => bare,
        Status::Failed => failed(bencher, bare),
        Status::Measured | Status::Invalid => measured(bencher, bare),
    }
}

/// Whether the bench counts as measured; if not, why.
fn verdict(bencher: &Bencher<'_>, result: Result<(), BenchError>) -> Result<(), BenchError> {
    result?;
    let failed = |reason: String| Err(BenchError::Failed(reason));
    if let Some(ErrorCount { kind, count }) = bencher.errors.first() {
        return failed(alloc::format!("{count} iterations: {kind}"));
    }
    if counter::now().since(bencher.begin).0 > bencher.bounds.bench {
        return failed(took_too_long(bencher.conditions.plan.bench_ms_max));
    }
    let is_left_out = bencher.cold.as_ref().is_some_and(|cold| !cold.is_taken());
    match &bencher.measured {
        Some(_) if is_left_out => failed("the bench took no cold samples".to_string()),
        Some(_) => Ok(()),
        None => failed("the bench took no samples".to_string()),
    }
}

/// A failed bench has counts and no timing.
fn failed(bencher: Bencher<'_>, bare: BenchRecord) -> BenchRecord {
    let (mut attempts, mut successes) = bencher.wrong.unwrap_or((0, 0));
    if let (None, Some(measured)) = (bencher.wrong, &bencher.measured) {
        let errors = bencher.errors.iter().fold(0_u64, |sum, error| sum.saturating_add(error.count));
        attempts = iterations_of(measured, bencher.sampler.samples());
        successes = attempts.saturating_sub(errors);
    }
    let reason = bare.reason.clone().unwrap_or_default();
    let mut validity = bencher.checks;
    validity.insert(0, validity::check("result", CheckOutcome::Failed, reason));
    BenchRecord { attempts, successes, errors: bencher.errors, validity, figures: bencher.figures, ..bare }
}

fn measured(bencher: Bencher<'_>, bare: BenchRecord) -> BenchRecord {
    let Some(measured) = bencher.measured else { return bare };
    let clock = bencher.conditions.clock;
    let samples = bencher.sampler.samples();
    let sorted = statistics::sorted(samples);
    let Some(summary) = statistics::summarise(&sorted) else { return bare };
    let (part, marks) = bencher.sampler.parts();
    let pmu = bencher.pmu;
    let (cold, cold_check) = bencher.cold.map(ColdPass::finish).unwrap_or_default();
    let attempts = iterations_of(&measured, samples);
    let mut validity = Vec::from([validity::check("result", CheckOutcome::Passed, String::new())]);
    validity.extend(validity::checksum(&measured, summary.n));
    validity.extend(validity::settled(&measured));
    validity.push(validity::progress(&summary, measured.is_batched));
    validity.extend(validity::overhead(&summary, measured.is_batched, clock.overhead_ticks));
    validity.push(validity::clock(clock));
    validity.extend(cold_check);
    validity.extend(bencher.checks);
    let record = BenchRecord {
        iterations: measured.iterations,
        histogram: Some(LogLinear::of(&sorted).to_wire()),
        windows: if measured.is_batched { statistics::windows(samples) } else { None },
        slowest: causes::slowest(samples, summary.p50, part, marks),
        raw: bencher.conditions.plan.raw_samples.then(|| samples.to_vec()),
        attempts,
        successes: attempts,
        warm_up: measured.warm_up,
        checksum: Some(alloc::format!("{:016x}", measured.taken.checksum)),
        validity,
        memory: Some(measured.memory),
        system: measured.system,
        pmu: pmu.counts,
        pmu_passes: pmu.passes,
        pmu_empty_sample: pmu.empty_sample,
        cold: cold.map(Box::new),
        figures: bencher.figures,
        summary: Some(summary),
        ..bare
    };
    judge(record)
}

/// Makes a measured bench `invalid` if one of its checks failed.
fn judge(record: BenchRecord) -> BenchRecord {
    let failed = record.validity.iter().find(|check| check.outcome == CheckOutcome::Failed);
    let reason = failed.map(|check| alloc::format!("{}: {}", check.name, check.detail));
    match reason {
        Some(reason) => BenchRecord { status: Status::Invalid, reason: Some(reason), ..record },
        None => record,
    }
}

/// Iterations in all samples.
fn iterations_of(measured: &Measured, samples: &[u64]) -> u64 {
    u64::try_from(samples.len()).unwrap_or(u64::MAX).saturating_mul(measured.iterations)
}

/// The median of one iteration in thousandths of the unit.
#[must_use]
pub fn median_milli(record: &BenchRecord) -> Option<u64> {
    let SampleSummary { p50, .. } = record.summary.as_ref()?;
    let milli = (u128::from(*p50) * 1000).checked_div(u128::from(record.iterations))?;
    u64::try_from(milli).ok()
}
