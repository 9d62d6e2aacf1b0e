//! Bare metal: the machine that the kernel finds itself on.
//!
//! What can be tested on a host stands in modules without a gate; the others need ring 0.

#[cfg(feature = "kernel")]
mod apart;
#[cfg(feature = "kernel")]
pub mod boot;
#[cfg(feature = "kernel")]
mod buses;
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
#[cfg(feature = "kernel")]
mod kept;
#[cfg(feature = "kernel")]
mod machine;
mod memory;
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
mod witness;

#[cfg(feature = "kernel")]
pub use {machine::BarePlatform, threads::KernelRunner};
