//! Fixed probes of known cost, run first and last in every boot: they tell whether the machine changed under the run.

use super::{l1_load, pause, reference_loop, spin_noise, timer_pair};
use crate::suites::{Bench, Body, Suite, Unit};

/// The `env` suite.
pub(in crate::suites) static SUITE: Suite = Suite {
    name: "env",
    about: "Fixed probes of known cost, run first and last in every boot: they tell whether the machine changed under the run",
    limits: &[],
    needs: &[],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench {
        body: Body::Built(timer_pair::timer_pair),
        ..Bench::new("env/timer-pair", "an empty timed region: the cost of the clock itself")
    },
    Bench {
        unit: Unit::GapTicks,
        body: Body::Built(spin_noise::spin_noise),
        ..Bench::new(
            "env/spin-noise",
            "poll the time stamp counter for a fixed time with interrupts off; gaps above 1 us are interference",
        )
    },
    Bench {
        body: Body::Built(l1_load::l1_load),
        ..Bench::new("env/l1-load", "a dependent load that hits L1")
    },
    Bench { body: Body::Built(pause::pause), ..Bench::new("env/pause", "one PAUSE instruction") },
    Bench {
        body: Body::Built(reference_loop::run),
        ..Bench::new(
            "env/reference-loop",
            "a fixed integer loop with a known result: the yardstick of the score",
        )
    },
];
