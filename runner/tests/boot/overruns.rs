//! Benches that never end, and benches that misbehave on a CPU other than the first.

use std::ffi::OsString;

use perf_kernel::wire::{BenchRecord, Crash, Level, Status};
use runner::collect::{Boot, BootEnd};

use crate::harness::{Bench, fault_image, fault_kernel};

const OVERRAN: &str = "overran its deadline";

/// What never ends on one CPU, with words of its crash's message and a function that is on its page.
const OVERRUNS: [(&str, &str, &str); 6] = [
    ("endless-loop", "in the kernel with interrupts off", "endless"),
    ("interruptible-loop", "in the kernel with interrupts on", "endless"),
    ("endless-program", "in user mode", "process"),
    ("endless-calls", "it still ran after 2 s", "process"),
    ("crossed-locks", "in the kernel with interrupts off", "thread_system"),
    ("spin-lock", "in the kernel with interrupts off", "take_again"),
];

fn record<'a>(boot: &'a Boot, id: &str) -> &'a BenchRecord {
    boot.benches.iter().find(|record| record.id == id).unwrap_or_else(|| panic!("{id}: {boot:#?}"))
}

/// The crash of the only thing that this bench's record has.
fn crash<'a>(boot: &'a Boot, id: &str) -> &'a Crash {
    let record = record(boot, id);
    assert_eq!((record.status, record.summary.as_ref()), (Status::Failed, None), "{record:#?}");
    let crash = record.crash.as_ref().unwrap_or_else(|| panic!("{record:#?}"));
    assert_eq!(crash.bench.as_deref(), Some(id));
    assert!(!crash.backtrace.is_empty() && crash.ticks.is_some(), "{crash:#x?}");
    crash
}

fn plan(ids: &[&str], bench_s_max: u32) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!("filter = [{}]\nbench_s_max = {bench_s_max}\nexit_port = 244\n", quoted.join(", "))
}

#[test]
fn benches_that_never_end_cost_only_themselves() {
    let bench = Bench::new("");
    let offenders: Vec<String> = OVERRUNS.iter().map(|(name, _, _)| format!("fault/{name}")).collect();
    let others = ["fault/unexpected-privilege", "fault/thread-leak", "fault/endless-threads"];
    let good = ["kernel/thread-spawn-join", "kernel/process-spawn-exit", "fault/privileged-program"];
    let ids: Vec<&str> = offenders.iter().map(String::as_str).chain(others).chain(good).collect();
    let boot = bench.boot_plan(&fault_image("bios"), &plan(&ids, 2), "overrun.transcript");
    assert_eq!(boot.end, BootEnd::FailedBenches, "{boot:#?}");
    assert_eq!((boot.crash.as_ref(), boot.damage.is_manifest_kept), (None, Some(true)), "{boot:#?}");
    let is_watched = |text: &str| text.starts_with("watchdog: comparator 2 of the HPET");
    assert!(boot.log.iter().any(|log| log.level == Level::Info && is_watched(&log.text)), "{:?}", boot.log);
    for (name, words, _) in OVERRUNS.into_iter().chain([("endless-threads", "in the kernel", "")]) {
        let crash = crash(&boot, &format!("fault/{name}"));
        assert_eq!((crash.cause.as_str(), crash.cpu), (OVERRAN, 0), "{crash:#x?}");
        assert!(crash.message.contains(words) && crash.registers.is_some(), "{crash:#x?}");
    }
    let reason = |id: &str| record(&boot, id).reason.clone().unwrap_or_default();
    assert!(reason("fault/unexpected-privilege").contains("vector: d"), "{boot:#?}");
    assert!(reason("fault/thread-leak").contains("left behind"), "{boot:#?}");
    for id in good {
        assert_eq!(record(&boot, id).status, Status::Measured, "{boot:#?}");
    }
    let called =
        bench.call(&["replay", "overrun.transcript", "--elf", fault_kernel().to_str().expect("text")]);
    for word in OVERRUNS.iter().flat_map(|(name, _, function)| [name, function]) {
        assert!(called.output.contains(word), "{word} is not on the page:\n{}", called.output);
    }
}

#[test]
fn what_goes_wrong_on_another_cpu_costs_the_bench_alone() {
    let bench = Bench::new("smp = 4\nmemory_mib = 1024");
    let ids = [
        "fault/endless-threads",
        "fault/other-endless-loop",
        "fault/other-panic",
        "fault/other-page-fault",
        "fault/other-stack-overflow",
        "fault/all-page-fault",
        "fault/privileged-program",
        "kernel/ipi-roundtrip",
    ];
    let boot = bench.boot_plan_on("test", &fault_image("bios"), &plan(&ids, 2), "others.transcript");
    assert_eq!(boot.end, BootEnd::FailedBenches, "{boot:#?}");
    assert_eq!(boot.crash.as_ref(), None, "{boot:#?}");
    let looped = crash(&boot, "fault/other-endless-loop");
    assert_eq!((looped.cause.as_str(), looped.cpu), (OVERRAN, 0), "{looped:#x?}");
    assert!(looped.message.contains("; CPU 1 was at 0x"), "{looped:#x?}");
    assert_eq!(crash(&boot, "fault/endless-threads").cause, OVERRAN);
    for (id, cause) in
        [("other-panic", "panic"), ("other-page-fault", "#PF"), ("other-stack-overflow", "#PF")]
    {
        let crash = crash(&boot, &format!("fault/{id}"));
        assert_eq!((crash.cause.as_str(), crash.cpu), (cause, 1), "{crash:#x?}");
        assert_eq!(crash.registers.is_some(), cause != "panic", "{crash:#x?}");
    }
    assert_eq!(crash(&boot, "fault/all-page-fault").cause, "#PF");
    for id in ["fault/privileged-program", "kernel/ipi-roundtrip"] {
        assert_eq!(record(&boot, id).status, Status::Measured, "{boot:#?}");
    }
}

#[test]
fn system_calls_are_right_wherever_non_maskable_interrupts_come() {
    let bench = Bench::new("smp = 2");
    let id = "fault/disturbed-calls";
    let boot = bench.boot_plan_on("test", &fault_image("bios"), &plan(&[id], 45), "disturbed.transcript");
    assert_eq!(record(&boot, id).status, Status::Measured, "{boot:#?}");
    let ledger = boot.ledger.as_ref().expect("a ledger");
    assert!(ledger.nmi_count > Some(100), "they are counted: {ledger:#?}");
}

#[test]
fn figures_are_those_of_a_boot_without_benches_that_never_end() {
    let bench = Bench::new("");
    let boot =
        |ids: &[&str]| bench.boot_plan_exactly(&fault_image("bios"), &plan(ids, 1), "exact.transcript");
    let id = "fault/privileged-program";
    let (alone, after) = (boot(&[id]), boot(&["fault/endless-program", id]));
    assert_eq!(crash(&after, "fault/endless-program").cause, OVERRAN);
    let (alone, after) = (record(&alone, id), record(&after, id));
    assert_eq!(alone.status, Status::Measured, "{alone:#?}");
    assert_eq!((&alone.summary, &alone.checksum), (&after.summary, &after.checksum));
}

/// Boots a machine whose watchdog is another: `words` are those of its description.
fn is_watched_otherwise(keys: &str, devices: &[&str], words: &str) {
    let bench = Bench::new(keys);
    let ids = ["fault/endless-loop", "fault/privileged-program"];
    let devices = devices.iter().map(OsString::from).collect();
    let boot = bench.boot_devices("test", &fault_image("bios"), &plan(&ids, 2), "other.transcript", devices);
    assert!(boot.log.iter().any(|log| log.text.contains(words)), "{:?}", boot.log);
    assert_eq!(crash(&boot, "fault/endless-loop").cause, OVERRAN);
    assert_eq!(record(&boot, "fault/privileged-program").status, Status::Measured, "{boot:#?}");
}

#[test]
fn a_machine_without_an_hpet_is_watched_by_its_interval_timer() {
    is_watched_otherwise("machine = \"q35,hpet=off\"", &[], "watchdog: channel 0 of the 8254, by line 2");
}

#[test]
fn an_hpet_with_messages_needs_no_line() {
    is_watched_otherwise("", &["-global", "hpet.msi=on"], "watchdog: comparator 2 of the HPET, by messages");
}
