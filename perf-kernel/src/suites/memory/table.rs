//! Memory use and optimisation.

use super::{alloc, bandwidth, cache, collect, parallel, replay};
use crate::suites::scale::scales;
use crate::suites::{Bench, Body, Limit, Need, Suite, Unit};

/// The `memory` suite.
pub(in crate::suites) static SUITE: Suite =
    Suite { name: "memory", about: "Memory use and optimisation", limits: &[], needs: &[], benches: BENCHES };

static BENCHES: &[Bench] = &[
    Bench {
        scales: scales!["16", "64", "256", "1024"],
        scale_is: "bytes",
        limits: Some(&[Limit::p99_us(1)]),
        body: Body::Built(alloc::small),
        ..Bench::new("memory/alloc-small", "allocate and free")
    },
    Bench {
        scales: scales!["1mi", "4mi", "64mi"],
        limits: Some(&[Limit::p99_us(10)]),
        body: Body::Built(alloc::large),
        ..Bench::new("memory/alloc-large", "allocate and free")
    },
    Bench {
        scales: scales!["64", "64ki"],
        body: Body::Built(alloc::resize),
        ..Bench::new("memory/realloc", "grow and shrink a vector-like block")
    },
    Bench {
        scales: scales!["1mi", "64mi"],
        scale_is: "live bytes",
        body: Body::Built(replay::trace),
        ..Bench::new(
            "memory/alloc-trace",
            "one operation of a recorded mixed trace (sizes, lifetimes) with a live heap",
        )
    },
    Bench {
        scales: scales!["1", "2", "4"],
        scale_is: "CPUs",
        body: Body::Built(parallel::hand_over),
        ..Bench::new("memory/alloc-parallel", "allocate here, free on another CPU")
    },
    Bench {
        scales: scales!["4ki", "2mi"],
        body: Body::Built(alloc::frames),
        ..Bench::new("memory/frame-alloc", "allocate and free a physical block")
    },
    Bench {
        scales: scales!["16ki", "256ki", "8mi", "64mi"],
        scale_is: "bytes",
        limits: Some(&[Limit::hit_rate_percent(90)]),
        body: Body::Built(cache::sequential),
        ..Bench::new("memory/cache-sequential", "walk a buffer in order: hit rate, latency per access")
    },
    Bench {
        scales: scales!["16ki", "256ki", "8mi", "64mi"],
        body: Body::Built(cache::random),
        ..Bench::new("memory/cache-random", "pointer chase in random order")
    },
    Bench {
        scales: scales!["16ki", "256ki", "8mi", "64mi"],
        body: Body::Built(cache::strided),
        ..Bench::new("memory/cache-strided", "walk with a stride of 64, 256 and 4096 bytes")
    },
    Bench {
        scales: scales!["16ki", "8mi", "64mi"],
        unit: Unit::Throughput,
        body: Body::Built(bandwidth::read),
        ..Bench::new("memory/bandwidth-read", "read")
    },
    Bench {
        scales: scales!["16ki", "8mi", "64mi"],
        unit: Unit::Throughput,
        body: Body::Built(bandwidth::write),
        ..Bench::new("memory/bandwidth-write", "write")
    },
    Bench {
        scales: scales!["16ki", "8mi", "64mi"],
        unit: Unit::Throughput,
        body: Body::Built(bandwidth::copy),
        ..Bench::new("memory/bandwidth-copy", "copy")
    },
    Bench {
        needs: &[Need::Ring0],
        ..Bench::new("memory/tlb-miss", "touch one word per page over more pages than the TLB holds")
    },
    Bench {
        limits: Some(&[Limit::max_ppm(50_000)]),
        unit: Unit::PartsPerMillion,
        ..Bench::new(
            "memory/fragmentation",
            "a long mixed workload, then the share of free memory that the largest request cannot use",
        )
    },
    Bench::new("memory/fragmentation-pattern", "classify the free map: sparse, comb, tail"),
    Bench::new("memory/compaction", "relocate movable blocks until the largest free block meets the request"),
    Bench {
        body: Body::Built(collect::allocate),
        ..Bench::new("memory/gc-allocate", "allocate one managed object")
    },
    Bench {
        scales: scales!["1k", "100k"],
        scale_is: "live objects",
        body: Body::Built(collect::minor),
        ..Bench::new("memory/gc-minor", "collect the young generation")
    },
    Bench {
        scales: scales!["1k", "100k"],
        body: Body::Built(collect::major),
        ..Bench::new("memory/gc-major", "collect everything, cycles included")
    },
    Bench {
        scales: scales!["1k", "100k"],
        body: Body::Built(collect::pause),
        ..Bench::new("memory/gc-pause", "longest stop of an incremental collection")
    },
    Bench {
        body: Body::Built(collect::cleanup),
        ..Bench::new("memory/gc-cleanup", "run the finalisers of dead objects")
    },
];
