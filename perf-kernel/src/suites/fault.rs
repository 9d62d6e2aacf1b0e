//! Benches that fault, panic, wait for ever or leave things behind, one way each, for the tests of isolation and of crash
//! reporting.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::hint::black_box;
use core::mem::ManuallyDrop;

use multios_core::sync::Scheduler;

use super::{overrun, signals, stress};
use crate::arch::{checked, faults};
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{Ending, OnThreads, Program, Runner, on_threads};
use crate::suites::{Bench, Body, Need, Suite};

/// The `fault` suite.
pub(in crate::suites) static SUITE: Suite = Suite {
    name: "fault",
    about: "Faults on purpose, for the tests of crash reporting",
    limits: &[],
    needs: &[Need::Ring0],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench {
        body: Body::Built(stress::stress),
        ..Bench::new(
            "fault/stress",
            "threads, wake-ups, interrupts and shared pages on all CPUs, 100,000 of each",
        )
    },
    Bench {
        body: Body::Built(checked_load),
        ..Bench::new("fault/checked-load", "three checked loads: one that works and two that fault")
    },
    Bench {
        body: Body::Built(signals::delivery),
        ..Bench::new("fault/signal-delivery", "a signal to oneself: sent, handled, and gone on from")
    },
    Bench {
        body: Body::Built(signals::rules),
        ..Bench::new(
            "fault/signal-rules",
            "programs that send, catch, block and forge signals, one after another",
        )
    },
    Bench {
        body: Body::Built(signals::preemption),
        ..Bench::new(
            "fault/user-preemption",
            "two programs that only count, and a third that ends them by signals",
        )
    },
    Bench { body: Body::Built(page_fault), ..Bench::new("fault/page-fault", "read where no page is") },
    Bench { body: Body::Built(invalid_opcode), ..Bench::new("fault/invalid-opcode", "execute UD2") },
    Bench {
        body: Body::Built(general_protection),
        ..Bench::new("fault/general-protection", "read at an address that is not canonical")
    },
    Bench { body: Body::Built(stack_overflow), ..Bench::new("fault/stack-overflow", "recurse without end") },
    Bench {
        body: Body::Built(thread_stack_overflow),
        ..Bench::new("fault/thread-stack-overflow", "recurse without end in a thread")
    },
    Bench { body: Body::Built(divide), ..Bench::new("fault/divide", "divide by zero") },
    Bench { body: Body::Built(panic), ..Bench::new("fault/panic", "panic") },
    Bench {
        body: Body::Built(heap_exhaustion),
        ..Bench::new("fault/heap-exhaustion", "allocate until the heap is full, and go on")
    },
    Bench {
        body: Body::Built(frame_exhaustion),
        ..Bench::new("fault/frame-exhaustion", "allocate frames until there are none, and go on")
    },
    Bench {
        body: Body::Built(dead_lock),
        ..Bench::new("fault/dead-lock", "wait for a thread that waits for this one")
    },
    Bench {
        body: Body::Built(heap_leak),
        ..Bench::new("fault/heap-leak", "allocate 100 bytes and keep them")
    },
    Bench {
        body: Body::Built(frame_leak),
        ..Bench::new("fault/frame-leak", "allocate four frames and keep them")
    },
    Bench {
        body: Body::Built(overrun::endless_loop),
        ..Bench::new("fault/endless-loop", "loop without end, with interrupts off")
    },
    Bench {
        body: Body::Built(overrun::interruptible_loop),
        ..Bench::new("fault/interruptible-loop", "loop without end, with interrupts on")
    },
    Bench {
        body: Body::Built(overrun::endless_program),
        ..Bench::new("fault/endless-program", "run a program that loops without end")
    },
    Bench {
        body: Body::Built(overrun::endless_calls),
        ..Bench::new("fault/endless-calls", "run a program that makes system calls without end")
    },
    Bench {
        body: Body::Built(overrun::unexpected_privilege),
        ..Bench::new(
            "fault/unexpected-privilege",
            "run a program that executes a privileged instruction, and expect it to exit",
        )
    },
    Bench {
        body: Body::Built(overrun::crossed_locks),
        ..Bench::new("fault/crossed-locks", "two threads take two locks crosswise while a third goes on")
    },
    Bench {
        body: Body::Built(overrun::spin_lock),
        ..Bench::new("fault/spin-lock", "take a spin lock that is never released")
    },
    Bench {
        body: Body::Built(overrun::thread_leak),
        ..Bench::new("fault/thread-leak", "start a thread and leave it waiting")
    },
    Bench {
        body: Body::Built(overrun::endless_threads),
        ..Bench::new("fault/endless-threads", "threads that loop without end on all CPUs")
    },
    Bench {
        needs: &[Need::Smp],
        body: Body::Built(overrun::disturbed_calls),
        ..Bench::new(
            "fault/disturbed-calls",
            "system calls while another CPU raises non-maskable interrupts, and they must all be right",
        )
    },
    Bench {
        needs: &[Need::Smp],
        body: Body::Built(overrun::other_endless_loop),
        ..Bench::new("fault/other-endless-loop", "loop without end on the second CPU")
    },
    Bench {
        needs: &[Need::Smp],
        body: Body::Built(overrun::other_panic),
        ..Bench::new("fault/other-panic", "panic on the second CPU while the first one loops")
    },
    Bench {
        needs: &[Need::Smp],
        body: Body::Built(other_page_fault),
        ..Bench::new(
            "fault/other-page-fault",
            "read where no page is on the second CPU while the first one waits",
        )
    },
    Bench {
        needs: &[Need::Smp],
        body: Body::Built(other_stack_overflow),
        ..Bench::new("fault/other-stack-overflow", "recurse without end on the second CPU")
    },
    Bench {
        needs: &[Need::Smp],
        body: Body::Built(all_page_fault),
        ..Bench::new("fault/all-page-fault", "read where no page is on two CPUs at once")
    },
    Bench {
        body: Body::Built(privileged_program),
        ..Bench::new("fault/privileged-program", "run a program that executes a privileged instruction")
    },
];

fn checked_load(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let word = black_box(0x1234_5678_u64);
    let address = u64::try_from((&raw const word).expose_provenance()).unwrap_or(0);
    let count = || {
        let places = [address, faults::NOT_READABLE[0], faults::NOT_READABLE[1]];
        let words = places.map(checked::load);
        u64::from(words == [Some(word), None, None])
    };
    bencher.measure(Expected::Each(1), count)
}

fn page_fault(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Varies, faults::page_fault)
}

fn invalid_opcode(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let body = || {
        faults::invalid_opcode();
        0
    };
    bencher.measure(Expected::Varies, body)
}

fn general_protection(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Varies, faults::general_protection)
}

fn stack_overflow(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Varies, || recurse(black_box(u64::MAX)))
}

fn thread_stack_overflow(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    struct Overflow;
    impl OnThreads for Overflow {
        type Output = u64;

        fn run<R: Runner>(self, runner: &R) -> Result<u64, BenchError> {
            let thread =
                runner.spawn(Box::new(|| recurse(black_box(u64::MAX)))).map_err(BenchError::Failed)?;
            runner.join(thread).map_err(BenchError::Failed)
        }
    }
    on_threads(bencher.platform(), Overflow).map(|_| ())
}

/// Keeps each frame: the addition comes after the call, and the array is looked at.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if depth == 0 {
        return 0;
    }
    recurse(depth - 1).wrapping_add(frame[usize::from(depth.is_multiple_of(2))])
}

/// Runs `first` on this CPU and `second` on another; the sum of what they return.
fn on_two(bencher: &mut Bencher<'_>, first: fn() -> u64, second: fn() -> u64) -> Result<(), BenchError> {
    let platform = bencher.platform();
    let body = || {
        let work = |cpu: usize| {
            black_box(if cpu == 0 { first() } else { second() });
        };
        u64::from(platform.run_on_cpus(2, &work).is_ok())
    };
    bencher.measure(Expected::Varies, body)
}

fn other_page_fault(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    on_two(bencher, || 0, faults::page_fault)
}

fn other_stack_overflow(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    on_two(bencher, || 0, || recurse(black_box(u64::MAX)))
}

fn all_page_fault(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    on_two(bencher, faults::page_fault, faults::page_fault)
}

fn divide(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Varies, faults::divide)
}

fn panic(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Varies, || panic_on(black_box(7)))
}

#[inline(never)]
fn panic_on(number: u64) -> u64 {
    assert_eq!(number, 8, "a panic on purpose");
    number
}

fn heap_exhaustion(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Varies, || fill_heap(black_box(u64::MAX)))
}

/// Allocates `blocks` blocks and leaks them: the first iteration already takes more than there is.
#[inline(never)]
fn fill_heap(blocks: u64) -> u64 {
    const BLOCK_BYTES: usize = 16 << 20;
    let leak = |_| {
        let block = ManuallyDrop::new(Vec::<u8>::with_capacity(BLOCK_BYTES));
        u64::from(black_box(block.as_ptr()).is_null())
    };
    (0..blocks).map(leak).sum()
}

fn frame_exhaustion(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let frames = bencher.platform().frames();
    let take = || frames.lock().allocate(0).map_or(0, |frame| frame.address);
    while black_box(take()) != 0 {}
    bencher.measure(Expected::Varies, || frames.lock().allocate(0).expect("a frame of none").address)
}

fn dead_lock(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    struct DeadLock;
    impl OnThreads for DeadLock {
        type Output = u64;

        fn run<R: Runner>(self, runner: &R) -> Result<u64, BenchError> {
            let scheduler = runner.scheduler();
            let wait = move || {
                scheduler.park(None);
                0
            };
            let thread = runner.spawn(Box::new(wait)).map_err(BenchError::Failed)?;
            runner.join(thread).map_err(BenchError::Failed)
        }
    }
    on_threads(bencher.platform(), DeadLock).map(|_| ())
}

/// Costs only the program: the bench is measured.
fn privileged_program(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    const GENERAL_PROTECTION: u8 = 13;
    let Some(machine) = bencher.platform().user_mode() else {
        return Err(BenchError::Skipped("this platform has no user mode".into()));
    };
    let run = || {
        let Ok(mut process) = machine.start(Program::DisableInterrupts) else { return 0 };
        match process.run([0, 0]) {
            Ending::Faulted(fault) => u64::from(fault.vector == GENERAL_PROTECTION),
            _ => 0,
        }
    };
    bencher.measure(Expected::Each(1), run)
}

fn heap_leak(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let block = ManuallyDrop::new(Vec::<u8>::with_capacity(100));
    bencher.measure(Expected::Varies, || u64::from(black_box(block.as_ptr()).is_null()))
}

fn frame_leak(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let frames = bencher.platform().frames();
    let block = frames.lock().allocate(2).map_err(|error| BenchError::Failed(error.to_string()))?;
    bencher.measure(Expected::Varies, || black_box(block.address))
}
