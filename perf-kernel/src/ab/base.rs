//! The base: this library's suites with the subsystems of another revision.

use {multios_core_base as subsystems, perf_kernel as harness, perf_kernel_base as subject};

#[expect(clippy::duplicate_mod, reason = "each side compiles it with its own types")]
#[path = "side.rs"]
pub(super) mod side;
