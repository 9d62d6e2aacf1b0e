//! Concurrent operations.

use super::scale::scales;
use super::{Bench, Limit, Need, Suite, Unit};

/// The `concurrent` suite.
pub(super) static SUITE: Suite =
    Suite { name: "concurrent", about: "Concurrent operations", limits: &[], needs: &[], benches: BENCHES };

static BENCHES: &[Bench] = &[
    Bench {
        scales: scales!["1", "2", "4"],
        scale_is: "threads",
        limits: Some(&[Limit::p99_ms(5).at("4")]),
        ..Bench::new(
            "concurrent/admin-mixed",
            "a mix of user, config and process operations on shared state, per operation",
        )
    },
    Bench {
        scales: scales!["1", "2", "4"],
        limits: Some(&[Limit::p99_us(10).at("1"), Limit::p99_us(100).at("4")]),
        ..Bench::new("concurrent/spin-lock", "acquire and release")
    },
    Bench {
        scales: scales!["1", "2", "4"],
        limits: Some(&[Limit::p99_us(10).at("1"), Limit::p99_us(100).at("4")]),
        ..Bench::new("concurrent/ticket-lock", "acquire and release")
    },
    Bench {
        scales: scales!["1", "2", "4"],
        limits: Some(&[Limit::p99_us(10).at("1"), Limit::p99_us(100).at("4")]),
        ..Bench::new("concurrent/mcs-lock", "acquire and release")
    },
    Bench {
        scales: scales!["1", "2", "4"],
        limits: Some(&[Limit::p99_us(10).at("1"), Limit::p99_us(100).at("4")]),
        ..Bench::new("concurrent/mutex", "acquire and release a blocking mutex")
    },
    Bench {
        scales: scales!["1", "2", "4"],
        limits: Some(&[Limit::p99_us(10).at("1")]),
        ..Bench::new("concurrent/rw-lock-read", "acquire and release for reading")
    },
    Bench {
        scales: scales!["2", "4"],
        limits: Some(&[Limit::p99_us(100).at("4")]),
        ..Bench::new("concurrent/rw-lock-mixed", "nine reads to one write")
    },
    Bench {
        scales: scales!["1", "2", "4"],
        ..Bench::new("concurrent/seq-lock-read", "read a 64-byte record while it is being written")
    },
    Bench {
        scales: scales!["1", "2", "4"],
        ..Bench::new(
            "concurrent/rcu-read",
            "read a published record while it is being replaced and reclaimed",
        )
    },
    Bench {
        scales: scales!["2", "4"],
        unit: Unit::PartsPerMillion,
        ..Bench::new(
            "concurrent/lock-fairness",
            "share of acquisitions per thread in a fixed time: Jain's index",
        )
    },
    Bench {
        scales: scales!["2"],
        ..Bench::new("concurrent/semaphore-handoff", "wake the other thread and be woken")
    },
    Bench { scales: scales!["2"], ..Bench::new("concurrent/condvar-handoff", "signal and be signalled") },
    Bench { scales: scales!["2", "4"], ..Bench::new("concurrent/channel", "send and receive one message") },
    Bench { scales: scales!["2", "4"], ..Bench::new("concurrent/barrier", "one round of a barrier") },
    Bench {
        limits: Some(&[Limit::p99_us(100)]),
        needs: &[Need::Ring0],
        ..Bench::new(
            "concurrent/priority-inversion",
            "a high-priority thread waits for a lock that a low one holds while a middle one spins",
        )
    },
    Bench {
        scales: scales!["2", "16", "256"],
        scale_is: "threads",
        ..Bench::new("concurrent/deadlock-detect", "one block operation with detection on, no deadlock")
    },
    Bench {
        scales: scales!["2", "16", "64"],
        scale_is: "threads in the cycle",
        ..Bench::new(
            "concurrent/deadlock-resolve",
            "a real cycle of blocked threads: detected, a victim chosen and rolled back, the rest finish",
        )
    },
];
