//! Operating-system subsystems that keep their data, refuse bad input and survive faults.
//!
//! They see hardware only through traits, so that the same code runs in a kernel, in a process and under test.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
pub mod memory;
pub mod security;
