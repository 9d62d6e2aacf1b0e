//! Kernels that end in an exception, a panic or a refusal.

use perf_kernel::wire::Status;
use runner::collect::BootEnd;

use crate::harness::{Bench, fault_image, fault_kernel, image};

const CRASHED: i32 = 6;

/// Faults by `fault/NAME` after a bench that works.
fn crashes(name: &str, cause: &str, function: &str) {
    let bench = Bench::new("");
    let id = format!("fault/{name}");
    let plan = format!("filter = [\"env/timer-pair\", \"{id}\"]\n");
    let boot = bench.boot_plan(&fault_image("bios"), &plan, "crash.transcript");
    assert_eq!(boot.end, BootEnd::Crashed, "{boot:#?}");
    assert_eq!(boot.benches.len(), 1, "earlier records are complete: {boot:#?}");
    assert_eq!(boot.benches[0].status, Status::Measured, "{boot:#?}");
    let crash = boot.crash.expect("a crash record");
    assert_eq!((crash.cause.as_str(), crash.bench.as_deref()), (cause, Some(id.as_str())));
    assert_eq!(crash.registers.is_some(), cause != "panic");
    assert!(crash.backtrace.len() >= 3, "{crash:#x?}");
    let elf = fault_kernel();
    let called = bench.call(&["replay", "crash.transcript", "--elf", elf.to_str().expect("text")]);
    assert_eq!(called.code, CRASHED, "{called:#?}");
    for word in [id.as_str(), cause, function] {
        assert!(called.output.contains(word), "{word} is not on the page:\n{}", called.output);
    }
}

#[test]
fn a_page_fault_is_reported() {
    crashes("page-fault", "#PF", "page_fault");
}

#[test]
fn an_invalid_opcode_is_reported() {
    crashes("invalid-opcode", "#UD", "invalid_opcode");
}

#[test]
fn a_general_protection_fault_is_reported() {
    crashes("general-protection", "#GP", "general_protection");
}

#[test]
fn a_stack_overflow_is_reported() {
    crashes("stack-overflow", "#PF", "recurse at perf-kernel");
}

#[test]
fn a_division_by_zero_is_reported() {
    crashes("divide", "#DE", "divide");
}

#[test]
fn a_panic_is_reported() {
    crashes("panic", "panic", "fault.rs");
}

#[test]
fn an_exhausted_heap_is_reported() {
    crashes("heap-exhaustion", "panic", "alloc");
}

#[test]
fn a_plan_that_the_kernel_does_not_understand_is_refused() {
    let boot = Bench::new("").boot_plan(&image("bios"), "sample_max = 3\n", "refused.transcript");
    assert_eq!(boot.end, BootEnd::Refused, "{boot:#?}");
    assert!(boot.end_detail.contains("sample_max"), "{boot:#?}");
}
