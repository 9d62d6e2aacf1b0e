//! Records that tests of the wire share.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::{BenchRecord, Interference, SampleSummary, Status, SystemUse};
use crate::suites::Unit;

/// A measured bench with few fields.
pub(super) fn bench(id: &str, raw: Option<Vec<u64>>) -> BenchRecord {
    BenchRecord {
        id: id.to_string(),
        status: Status::Measured,
        reason: None,
        unit: Unit::Ticks,
        iterations: 8,
        operations: 1,
        bytes: None,
        summary: Some(SampleSummary {
            n: 100,
            min: 40,
            mean_milli: 42_500,
            deviation_milli: 1_250,
            mad: 1,
            p50: 42,
            p90: 44,
            p95: 45,
            p99: 48,
            p999: None,
            max: 61,
        }),
        histogram: None,
        windows: None,
        slowest: Vec::new(),
        raw,
        attempts: 800,
        successes: 800,
        errors: Vec::new(),
        warm_up: None,
        overhead_ticks: 22,
        checksum: Some("00000000000000ff".to_string()),
        validity: Vec::new(),
        memory: None,
        system: SystemUse::default(),
        interference: Interference::default(),
        pmu: None,
        figures: Vec::new(),
    }
}
