//! The two sides of an image. The workspace that `multios-perf ab` writes compiles this file: there `perf_kernel_base`
//! is this library built against the subsystems of the base, `multios_core_base`. Tests compile it with the candidate
//! on both sides.

use perf_kernel::arch::sides;
use perf_kernel::measure::Conditions;
use perf_kernel::platform::Platform;
use perf_kernel::run::{Subject, Subjects};
use perf_kernel::suites::Selected;
use perf_kernel::wire::{self, BenchRecord};

#[path = "base.rs"]
mod base;
#[path = "candidate.rs"]
mod candidate;

/// What the sides are, as whoever built them says.
const ABOUT: &str = match option_env!("AB_SIDES") {
    Some(about) => about,
    None => "base and candidate",
};

static BASE: base::side::Side = base::side::Side::new(wire::Side::Base);
static CANDIDATE: candidate::side::Side = candidate::side::Side::new(wire::Side::Candidate);

/// Base and candidate.
pub(crate) fn subjects() -> Subjects<'static> {
    Subjects::Pair { base: &Base, candidate: &CANDIDATE, about: ABOUT }
}

/// The base, which comes first and sees to the memory of both.
struct Base;

impl Subject for Base {
    fn prepare(&self, platform: &dyn Platform) {
        // Without memory every bench fails, and says so.
        if let Some([base, candidate]) = sides::take_memory(platform.heap()) {
            BASE.claim(base);
            CANDIDATE.claim(candidate);
        }
    }

    fn run(&self, conditions: &Conditions<'_>, selected: &Selected) -> BenchRecord {
        BASE.run(conditions, selected)
    }
}
