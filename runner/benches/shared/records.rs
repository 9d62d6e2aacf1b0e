//! Records as large as real ones.

use perf_kernel::suites::Unit;
use perf_kernel::units::Bytes;
use perf_kernel::wire::{
    BenchRecord, CheckOutcome, Histogram, Interference, MemoryUse, SampleSummary, SlowSample, Status,
    SystemUse, ValidityCheck, WarmUp, Windows,
};

/// What the bench `id` says of 10,000 samples around `median`, with as many figures as a real one has.
pub(crate) fn record(id: String, median: u64) -> BenchRecord {
    BenchRecord {
        id,
        status: Status::Measured,
        side: None,
        round: None,
        reason: None,
        unit: Unit::Ticks,
        iterations: 512,
        operations: 1,
        bytes: Some(Bytes(64)),
        summary: Some(SampleSummary {
            n: 10_000,
            min: median - 50,
            mean_milli: median * 1_000 + 125,
            deviation_milli: 12_345,
            mad: 7,
            p50: median,
            p90: median + 40,
            p95: median + 90,
            p99: median + 200,
            p999: Some(median + 900),
            max: median + 5_000,
        }),
        histogram: Some(Histogram {
            precision_bits: 7,
            buckets: (0_u32..60)
                .map(|bucket| (1_200 + 3 * bucket, u64::from(bucket * bucket % 419 + 1)))
                .collect(),
        }),
        windows: Some(Windows {
            samples: 100,
            ticks_total: median * 10_000,
            ticks_best: median * 99,
            ticks_worst: median * 103,
        }),
        slowest: (0..5)
            .map(|place| SlowSample { index: 17 * place, value: median + 4_000, cause: None })
            .collect(),
        raw: None,
        attempts: 5_120_000,
        successes: 5_120_000,
        errors: Vec::new(),
        warm_up: Some(WarmUp { batches: 12, is_settled: true }),
        overhead_ticks: 24,
        checksum: Some(format!("{:016x}", median.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        validity: ["result", "checksum", "settled"].map(passed).to_vec(),
        memory: Some(MemoryUse { live: Bytes(0), peak: Bytes(65_536) }),
        system: SystemUse { elapsed_ticks: median * 10_100, ..SystemUse::default() },
        interference: Interference {
            gap_count: Some(3),
            gap_ticks_max: Some(9_000),
            ..Interference::default()
        },
        pmu: None,
        pmu_passes: Vec::new(),
        pmu_empty_sample: None,
        cold: None,
        figures: Vec::new(),
        crash: None,
    }
}

fn passed(name: &str) -> ValidityCheck {
    ValidityCheck { name: name.to_owned(), outcome: CheckOutcome::Passed, detail: String::new() }
}
