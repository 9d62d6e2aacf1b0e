//! What parties say to the table, and what it says to them.

use super::places::Key;

/// Names a party. One that has left is never taken for a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartyId(pub(super) Key);

/// Names an endpoint inside the kernel. One that is gone is never taken for a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointId(pub(super) Key);

/// What a program names an endpoint by: the place among the handles that it was given, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub usize);

/// What a handle allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To call.
    Call,
    /// To receive, and so to answer.
    Receive,
}

/// A message as its receiver sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// What travels in registers.
    pub words: [u64; 2],
    /// Bytes in the buffer; with none the buffers stay where they are.
    pub length: usize,
}

impl Delivery {
    /// In the length of what a party takes, with the number of bytes, if it was interrupted after that had come. No message
    /// is as long, and none that is noted is taken for one without bytes, so that the short ways need not look for it.
    pub const NOTED: usize = 1 << (usize::BITS - 1);
}

/// What a party does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<W> {
    /// It has this message.
    Done(Delivery),
    /// It waits.
    Wait,
    /// It waits, and the other, which has its message, can go on at once.
    HandOver(W),
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpcError {
    /// The program was not given the handle.
    #[error("find a handle")]
    NoHandle,
    /// The handle does not allow it.
    #[error("use a handle for what it does not allow")]
    NoRight,
    /// The other side has ended, or will not answer.
    #[error("reach the other side, which is gone")]
    Gone,
    /// Nobody waits for an answer.
    #[error("answer: nobody waits for it")]
    NoCaller,
    /// The deadline has passed.
    #[error("end a wait before its deadline")]
    TimedOut,
    /// There is something else to look at.
    #[error("wait without being interrupted")]
    Interrupted,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpcUsage {
    /// Parties that have not left.
    pub parties: usize,
    /// Endpoints of which somebody has a handle.
    pub endpoints: usize,
}
