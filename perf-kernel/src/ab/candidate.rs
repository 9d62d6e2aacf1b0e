//! The candidate: this library's suites with the subsystems beside it.

use {multios_core as subsystems, perf_kernel as harness, perf_kernel as subject};

#[expect(clippy::duplicate_mod, reason = "each side compiles it with its own types")]
#[path = "side.rs"]
pub(super) mod side;
