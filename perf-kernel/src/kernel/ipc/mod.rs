//! Synchronous messages: who waits for whom at which endpoint, and what each may name.
//!
//! A call waits for its answer, and is received where it was sent to: there is no queue of messages, but one of those who
//! wait. This is the decision alone, which a test can script; `arch` carries it out.

mod at_once;
mod interrupt;
mod line;
mod places;
mod table;
#[cfg(test)]
mod tests;
mod types;

pub use table::Ipc;
pub use types::{Delivery, EndpointId, Handle, IpcError, IpcUsage, PartyId, Right, Step};
