//! Administrative operations.

use super::scale::scales;
use super::{Bench, Limit, Need, Suite, Unit};

/// The `admin` suite.
pub(super) static SUITE: Suite = Suite {
    name: "admin",
    about: "Administrative operations",
    limits: &[Limit::p99_ms(1)],
    needs: &[],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench {
        scales: scales!["100", "10k", "100k"],
        scale_is: "users already there",
        ..Bench::new(
            "admin/user-create",
            "add a user with home, shell, groups and a password record; durable in the account journal",
        )
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        ..Bench::new("admin/user-modify", "change shell and group membership of a random user")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        ..Bench::new("admin/user-delete", "remove a user and every membership and session of it")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        ..Bench::new("admin/user-list", "read one page of 100 users in name order from a random start")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        ..Bench::new("admin/user-lookup-name", "find a random user by name")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        ..Bench::new("admin/user-lookup-uid", "find a random user by uid")
    },
    Bench {
        scales: scales!["100", "10k"],
        ..Bench::new("admin/group-member-change", "add and remove a member of a group")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        scale_is: "keys",
        ..Bench::new("admin/config-read", "read one typed value by dotted path")
    },
    Bench {
        scales: scales!["100", "10k", "100k"],
        ..Bench::new("admin/config-write", "write one typed value, schema-checked")
    },
    Bench {
        scales: scales!["100", "1k", "10k"],
        limits: Some(&[Limit::p99_ms(1).at("100")]),
        ..Bench::new("admin/config-validate", "validate a whole tree against its schema")
    },
    Bench::new("admin/config-commit", "commit a transaction of 16 writes to the journal"),
    Bench::new("admin/config-revert", "go back to the previous version"),
    Bench::new("admin/config-watch", "write a key that 16 watchers subscribe to; each is notified"),
    Bench {
        scales: scales!["4ki", "64ki"],
        limits: Some(&[]),
        ..Bench::new("admin/config-parse", "parse a TOML document")
    },
    Bench {
        scales: scales!["10", "1k", "10k"],
        scale_is: "processes already there",
        ..Bench::new(
            "admin/process-create",
            "create a process record with address space and main thread, then reap it",
        )
    },
    Bench {
        scales: scales!["10", "1k", "10k"],
        limits: Some(&[Limit::p99_ms(1).at("1k")]),
        ..Bench::new("admin/process-list", "snapshot the process table in pid order")
    },
    Bench::new("admin/process-suspend-resume", "suspend and resume a runnable thread"),
    Bench::new("admin/process-signal", "deliver a signal to a handler and see it run"),
    Bench::new("admin/process-priority", "change priority and requeue"),
    Bench {
        scales: scales!["10", "1k", "10k"],
        ..Bench::new("admin/process-monitor", "read CPU time, memory and state of one process")
    },
    Bench::new("admin/net-interface-cycle", "bring an interface down, change its address, bring it up"),
    Bench {
        scales: scales!["16", "1k", "100k"],
        scale_is: "routes",
        ..Bench::new("admin/net-route-change", "add and remove a route")
    },
    Bench {
        scales: scales!["16", "1k", "100k"],
        ..Bench::new("admin/net-route-lookup", "longest-prefix match of a random address")
    },
    Bench::new("admin/net-ping-loopback", "ICMP echo request and reply through the whole stack"),
    Bench::new("admin/net-tcp-connect", "TCP connect and close over loopback"),
    Bench {
        limits: Some(&[]),
        unit: Unit::Throughput,
        ..Bench::new("admin/net-tcp-stream", "send 64 KiB over an open loopback TCP connection")
    },
    Bench::new("admin/net-udp-roundtrip", "UDP request and reply over loopback"),
    Bench {
        limits: Some(&[]),
        needs: &[Need::Nic],
        ..Bench::new("admin/net-nic-ping", "ICMP echo to the gateway through the network card")
    },
    Bench {
        limits: Some(&[]),
        needs: &[Need::Nic],
        ..Bench::new("admin/net-nic-dhcp", "acquire an address by DHCP")
    },
    Bench {
        limits: Some(&[]),
        needs: &[Need::Nic],
        ..Bench::new("admin/net-nic-stream", "send 64 KiB to a TCP peer on the wire")
    },
    Bench::new("admin/storage-usage", "report usage of every volume"),
    Bench::new("admin/storage-mount", "mount and unmount a file system"),
    Bench::new("admin/storage-volume", "create, resize and delete a volume"),
    Bench {
        scales: scales!["1mi", "64mi"],
        ..Bench::new("admin/storage-snapshot", "take and drop a snapshot of a volume")
    },
    Bench::new("admin/storage-quota", "set a quota and have one write refused by it"),
    Bench::new("admin/storage-health", "read health and error counters of a device"),
    Bench::new("admin/storage-file", "create, write 4 KiB, fsync, read back, delete a file"),
    Bench {
        scales: scales!["100", "10k"],
        scale_is: "files",
        limits: Some(&[]),
        ..Bench::new("admin/storage-check", "check a file system")
    },
    Bench {
        limits: Some(&[]),
        needs: &[Need::Disk],
        ..Bench::new("admin/storage-read", "random 4 KiB read from the block device")
    },
    Bench {
        limits: Some(&[]),
        needs: &[Need::Disk],
        ..Bench::new("admin/storage-write", "random 4 KiB durable write to the block device")
    },
    Bench {
        limits: Some(&[]),
        needs: &[Need::Disk],
        ..Bench::new("admin/storage-stream", "sequential 1 MiB read from the block device")
    },
    Bench {
        scales: scales!["100", "10k"],
        ..Bench::new("admin/package-query", "query one installed package")
    },
    Bench::new(
        "admin/package-install",
        "install a 64 KiB package of 16 files: verify, unpack, record, commit",
    ),
    Bench::new("admin/package-remove", "remove that package"),
    Bench::new("admin/package-update", "update that package to its next version"),
];
