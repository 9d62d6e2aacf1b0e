//! IPv4 and IPv6, TCP, UDP and ICMP above one network card, by `smoltcp`. Time and randomness are arguments: whoever owns a
//! stack calls [`NetworkStack::poll`] when a frame may have come, and when [`NetworkStack::due`] says.

mod adapter;
mod datagram;
mod echo;
mod error;
mod interface;
mod settings;
mod stream;
#[cfg(test)]
mod tests;

pub use datagram::DatagramPort;
pub use echo::EchoProbe;
pub use error::StackError;
pub use interface::{Activity, NetworkStack};
pub use settings::{ADDRESSES_MAX, InterfaceAddress, Settings};
pub use stream::{Received, Stream, StreamState};
