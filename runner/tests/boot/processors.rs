//! Machines with several processors.

use perf_kernel::wire::{Level, Status};
use runner::collect::BootEnd;

use crate::harness::{Bench, fault_image, image};

#[test]
fn a_hundred_thousand_of_everything_on_four_cpus_leave_nothing_behind_and_lose_no_wake_up() {
    let bench = Bench::new("smp = 4\nmemory_mib = 1024\nsilence_s_max = 600");
    let plan = "filter = [\"fault/stress\"]\nbench_ms_max = 590000\nbench_s_max = 590\n";
    let boot = bench.boot_plan_on("test", &fault_image("bios"), plan, "stress.transcript");
    assert_eq!(boot.end, BootEnd::Done, "{boot:#?}");
    let machine = boot.machine.as_ref().expect("a machine record");
    assert_eq!((machine.cpus_present, machine.cpus_started), (4, 4));
    let [record] = boot.benches.as_slice() else { panic!("one bench: {boot:#?}") };
    // The kernel fails the bench if a frame, a stack, a thread or a wake-up is missing.
    assert_eq!(record.status, Status::Measured, "{record:#?}");
    let wakeups =
        record.figures.iter().find(|figure| figure.name == "thread_wakeups").map(|figure| figure.value);
    assert_eq!(wakeups, Some(200_000));
    let skews =
        boot.log.iter().filter(|log| log.level == Level::Info && log.text.contains("time stamp counters"));
    assert_eq!(skews.count(), 1, "how far counters are apart is reported: {:?}", boot.log);
}

/// Boots with `cpus` processors: every bench of the `kernel` suite at every scale is measured, or needs more of them.
fn kernel_suite_is_measured(firmware: &str, cpus: usize) {
    let bench = Bench::new(&format!("firmware = \"{firmware}\"\nsmp = {cpus}\nmemory_mib = 1024"));
    let called = bench.boot(&image(firmware), "test", &["kernel/"], &["--scales", "all"]);
    assert_eq!(called.code, 0, "{called:#?}");
    let results = bench.results();
    let boot = &results["boots"][0];
    assert_eq!(boot["end"], "done", "{results:#}");
    let benches = boot["benches"].as_array().expect("benches");
    let skipped =
        benches.iter().filter(|bench| bench["status"] == "skipped").map(|bench| bench["id"].as_str());
    let expected: &[&str] = match cpus {
        1 => &["kernel/ipi-roundtrip", "kernel/tlb-shootdown/2", "kernel/tlb-shootdown/4"],
        2 => &["kernel/tlb-shootdown/4"],
        _ => &[],
    };
    assert_eq!(skipped.flatten().collect::<Vec<_>>(), expected, "{benches:#?}");
    let measured = benches.iter().filter(|bench| bench["status"] == "measured").count();
    assert_eq!(measured + expected.len(), 26, "{benches:#?}");
}

#[test]
fn the_kernel_suite_is_measured_on_one_cpu() {
    kernel_suite_is_measured("uefi", 1);
}

#[test]
fn the_kernel_suite_is_measured_on_two_cpus() {
    kernel_suite_is_measured("bios", 2);
}

#[test]
fn the_kernel_suite_is_measured_on_four_cpus() {
    kernel_suite_is_measured("uefi", 4);
}
