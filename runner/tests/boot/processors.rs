//! Machines with several processors.

use perf_kernel::wire::{Level, Status};
use runner::collect::BootEnd;

use crate::harness::{Bench, fault_image};

#[test]
fn a_hundred_thousand_of_everything_on_four_cpus_leave_nothing_behind_and_lose_no_wake_up() {
    let bench = Bench::new("smp = 4\nmemory_mib = 1024");
    let plan = "filter = [\"fault/stress\"]\n";
    let boot = bench.boot_plan_on("test", &fault_image(), plan, "stress.transcript");
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
