//! Security operations.

use super::{aead, digest, random, signature};
use crate::suites::scale::scales;
use crate::suites::{Bench, Body, Limit, Suite};

/// The `security` suite.
pub(in crate::suites) static SUITE: Suite =
    Suite { name: "security", about: "Security operations", limits: &[], needs: &[], benches: BENCHES };

static BENCHES: &[Bench] = &[
    Bench {
        limits: Some(&[Limit::p99_ms(10)]),
        ..Bench::new(
            "security/auth-login",
            "password login: Argon2id verify, lock-out check, session opened, audited",
        )
    },
    Bench {
        limits: Some(&[Limit::p99_ms(10)]),
        ..Bench::new(
            "security/auth-login-refused",
            "the same with a wrong password; must cost the same as an unknown user",
        )
    },
    Bench {
        limits: Some(&[Limit::p99_ms(10)]),
        ..Bench::new("security/auth-token-issue", "issue a signed token")
    },
    Bench {
        limits: Some(&[Limit::p99_ms(10)]),
        ..Bench::new("security/auth-token-validate", "validate signature, expiry, audience and revocation")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        scale_is: "sessions",
        limits: Some(&[Limit::p99_ms(10)]),
        ..Bench::new("security/auth-session-open", "open and close a session")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        limits: Some(&[Limit::p99_ms(10)]),
        ..Bench::new("security/auth-session-lookup", "look a session up by its secret in constant time")
    },
    Bench {
        scales: scales!["1k", "100k"],
        limits: Some(&[]),
        ..Bench::new("security/auth-session-sweep", "drop the expired tenth of all sessions")
    },
    Bench {
        scales: scales!["64", "1ki", "16ki", "1mi"],
        scale_is: "bytes",
        limits: Some(&[Limit::p99_ms(1).per_kib()]),
        body: Body::Built(aead::seal_aes),
        ..Bench::new("security/seal-aes256gcm", "encrypt and authenticate")
    },
    Bench {
        scales: scales!["64", "1ki", "16ki", "1mi"],
        limits: Some(&[Limit::p99_ms(1).per_kib()]),
        body: Body::Built(aead::open_aes),
        ..Bench::new("security/open-aes256gcm", "decrypt and verify")
    },
    Bench {
        scales: scales!["64", "1ki", "16ki", "1mi"],
        limits: Some(&[Limit::p99_ms(1).per_kib()]),
        body: Body::Built(aead::seal_chacha),
        ..Bench::new("security/seal-chacha20poly1305", "encrypt and authenticate")
    },
    Bench {
        scales: scales!["64", "1ki", "16ki", "1mi"],
        limits: Some(&[Limit::p99_ms(1).per_kib()]),
        body: Body::Built(aead::open_chacha),
        ..Bench::new("security/open-chacha20poly1305", "decrypt and verify")
    },
    Bench {
        scales: scales!["64", "1ki", "1mi"],
        body: Body::Built(digest::hash_sha256),
        ..Bench::new("security/hash-sha256", "digest")
    },
    Bench {
        scales: scales!["64", "1ki", "1mi"],
        body: Body::Built(digest::hash_blake3),
        ..Bench::new("security/hash-blake3", "digest")
    },
    Bench { body: Body::Built(signature::sign), ..Bench::new("security/sign-ed25519", "sign 64 bytes") },
    Bench {
        body: Body::Built(signature::verify),
        ..Bench::new("security/verify-ed25519", "verify that signature")
    },
    Bench {
        scales: scales!["32", "1ki"],
        body: Body::Built(random::fill),
        ..Bench::new("security/random-fill", "fill a buffer from the kernel generator")
    },
    Bench::new("security/key-create", "generate a data key and wrap it under the master key"),
    Bench {
        scales: scales!["100", "10k"],
        scale_is: "keys held",
        ..Bench::new("security/key-unwrap", "unwrap a data key")
    },
    Bench {
        scales: scales!["100", "10k"],
        limits: Some(&[]),
        ..Bench::new("security/key-rotate", "rotate the master key and re-wrap every data key")
    },
    Bench {
        scales: scales!["1", "16", "1k"],
        scale_is: "entries",
        limits: Some(&[Limit::p99_us(100)]),
        ..Bench::new("security/acl-check", "decide access by an access control list")
    },
    Bench {
        scales: scales!["1", "8", "32"],
        scale_is: "depth",
        limits: Some(&[Limit::p99_us(100)]),
        ..Bench::new("security/acl-inherit", "decide access at the bottom of a directory path that inherits")
    },
    Bench {
        scales: scales!["10", "1k", "10k"],
        scale_is: "roles",
        limits: Some(&[Limit::p99_us(100)]),
        ..Bench::new("security/rbac-check", "decide a permission for a user")
    },
    Bench {
        scales: scales!["1", "8", "32"],
        scale_is: "hierarchy depth",
        limits: Some(&[Limit::p99_us(100)]),
        ..Bench::new("security/rbac-inherit", "decide a permission that comes from a senior role")
    },
    Bench {
        scales: scales!["10", "1k", "10k"],
        ..Bench::new("security/rbac-change", "grant and revoke a role; the next check must see it")
    },
    Bench::new("security/audit-append", "append one tamper-evident event"),
    Bench::new("security/audit-append-durable", "the same, on disk before it returns"),
    Bench {
        scales: scales!["1k", "100k"],
        scale_is: "events",
        limits: Some(&[]),
        ..Bench::new("security/audit-verify", "verify the whole log; one flipped bit must be found")
    },
    Bench {
        scales: scales!["1k", "100k"],
        ..Bench::new("security/audit-query", "the last 100 events of one user")
    },
    Bench {
        scales: scales!["10", "1k"],
        limits: Some(&[]),
        ..Bench::new("security/policy-compile", "compile a policy set")
    },
    Bench {
        scales: scales!["10", "1k", "10k"],
        scale_is: "rules",
        limits: Some(&[Limit::p99_us(100)]),
        ..Bench::new("security/policy-evaluate", "evaluate a request against attribute rules")
    },
    Bench {
        limits: Some(&[Limit::p99_us(100)]),
        ..Bench::new(
            "security/policy-enforce",
            "an operation that the policy hook allows, then one that it denies and audits",
        )
    },
];
