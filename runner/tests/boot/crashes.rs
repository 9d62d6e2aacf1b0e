//! Kernels that go on after a bench that faults or panics, and those that end in an exception or a refusal.

use perf_kernel::wire::{BenchRecord, Status};
use runner::collect::{Boot, BootEnd};

use crate::harness::{Bench, fault_image, fault_kernel, image};

const FAILED_BENCHES: i32 = 5;

/// Benches before and after those of the suite that misbehaves, in one boot or another.
const GOOD: [&str; 6] = [
    "env/timer-pair",
    "kernel/thread-switch",
    "kernel/thread-spawn-join",
    "kernel/page-map-unmap",
    "kernel/process-spawn-exit",
    "memory/",
];

/// What misbehaves, with its cause and a function of its backtrace.
const CRASHES: [(&str, &str, &str); 9] = [
    ("page-fault", "#PF", "page_fault"),
    ("invalid-opcode", "#UD", "invalid_opcode"),
    ("general-protection", "#GP", "general_protection"),
    ("stack-overflow", "#PF", "recurse at perf-kernel"),
    ("thread-stack-overflow", "#PF", "recurse at perf-kernel"),
    ("divide", "#DE", "divide"),
    ("panic", "panic", "fault.rs"),
    ("heap-exhaustion", "panic", "alloc"),
    ("dead-lock", "panic", "idle"),
];

fn boot(bench: &Bench, filters: &[&str]) -> Boot {
    let quoted: Vec<String> = filters.iter().map(|filter| format!("\"{filter}\"")).collect();
    bench.boot_plan_exactly(
        &fault_image("bios"),
        &format!("filter = [{}]\n", quoted.join(", ")),
        "crash.transcript",
    )
}

fn record<'a>(boot: &'a Boot, id: &str) -> &'a BenchRecord {
    boot.benches.iter().find(|record| record.id == id).unwrap_or_else(|| panic!("{id}: {boot:#?}"))
}

#[test]
fn benches_that_misbehave_cost_only_themselves() {
    let bench = Bench::new("");
    let faults: Vec<String> = CRASHES.iter().map(|(name, _, _)| format!("fault/{name}")).collect();
    let more =
        ["fault/checked-load", "fault/frame-exhaustion", "fault/privileged-program", "fault/heap-leak"];
    let filters: Vec<&str> = GOOD.into_iter().chain(faults.iter().map(String::as_str)).chain(more).collect();
    let mixed = boot(&bench, &[&filters[..], &["fault/frame-leak"]].concat());
    assert_eq!(mixed.end, BootEnd::FailedBenches, "{mixed:#?}");
    assert_eq!((mixed.crash.as_ref(), mixed.damage.is_manifest_kept), (None, Some(true)), "{mixed:#?}");
    for (name, cause, _) in CRASHES {
        let record = record(&mixed, &format!("fault/{name}"));
        assert_eq!((record.status, record.summary.as_ref()), (Status::Failed, None), "{record:#?}");
        let crash = record.crash.as_ref().expect("its crash");
        assert_eq!((crash.cause.as_str(), crash.bench.as_deref()), (cause, Some(record.id.as_str())));
        assert_eq!(crash.registers.is_some(), cause != "panic");
        assert!(crash.backtrace.len() >= 3 && crash.ticks.is_some(), "{crash:#x?}");
    }
    for (id, what) in [("fault/heap-leak", "100 bytes"), ("fault/frame-leak", "4 frames")] {
        let reason = record(&mixed, id).reason.clone().unwrap_or_default();
        assert!(reason.starts_with("left behind") && reason.contains(what), "{reason}");
    }
    for id in ["fault/checked-load", "fault/privileged-program"] {
        assert_eq!(record(&mixed, id).status, Status::Measured, "{mixed:#?}");
    }
    let called = bench.call(&["replay", "crash.transcript", "--elf", fault_kernel().to_str().expect("text")]);
    assert_eq!(called.code, FAILED_BENCHES, "{called:#?}");
    for word in CRASHES.iter().flat_map(|(name, cause, function)| [name, cause, function]) {
        assert!(called.output.contains(word), "{word} is not on the page:\n{}", called.output);
    }
}

/// The suite that misbehaves comes last in the catalogue; these are the same benches in boots with and without it, before
/// and after which the heap, the frames and the threads are as new.
#[test]
fn figures_are_those_of_a_boot_without_benches_that_misbehave() {
    let bench = Bench::new("");
    let good = ["fault/checked-load", "fault/privileged-program"];
    let faults: Vec<String> = CRASHES.iter().map(|(name, _, _)| format!("fault/{name}")).collect();
    let alone = boot(&bench, &good);
    let after = boot(&bench, &faults.iter().map(String::as_str).chain(good).collect::<Vec<_>>());
    for id in good {
        let (alone, after) = (record(&alone, id), record(&after, id));
        assert_eq!(alone.status, Status::Measured, "{alone:#?}");
        assert_eq!((&alone.summary, &alone.checksum), (&after.summary, &after.checksum), "{id}");
    }
    let single = boot(&bench, &["memory/alloc-parallel"]);
    let all = boot(&bench, &["env/", "kernel/", "memory/"]);
    let id = "memory/alloc-parallel/1";
    assert_eq!(
        record(&single, id).summary,
        record(&all, id).summary,
        "earlier benches leave no trace in the heap"
    );
}

#[test]
fn a_plan_that_the_kernel_does_not_understand_is_refused() {
    let boot = Bench::new("").boot_plan(&image("bios"), "sample_max = 3\n", "refused.transcript");
    assert_eq!(boot.end, BootEnd::Refused, "{boot:#?}");
    assert!(boot.end_detail.contains("sample_max"), "{boot:#?}");
}
