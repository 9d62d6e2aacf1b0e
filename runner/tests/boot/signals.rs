//! Programs in user mode that send and catch signals, and that leave the CPU to others though they do not ask for it.

use perf_kernel::wire::{BenchRecord, Status};
use runner::collect::{Boot, BootEnd};

use crate::harness::{Bench, fault_image};

/// Instructions of a signal to oneself: the call, the handler and the way back.
const DELIVERY_INSTRUCTIONS_MAX: u64 = 800;

fn measured<'a>(boot: &'a Boot, id: &str) -> &'a BenchRecord {
    let record = boot.benches.iter().find(|record| record.id == id);
    let record = record.unwrap_or_else(|| panic!("{id}: {boot:#?}"));
    assert_eq!(record.status, Status::Measured, "{record:#?}");
    record
}

fn figure(record: &BenchRecord, name: &str) -> u64 {
    let figure = record.figures.iter().find(|figure| figure.name == name);
    figure.unwrap_or_else(|| panic!("{name}: {record:#?}")).value
}

fn both_have_counted(boot: &Boot) {
    // The kernel fails it with what ended otherwise, or with a register that has changed.
    let record = measured(boot, "fault/user-preemption");
    let counts = ["counted_until_handled", "counted_until_killed"].map(|name| figure(record, name));
    assert!(counts.iter().all(|count| *count > 1000), "{record:#?}");
}

#[test]
fn a_signal_is_handled_once_and_in_few_instructions_and_no_program_gets_further_by_one() {
    let boot = Bench::new("").boot_plan_exactly(
        &fault_image("bios"),
        "filter = [\"fault/signal\", \"fault/user-preemption\"]\n",
        "signals.transcript",
    );
    assert_eq!(boot.end, BootEnd::Done, "{boot:#?}");
    let delivery = measured(&boot, "fault/signal-delivery");
    let sent = figure(delivery, "signals_sent");
    assert!(sent > 100 && figure(delivery, "signals_handled") == sent, "{delivery:#?}");
    let summary = delivery.summary.as_ref().expect("a summary");
    let instructions = summary.p50 / delivery.iterations;
    assert!(instructions <= DELIVERY_INSTRUCTIONS_MAX, "{instructions}: {delivery:#?}");
    // The kernel fails it with the program that did not end as it must.
    assert!(figure(measured(&boot, "fault/signal-rules"), "cases") > 30);
    both_have_counted(&boot);
}

#[test]
fn programs_that_only_count_take_turns_and_are_reached_by_signals_on_four_cpus() {
    // A processor without XSAVE.
    let bench = Bench::new("cpu = \"qemu64\"\nsmp = 4\nmemory_mib = 1024");
    let plan = "filter = [\"fault/signal-rules\", \"fault/user-preemption\"]\n";
    let boot = bench.boot_plan_on("test", &fault_image("bios"), plan, "preemption.transcript");
    assert_eq!(boot.end, BootEnd::Done, "{boot:#?}");
    assert_eq!(boot.machine.as_ref().map(|machine| machine.cpus_started), Some(4));
    measured(&boot, "fault/signal-rules");
    both_have_counted(&boot);
}
