//! System resource monitoring and what it costs.

use super::scale::scales;
use super::{Bench, Limit, Need, Suite, Unit};

/// The `monitor` suite.
pub(super) static SUITE: Suite = Suite {
    name: "monitor",
    about: "System resource monitoring and what it costs",
    limits: &[],
    needs: &[],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench::new("monitor/cpu-usage", "read busy and idle time of every CPU"),
    Bench {
        needs: &[Need::Ring0, Need::Aperf],
        ..Bench::new("monitor/cpu-frequency", "read the effective frequency")
    },
    Bench {
        needs: &[Need::Ring0, Need::Thermal],
        ..Bench::new("monitor/cpu-temperature", "read core temperature and throttling")
    },
    Bench { needs: &[Need::Ring0, Need::Rapl], ..Bench::new("monitor/cpu-power", "read package energy") },
    Bench::new("monitor/memory-usage", "read usage by class"),
    Bench::new("monitor/memory-allocations", "read the allocation profile by size class and by subsystem"),
    Bench::new("monitor/memory-fragmentation", "compute the fragmentation index per order"),
    Bench::new("monitor/io-counters", "read operations, bytes and latency histogram of each device"),
    Bench::new("monitor/io-throughput", "derive rates over the last window"),
    Bench::new("monitor/net-interface", "read state and counters of each interface"),
    Bench {
        scales: scales!["16", "10k"],
        scale_is: "flows",
        ..Bench::new("monitor/net-traffic", "account one packet to its flow")
    },
    Bench {
        scales: scales!["10", "1k", "10k"],
        scale_is: "processes",
        ..Bench::new("monitor/process-usage", "sample every process")
    },
    Bench::new("monitor/process-state", "record one state change of a process"),
    Bench::new("monitor/sample-all", "one full sample of everything, into the history ring"),
    Bench {
        scales: scales!["10", "1k"],
        scale_is: "rules",
        ..Bench::new("monitor/alert-evaluate", "evaluate alert rules on a sample")
    },
    Bench {
        limits: Some(&[Limit::median_ppm(1_000)]),
        unit: Unit::PartsPerMillion,
        ..Bench::new(
            "monitor/overhead-cpu",
            "share of CPU time that sampling everything every 10 ms takes, against the same load without it",
        )
    },
    Bench {
        limits: Some(&[Limit::max_mib(1)]),
        unit: Unit::Bytes,
        ..Bench::new("monitor/overhead-memory", "bytes that monitoring holds with 1k processes")
    },
    Bench {
        limits: Some(&[Limit::p99_ms(10)]),
        needs: &[Need::Ring0],
        ..Bench::new("monitor/interval-jitter", "distance of each sample from its 10 ms tick")
    },
];
