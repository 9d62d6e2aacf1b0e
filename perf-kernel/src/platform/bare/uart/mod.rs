//! The serial port: found, tried, and used.

mod finder;
mod link;
mod probe;
mod registers;
#[cfg(test)]
mod simulated;

#[cfg(feature = "kernel")]
pub(super) use finder::{Found, Sources, find};
pub(super) use link::UartLink;
#[cfg(feature = "kernel")]
pub(super) use registers::Registers;
