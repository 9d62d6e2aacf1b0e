//! A card with its addresses and sockets.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    HardwareAddress as LibraryAddress, IpAddress,
};

use super::adapter::Adapter;
use super::{Settings, StackError};
use crate::network::{HardwareAddress, LinkState, NetworkDevice, NetworkError};

/// Frames that one call of [`NetworkStack::poll`] takes in: a card that is never empty must not hold its caller.
const FRAMES_PER_POLL: usize = 64;

/// Whether something has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A frame came, or a socket's state may be another.
    Some,
    /// Nothing.
    None,
}

/// The protocols above one card.
pub struct NetworkStack {
    pub(super) adapter: Adapter,
    pub(super) interface: Interface,
    pub(super) sockets: SocketSet<'static>,
}

impl NetworkStack {
    /// The protocols above `device`. `now` is the time since some fixed point, here as everywhere; `random` is a number
    /// that nobody can guess, from which come the first sequence numbers of connections (RFC 6528).
    ///
    /// # Errors
    /// Addresses that a card cannot have, that of `device` included.
    pub fn new(
        device: Box<dyn NetworkDevice>,
        settings: &Settings,
        now: Duration,
        random: u64,
    ) -> Result<Self, StackError> {
        let networks = settings.networks()?;
        let HardwareAddress(bytes) = device.address();
        if !device.address().is_of_a_card() {
            return Err(NetworkError::Malformed("it has the address of a group, or none").into());
        }
        let mut adapter = Adapter::new(device);
        let mut config = Config::new(LibraryAddress::Ethernet(EthernetAddress(bytes)));
        config.random_seed = random;
        let mut interface = Interface::new(config, &mut adapter, instant(now));
        // There is room for all of them: they were counted.
        interface.update_ip_addrs(|addresses| addresses.extend(networks));
        let routes = interface.routes_mut();
        // The table is empty, and has room for one of each kind.
        if let Some(gateway) = settings.gateway_v4 {
            let _ = routes.add_default_ipv4_route(gateway);
        }
        if let Some(gateway) = settings.gateway_v6 {
            let _ = routes.add_default_ipv6_route(gateway);
        }
        Ok(Self { adapter, interface, sockets: SocketSet::new(Vec::new()) })
    }

    /// Tells all neighbours which IPv4 addresses this card has (RFC 5227, section 2.3): nobody has to ask, or goes on with what
    /// another card was called.
    ///
    /// # Errors
    /// What the card says.
    pub fn announce(&mut self) -> Result<(), StackError> {
        /// The shortest frame, without its check sequence.
        const FRAME_BYTES: usize = 60;
        let own = EthernetAddress(self.adapter.device.address().0);
        let addresses = self.interface.ip_addrs().iter().filter_map(|network| match network.address() {
            IpAddress::Ipv4(address) => Some(address),
            IpAddress::Ipv6(_) => None,
        });
        for address in addresses {
            let mut bytes = [0; FRAME_BYTES];
            let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
            let (to, ethertype) = (EthernetAddress::BROADCAST, EthernetProtocol::Arp);
            EthernetRepr { src_addr: own, dst_addr: to, ethertype }.emit(&mut frame);
            let announcement = ArpRepr::EthernetIpv4 {
                operation: ArpOperation::Request,
                source_hardware_addr: own,
                source_protocol_addr: address,
                target_hardware_addr: EthernetAddress([0; 6]),
                target_protocol_addr: address,
            };
            announcement.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
            self.adapter.device.send(&bytes)?;
        }
        Ok(())
    }

    /// Takes in frames that have come, up to a number, and sends what is due.
    ///
    /// # Errors
    /// The card failed; the error lasts.
    pub fn poll(&mut self, now: Duration) -> Result<Activity, StackError> {
        let now = instant(now);
        let Self { adapter, interface, sockets } = self;
        let mut activity = Activity::None;
        interface.poll_maintenance(now);
        for _ in 0..FRAMES_PER_POLL {
            if interface.poll_ingress_single(now, adapter, sockets) == PollIngressSingleResult::None {
                break;
            }
            activity = Activity::Some;
        }
        if interface.poll_egress(now, adapter, sockets) == PollResult::SocketStateChanged {
            activity = Activity::Some;
        }
        adapter.error().map_or(Ok(activity), |error| Err(StackError::Device(error)))
    }

    /// How long after `now` [`Self::poll`] is to be called, though no frame comes; `None` if nothing is due before.
    pub fn due(&mut self, now: Duration) -> Option<Duration> {
        self.interface.poll_delay(instant(now), &self.sockets).map(Duration::from)
    }

    /// Waits until [`Self::poll`] is to be called: a frame may have come, or it is due, or `patience` is over. Above a card that
    /// cannot tell it returns at once.
    pub fn rest(&mut self, now: Duration, patience: Duration) {
        let left = self.due(now).map_or(patience, |due| due.min(patience));
        if !left.is_zero() {
            self.adapter.device.rest(left);
        }
    }

    /// Whether there is a line.
    pub fn link(&mut self) -> LinkState {
        self.adapter.device.link()
    }

    /// Frames that came and did not fit, or were to be sent and were not taken.
    #[must_use]
    pub const fn frames_lost(&self) -> u64 {
        self.adapter.frames_lost()
    }

    /// Whether there is an address of the same kind as `remote`, and `remote` is one that somebody can have.
    pub(super) fn check_way(&self, remote: IpAddr) -> Result<(), StackError> {
        // Of an address of nobody the library must not be asked.
        if remote.is_unspecified() || remote.is_multicast() {
            return Err(StackError::Unreachable(remote));
        }
        let own = self.interface.get_source_address(&IpAddress::from(remote));
        // With no address at all of that kind, the library gives one that is none.
        let has_own = own.is_some_and(|own| !own.is_unspecified() && self.interface.has_ip_addr(own));
        has_own.then_some(()).ok_or(StackError::Unreachable(remote))
    }
}

impl fmt::Debug for NetworkStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.interface.ip_addrs();
        f.debug_struct("NetworkStack").field("addresses", &addresses).finish_non_exhaustive()
    }
}

/// The library's time, which ends after 292,000 years.
fn instant(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
