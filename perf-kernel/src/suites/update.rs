//! The update system.

use super::scale::scales;
use super::{Bench, Limit, Suite};

/// The `update` suite.
pub(super) static SUITE: Suite = Suite {
    name: "update",
    about: "The update system",
    limits: &[Limit::p99_ms(5)],
    needs: &[],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench {
        scales: scales!["64ki", "1mi"],
        scale_is: "package bytes",
        ..Bench::new(
            "update/package-install",
            "install a package as a transaction: signature, unpack, file conflicts, commit",
        )
    },
    Bench {
        scales: scales!["64ki", "1mi"],
        ..Bench::new("update/package-remove", "remove it as a transaction")
    },
    Bench {
        scales: scales!["64ki", "1mi"],
        ..Bench::new("update/package-update", "update it through a delta as a transaction")
    },
    Bench {
        scales: scales!["64ki", "1mi", "16mi"],
        limits: Some(&[]),
        ..Bench::new("update/delta-generate", "make a binary delta between two versions")
    },
    Bench {
        scales: scales!["64ki", "1mi", "16mi"],
        limits: Some(&[Limit::p99_ms(5).at("64ki")]),
        ..Bench::new("update/delta-apply", "apply it")
    },
    Bench {
        scales: scales!["64ki", "1mi", "16mi"],
        limits: Some(&[Limit::p99_ms(5).at("64ki")]),
        ..Bench::new("update/delta-validate", "check a delta and its result without applying it")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        scale_is: "packages",
        limits: Some(&[]),
        ..Bench::new("update/repo-index-build", "index a repository")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        ..Bench::new("update/repo-index-lookup", "find a package by name")
    },
    Bench { scales: scales!["100", "10k", "100k"], ..Bench::new("update/repo-search", "search by word") },
    Bench::new(
        "update/repo-verify",
        "verify signed metadata: threshold, expiry, no roll-back, no mix-and-match",
    ),
    Bench {
        scales: scales!["100", "10k"],
        limits: Some(&[]),
        ..Bench::new("update/repo-sync-full", "synchronise an empty client")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        limits: Some(&[Limit::p99_ms(5).at("10k")]),
        ..Bench::new("update/repo-sync-delta", "synchronise after 1 % changed")
    },
    Bench {
        scales: scales!["100", "10k"],
        scale_is: "files",
        ..Bench::new("update/rollback-snapshot", "record a new system generation")
    },
    Bench {
        scales: scales!["100", "10k"],
        ..Bench::new("update/rollback-restore", "switch back one generation")
    },
    Bench {
        scales: scales!["100", "10k"],
        ..Bench::new("update/rollback-recover", "recover a system whose update was cut at a random write")
    },
    Bench {
        scales: scales!["100", "10k"],
        ..Bench::new("update/rollback-prune", "drop the oldest generation and reclaim its space")
    },
    Bench {
        scales: scales!["10", "1k", "10k"],
        scale_is: "packages",
        limits: Some(&[Limit::p99_ms(5).at("1k")]),
        ..Bench::new("update/resolve-chain", "resolve a chain")
    },
    Bench {
        scales: scales!["10", "1k"],
        limits: Some(&[Limit::p99_ms(5).at("10")]),
        ..Bench::new("update/resolve-diamond", "resolve diamonds with version ranges")
    },
    Bench {
        scales: scales!["10", "1k"],
        limits: Some(&[Limit::p99_ms(5).at("10")]),
        ..Bench::new("update/resolve-conflict", "find the one solution behind many conflicts")
    },
    Bench {
        scales: scales!["10", "1k"],
        limits: Some(&[Limit::p99_ms(5).at("10")]),
        ..Bench::new("update/resolve-unsat", "prove that there is no solution and say why")
    },
    Bench {
        limits: Some(&[Limit::p99_ms(5)]),
        ..Bench::new(
            "update/resolve-real",
            "resolve a real distribution package with its real dependency graph",
        )
    },
];
