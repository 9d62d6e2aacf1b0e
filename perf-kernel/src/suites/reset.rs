//! Benches that the machine cannot be brought back from but by a reset, one way each, for the tests of resets.

use core::hint::black_box;

use crate::arch::faults;
use crate::measure::{BenchError, Bencher, Expected};
use crate::suites::{Bench, Body, Need, Suite};

/// The `reset` suite. It comes early, so that much is left to be run behind it.
pub(in crate::suites) static SUITE: Suite = Suite {
    name: "reset",
    about: "Ends of the kernel on purpose, for the tests of resets",
    limits: &[],
    needs: &[Need::Ring0],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench {
        body: Body::Built(machine_check),
        ..Bench::new("reset/machine-check", "raise a machine-check exception by software")
    },
    Bench {
        body: Body::Built(broken_seal),
        ..Bench::new("reset/broken-seal", "overwrite the recovery point's seal, and read where no page is")
    },
    Bench {
        body: Body::Built(triple_fault),
        ..Bench::new("reset/triple-fault", "raise an exception that cannot be delivered")
    },
    Bench { body: Body::Built(spin), ..Bench::new("reset/spin", "spin for ever with interrupts off") },
];

fn machine_check(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let body = || {
        faults::machine_check();
        0
    };
    bencher.measure(Expected::Varies, body)
}

fn broken_seal(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let body = || {
        faults::break_seal();
        faults::page_fault()
    };
    bencher.measure(Expected::Varies, body)
}

fn triple_fault(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    end_by(bencher, faults::triple_fault)
}

fn spin(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    end_by(bencher, faults::spin)
}

fn end_by(bencher: &mut Bencher<'_>, end: fn() -> !) -> Result<(), BenchError> {
    let body = || match black_box(true) {
        true => end(),
        false => 0,
    };
    bencher.measure(Expected::Varies, body)
}
