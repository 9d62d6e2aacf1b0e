//! Kernel primitives: what lmbench and sel4bench measure.

use super::{interrupts, memory, messages, process, shootdown, threads, traps, turns, wakeup};
use crate::suites::scale::scales;
use crate::suites::{Bench, Body, Cold, Need, Suite};

/// The `kernel` suite.
pub(in crate::suites) static SUITE: Suite = Suite {
    name: "kernel",
    about: "Kernel primitives: what lmbench and sel4bench measure",
    limits: &[],
    needs: &[Need::Ring0],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench {
        cold: Cold::Before,
        body: Body::Built(traps::system_call),
        ..Bench::new("kernel/syscall-null", "user mode to kernel and back, no work")
    },
    Bench {
        cold: Cold::Before,
        body: Body::Built(traps::invalid_opcode),
        ..Bench::new("kernel/exception-roundtrip", "an invalid-opcode exception taken and returned from")
    },
    Bench {
        cold: Cold::Within,
        body: Body::Built(threads::switch),
        ..Bench::new("kernel/thread-switch", "one switch between two kernel threads on one CPU")
    },
    Bench {
        scales: scales!["0", "16ki", "1mi"],
        scale_is: "bytes touched by each",
        cold: Cold::Within,
        body: Body::Built(turns::switch),
        ..Bench::new("kernel/process-switch", "one switch between two address spaces")
    },
    Bench {
        cold: Cold::Before,
        body: Body::Built(threads::spawn_join),
        ..Bench::new("kernel/thread-spawn-join", "create a thread, let it run, join it")
    },
    Bench {
        cold: Cold::Before,
        body: Body::Built(process::spawn_and_exit),
        ..Bench::new("kernel/process-spawn-exit", "create an address space, run user code in it, exit, reap")
    },
    Bench {
        scales: scales!["0", "64", "4096"],
        scale_is: "message bytes",
        cold: Cold::Within,
        body: Body::Built(messages::call_and_reply),
        ..Bench::new("kernel/ipc-call-reply", "synchronous call and reply between two processes")
    },
    Bench {
        cold: Cold::Before,
        body: Body::Built(memory::first_touch),
        ..Bench::new("kernel/page-fault", "first touch of an anonymous page in user mode")
    },
    Bench {
        scales: scales!["1", "16", "512"],
        cold: Cold::Before,
        body: Body::Built(memory::map_and_unmap),
        ..Bench::new("kernel/page-map-unmap", "map and unmap pages")
    },
    Bench {
        scales: scales!["1", "16", "512"],
        cold: Cold::Before,
        body: Body::Built(memory::protect),
        ..Bench::new("kernel/page-protect", "write-protect pages and flush")
    },
    Bench {
        cold: Cold::Within,
        body: Body::Built(interrupts::latency),
        ..Bench::new(
            "kernel/irq-latency",
            "from raising a local interrupt to the first instruction of its handler",
        )
    },
    Bench {
        cold: Cold::No("the thread's way to sleep warms its way back"),
        body: Body::Built(wakeup::wakeup),
        ..Bench::new("kernel/timer-wakeup", "from a programmed deadline to the woken thread running")
    },
    Bench {
        needs: &[Need::Smp],
        cold: Cold::No("the other CPU stays warm"),
        body: Body::Built(interrupts::roundtrip),
        ..Bench::new("kernel/ipi-roundtrip", "interrupt another CPU and see its answer")
    },
    Bench {
        scales: scales!["2", "4"],
        scale_is: "CPUs",
        needs: &[Need::Smp],
        cold: Cold::No("the other CPUs stay warm"),
        body: Body::Built(shootdown::shootdown),
        ..Bench::new("kernel/tlb-shootdown", "unmap a page that other CPUs have cached")
    },
    Bench {
        scales: scales!["64", "4096", "64ki"],
        cold: Cold::Before,
        body: Body::Built(memory::copy_in),
        ..Bench::new("kernel/user-copy", "checked copy from user memory")
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_people_says_which_benches_have_cold_figures_and_why_others_have_not() {
        let page = include_str!("../../../../docs/kernel.md");
        for bench in BENCHES {
            let told = match bench.cold {
                Cold::Before => "before each sample",
                Cold::Within => "by the bench",
                Cold::No(reason) => reason,
            };
            let row = format!("| `{}` | {told} |", bench.id);
            assert!(page.lines().any(|line| line.starts_with(&row)), "docs/kernel.md has no row {row}");
        }
    }
}
