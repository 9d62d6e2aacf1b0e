//! Network cards as drivers offer them.

mod device;
mod loopback;

pub use device::{HardwareAddress, LinkState, NetworkDevice, NetworkError};
pub use loopback::{Loopback, loopback_pair};
