//! Network cards as drivers offer them, and the protocols of the internet above one.

mod device;
mod loopback;
mod stack;

pub use device::{HardwareAddress, LinkState, NetworkDevice, NetworkError};
pub use loopback::{Loopback, loopback_pair};
pub use stack::{
    ADDRESSES_MAX, Activity, DatagramPort, EchoProbe, InterfaceAddress, NetworkStack, Received, Settings,
    StackError, Stream, StreamState,
};
