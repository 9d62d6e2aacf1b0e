//! Security operations.

mod aead;
mod digest;
mod message;
mod random;
mod signature;
mod table;

pub(super) use table::SUITE;
