//! Why the network does not do as it was asked.

use core::net::IpAddr;

use crate::network::NetworkError;

/// Why the network does not do as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// The card failed; the error lasts.
    #[error("{0}")]
    Device(#[from] NetworkError),
    /// The address belongs to a group, to nobody, or has more bits of prefix than bits.
    #[error("use the address {0}: no card can have it")]
    Address(IpAddr),
    /// More addresses than a card can have here.
    #[error("use {count} addresses: a card has {count_max} at most")]
    Addresses {
        /// How many were given.
        count: usize,
        /// The most.
        count_max: usize,
    },
    /// Port 0 is none.
    #[error("use port 0: it is no port")]
    PortZero,
    /// Another socket of this stack has the port.
    #[error("use port {0}: it is in use")]
    PortInUse(u16),
    /// A buffer of this size is none, or larger than 1 GiB, which is what TCP can make use of (RFC 7323, section 2.3).
    #[error("use a buffer of {0} bytes")]
    BufferBytes(usize),
    /// There is no way there: no address of the same kind, or no gateway.
    #[error("reach {0}: there is no way there")]
    Unreachable(IpAddr),
    /// The other side has broken the connection off, or has not answered for too long.
    #[error("use the connection: it is broken")]
    Broken,
    /// No room for more to be sent now.
    #[error("send: there is no room now")]
    Full,
    /// The datagram is larger than what can be sent, or what it is to be copied into.
    #[error("move a datagram of {bytes} bytes: there is room for {bytes_max}")]
    DatagramBytes {
        /// Its length.
        bytes: usize,
        /// The room.
        bytes_max: usize,
    },
}
