//! Bare metal: the machine that the kernel finds itself on.
//!
//! What can be tested on a host stands in modules without a gate; the others need ring 0.

#[cfg(any(feature = "kernel", test))]
#[cfg_attr(
    not(feature = "kernel"),
    expect(unused_imports, reason = "the watchdog, which tests leave out, uses it")
)]
mod alarm;
#[cfg(feature = "kernel")]
mod apart;
#[cfg(feature = "kernel")]
pub mod boot;
#[cfg(feature = "kernel")]
mod buses;
#[cfg(feature = "kernel")]
mod chill;
#[cfg(any(feature = "kernel", test))]
mod clocks;
#[cfg(feature = "kernel")]
pub mod crash;
#[cfg(feature = "kernel")]
mod drivers;
#[cfg(feature = "kernel")]
mod event_counters;
mod explain;
#[cfg(feature = "kernel")]
mod interference;
#[cfg(any(feature = "kernel", test))]
mod interrupt_sources;
#[cfg(feature = "kernel")]
mod interrupts;
#[cfg(feature = "kernel")]
mod kept;
#[cfg(feature = "kernel")]
mod line_interrupts;
#[cfg(feature = "kernel")]
mod lines;
#[cfg(feature = "kernel")]
mod machine;
mod memory;
#[cfg(any(feature = "kernel", test))]
mod models;
#[cfg(feature = "kernel")]
mod processors;
#[cfg(feature = "kernel")]
mod restart;
#[cfg(any(feature = "kernel", test))]
mod screen;
#[cfg(any(feature = "kernel", test))]
mod skew;
mod tables;
#[cfg(feature = "kernel")]
mod threads;
#[cfg(any(feature = "kernel", test))]
mod uart;
#[cfg(feature = "kernel")]
mod watchdog;
mod witness;

#[cfg(feature = "kernel")]
pub use {machine::BarePlatform, threads::KernelRunner};
