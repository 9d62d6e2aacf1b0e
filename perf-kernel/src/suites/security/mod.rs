//! Security operations.

mod aead;
mod digest;
mod message;
mod random;
mod signature;
mod table;

#[cfg(all(feature = "kernel", feature = "fault-benches"))]
pub(super) use random::{looks_like_random, seeded_generator};
pub(super) use table::SUITE;
