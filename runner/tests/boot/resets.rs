//! Machines that are reset in the middle of a boot, and go on behind the bench that ran.

use std::time::Duration;

use perf_kernel::wire::{BenchRecord, Status};
use runner::collect::{Boot, BootEnd};

use crate::harness::{Bench, fault_image};

/// Benches before and behind those of the suite that ends the kernel.
const GOOD: [&str; 5] = [
    "env/timer-pair",
    "kernel/thread-switch",
    "kernel/page-map-unmap",
    "memory/alloc-small",
    "fault/checked-load",
];

fn plan(more: &[&str], keys: &str) -> String {
    let filters: Vec<String> = GOOD.iter().chain(more).map(|filter| format!("\"{filter}\"")).collect();
    format!("filter = [{}]\n{keys}", filters.join(", "))
}

fn offender<'a>(boot: &'a Boot, id: &str) -> &'a BenchRecord {
    let record = boot.benches.iter().find(|record| record.id == id);
    let record = record.unwrap_or_else(|| panic!("{id}: {boot:#?}"));
    assert_eq!((record.status, record.summary.as_ref()), (Status::Failed, None), "{record:#?}");
    record
}

/// Every bench of [`GOOD`] is measured, once.
fn are_measured(boot: &Boot) {
    for id in GOOD {
        let records: Vec<&BenchRecord> =
            boot.benches.iter().filter(|record| record.id.starts_with(id)).collect();
        assert!(!records.is_empty(), "{id}: {boot:#?}");
        assert!(records.iter().all(|record| record.status == Status::Measured), "{id}: {records:#?}");
    }
    let mut ids: Vec<&str> = boot.benches.iter().map(|record| record.id.as_str()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
}

fn resets(boot: &Boot) -> Option<u32> {
    boot.hello.as_ref()?.resumes.as_ref().map(|resumes| resumes.resets)
}

#[test]
fn benches_that_need_a_reset_cost_only_themselves_and_figures_are_those_without_them() {
    let bench = Bench::new("");
    let image = fault_image("bios");
    let without = bench.boot_plan_exactly(&image, &plan(&[], ""), "without.transcript");
    assert_eq!((without.end, resets(&without)), (BootEnd::Done, None), "{without:#?}");
    let more = ["reset/machine-check", "reset/broken-seal", "reset/triple-fault"];
    let boot = bench.boot_plan_exactly(&image, &plan(&more, ""), "resets.transcript");
    assert_eq!((boot.end, resets(&boot)), (BootEnd::FailedBenches, Some(3)), "{boot:#?}");
    assert_eq!(boot.damage.is_manifest_kept, Some(true), "{boot:#?}");
    are_measured(&boot);
    let causes = [("reset/machine-check", "#MC"), ("reset/broken-seal", "#PF")];
    for (id, cause) in causes {
        let crash = offender(&boot, id).crash.as_ref().expect("its crash");
        assert_eq!((crash.cause.as_str(), crash.bench.as_deref()), (cause, Some(id)));
        assert!(crash.backtrace.len() >= 3 && crash.registers.is_some(), "{crash:#x?}");
    }
    let reason = offender(&boot, "reset/triple-fault").reason.as_deref();
    assert_eq!(reason, Some("quarantined: the machine was reset while it ran"));
    for record in &without.benches {
        let again = boot.benches.iter().find(|other| other.id == record.id).expect("it was run");
        assert_eq!((&record.summary, &record.checksum), (&again.summary, &again.checksum), "{}", record.id);
    }
    let told = "resumed after 3 resets; quarantined: reset/machine-check (#MC), reset/broken-seal (#PF), \
                reset/triple-fault (the machine was reset while it ran)";
    assert_eq!(boot.end_detail, told);
    let replayed = bench.call(&["replay", "resets.transcript"]);
    assert_eq!(replayed.code, 5, "{replayed:#?}");
    assert!(replayed.output.contains("resumed after 3 resets; quarantined: "), "{replayed:#?}");
}

#[test]
fn a_machine_that_hangs_is_reset_from_outside() {
    // Longer than firmware and loader take, which are silent too, on a busy host.
    let bench = Bench::new("").with_silence(Duration::from_secs(15));
    // The kernel's own watchdog would end the bench in place.
    let plan = plan(&["reset/spin"], "bench_s_max = 600\n");
    let boot = bench.boot_plan(&fault_image("bios"), &plan, "hang.transcript");
    assert_eq!((boot.end, resets(&boot)), (BootEnd::FailedBenches, Some(1)), "{boot:#?}");
    are_measured(&boot);
    let reason = offender(&boot, "reset/spin").reason.clone().unwrap_or_default();
    assert!(reason.starts_with("quarantined: "), "{reason}");
}

#[test]
fn memory_outlasts_a_reset_under_uefi() {
    let bench = Bench::new("");
    let boot = bench.boot_plan_on(
        "uefi",
        &fault_image("uefi"),
        &plan(&["reset/machine-check"], ""),
        "uefi.transcript",
    );
    assert_eq!((boot.end, resets(&boot)), (BootEnd::FailedBenches, Some(1)), "{boot:#?}");
    are_measured(&boot);
    offender(&boot, "reset/machine-check");
}

#[test]
fn without_resets_the_boot_ends_with_the_crash() {
    let bench = Bench::new("");
    let plan = plan(&["reset/machine-check"], "resets_max = 0\n");
    let boot = bench.boot_plan_exactly(&fault_image("bios"), &plan, "crash.transcript");
    assert_eq!((boot.end, resets(&boot)), (BootEnd::Crashed, None), "{boot:#?}");
    assert_eq!(boot.crash.as_ref().and_then(|crash| crash.bench.as_deref()), Some("reset/machine-check"));
}
