//! What a card is called, and who leads further.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::config::IFACE_MAX_ADDR_COUNT;
use smoltcp::wire::{IpAddress, IpCidr};

use super::StackError;

/// Addresses that a card can have.
pub const ADDRESSES_MAX: usize = IFACE_MAX_ADDR_COUNT;

/// An address of a card, and which others are reached without a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// How many of its first bits all of its neighbours share.
    pub prefix_bits: u8,
}

/// What a stack is told about its network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Addresses of the card, [`ADDRESSES_MAX`] at most.
    pub addresses: Vec<InterfaceAddress>,
    /// Who leads to all other addresses of IPv4.
    pub gateway_v4: Option<Ipv4Addr>,
    /// Who leads to all other addresses of IPv6.
    pub gateway_v6: Option<Ipv6Addr>,
}

impl Settings {
    /// The addresses as the library has them.
    pub(super) fn networks(&self) -> Result<Vec<IpCidr>, StackError> {
        let count = self.addresses.len();
        if count > ADDRESSES_MAX {
            return Err(StackError::Addresses { count, count_max: ADDRESSES_MAX });
        }
        self.addresses.iter().map(|address| address.network()).collect()
    }
}

impl InterfaceAddress {
    fn network(&self) -> Result<IpCidr, StackError> {
        let Self { address, prefix_bits } = *self;
        let (bits, is_broadcast) = match address {
            IpAddr::V4(address) => (32, address.is_broadcast()),
            IpAddr::V6(_) => (128, false),
        };
        let is_usable = !address.is_multicast() && !address.is_unspecified() && !is_broadcast;
        let is_usable = is_usable && prefix_bits <= bits;
        is_usable
            .then(|| IpCidr::new(IpAddress::from(address), prefix_bits))
            .ok_or(StackError::Address(address))
    }
}
