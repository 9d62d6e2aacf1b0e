//! Measures operating-system subsystems, on bare metal, in a virtual machine or as a Linux process.
//!
//! `docs/ARCHITECTURE.md` has the map. The flow of a boot: [`plan`] selects benches of [`suites`], [`run`] takes each
//! through [`measure`] on a [`platform`], and [`wire`] carries what came of it to the host.

#![cfg_attr(not(test), no_std)]

extern crate alloc;
#[cfg(all(feature = "hosted", not(test)))]
extern crate std;

#[expect(unsafe_code, reason = "instructions and registers need it")]
pub mod arch;
#[cfg(any(feature = "kernel", test))]
#[cfg_attr(
    not(feature = "kernel"),
    expect(unused_imports, reason = "the bare platform, which tests leave out, uses the rest")
)]
mod devices;
pub mod kernel;
pub mod measure;
pub mod plan;
pub mod platform;
pub mod pmu;
pub mod run;
pub mod suites;
pub mod units;
pub mod wire;
