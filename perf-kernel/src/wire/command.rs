//! What the host may ask of a running kernel. Commands use the frames of records.

use serde::{Deserialize, Serialize};

/// A request from the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Send the frames `from..=to` again.
    Resend {
        /// First sequence number.
        from: u64,
        /// Last sequence number.
        to: u64,
    },
    /// Everything has arrived: the kernel need not wait for more requests.
    Acknowledge,
}
