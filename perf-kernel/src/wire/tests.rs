//! Records that tests of the wire share.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::{BenchRecord, SampleSummary, Status};

/// A measured bench with few fields.
pub(super) fn bench(id: &str, raw: Option<Vec<u64>>) -> BenchRecord {
    BenchRecord {
        iterations: 8,
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
        raw,
        attempts: 800,
        successes: 800,
        overhead_ticks: 22,
        checksum: Some("00000000000000ff".to_string()),
        ..BenchRecord::new(id.to_string(), Status::Measured)
    }
}
