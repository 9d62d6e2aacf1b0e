//! What an operating-system kernel decides, without the instructions that carry it out.

pub mod ipc;
pub mod signals;
pub mod threads;
