//! Operating-system subsystems that keep their data, refuse bad input and survive faults.
//!
//! They see hardware only through traits, so that the same code runs in a kernel, in a process and under test.

#![cfg_attr(not(any(test, feature = "std")), no_std)]

extern crate alloc;

#[cfg(not(feature = "loom"))]
use core::sync::atomic as atomics;
#[cfg(feature = "loom")]
use loom::sync::atomic as atomics;

// Models run on threads whose every interleaving is tried.
#[cfg(feature = "loom")]
use loom as host;
#[cfg(all(any(test, feature = "std"), not(feature = "loom")))]
use std as host;

#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
pub mod memory;
pub mod network;
pub mod security;
#[cfg(any(test, feature = "std"))]
pub mod std_threads;
pub mod storage;
#[expect(unsafe_code, reason = "a mutex lends its value to whoever has the lock")]
pub mod sync;
