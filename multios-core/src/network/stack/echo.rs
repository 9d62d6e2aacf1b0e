//! Asking others whether they are there: echo requests of ICMP (RFC 792) and ICMPv6 (RFC 4443, section 4). Requests of
//! others are answered without anybody's doing.

use alloc::vec;
use core::net::IpAddr;

use smoltcp::iface::SocketHandle;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::icmp::{Endpoint, PacketBuffer, PacketMetadata, Socket};
use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, Icmpv6Packet, Icmpv6Repr, IpAddress, Ipv6Address};

use super::{NetworkStack, StackError};

/// Bytes that go there and back at most.
const DATA_BYTES_MAX: usize = 1024;
const PACKETS: usize = 4;
/// The header of a request.
const HEADER_BYTES: usize = 8;

/// Requests with one identifier. They are there until [`NetworkStack::end_echo`] takes them.
#[derive(Debug)]
pub struct EchoProbe {
    handle: SocketHandle,
    identifier: u16,
}

impl NetworkStack {
    /// Begins requests with `identifier`.
    pub fn begin_echo(&mut self, identifier: u16) -> EchoProbe {
        let buffer = || {
            let bytes = PACKETS * (HEADER_BYTES + DATA_BYTES_MAX);
            PacketBuffer::new(vec![PacketMetadata::EMPTY; PACKETS], vec![0; bytes])
        };
        let mut socket = Socket::new(buffer(), buffer());
        // A new socket is not open, and every identifier is one.
        let _ = socket.bind(Endpoint::Ident(identifier));
        EchoProbe { handle: self.sockets.add(socket), identifier }
    }

    /// Queues request number `sequence` to `remote`, which is to send `data` back.
    ///
    /// # Errors
    /// No way there, no room now, or more data than 1024 bytes.
    pub fn send_echo(
        &mut self,
        probe: &EchoProbe,
        remote: IpAddr,
        sequence: u16,
        data: &[u8],
    ) -> Result<(), StackError> {
        if data.len() > DATA_BYTES_MAX {
            return Err(StackError::DatagramBytes { bytes: data.len(), bytes_max: DATA_BYTES_MAX });
        }
        self.check_way(remote)?;
        let own = self.interface.get_source_address(&IpAddress::from(remote));
        let socket = self.sockets.get_mut::<Socket<'_>>(probe.handle);
        let room = socket.send(HEADER_BYTES + data.len(), IpAddress::from(remote));
        let room = room.map_err(|_| StackError::Full)?;
        let checksum = ChecksumCapabilities::default();
        match remote {
            IpAddr::V4(_) => {
                let request = Icmpv4Repr::EchoRequest { ident: probe.identifier, seq_no: sequence, data };
                request.emit(&mut Icmpv4Packet::new_unchecked(room), &checksum);
            }
            IpAddr::V6(remote) => {
                let own = match own {
                    Some(IpAddress::Ipv6(own)) => own,
                    _ => Ipv6Address::UNSPECIFIED,
                };
                let request = Icmpv6Repr::EchoRequest { ident: probe.identifier, seq_no: sequence, data };
                request.emit(&own, &remote, &mut Icmpv6Packet::new_unchecked(room), &checksum);
            }
        }
        Ok(())
    }

    /// Who has answered, which request, and whether with `data`; `None` if no answer has come.
    pub fn receive_echo(&mut self, probe: &EchoProbe, data: &[u8]) -> Option<(IpAddr, u16, bool)> {
        let socket = self.sockets.get_mut::<Socket<'_>>(probe.handle);
        while let Ok((packet, from)) = socket.recv() {
            let answer = match from {
                IpAddress::Ipv4(_) => {
                    let packet = Icmpv4Packet::new_checked(packet).ok();
                    packet
                        .filter(|packet| packet.msg_type() == smoltcp::wire::Icmpv4Message::EchoReply)
                        .map(|packet| (packet.echo_seq_no(), packet.data() == data))
                }
                IpAddress::Ipv6(_) => {
                    let packet = Icmpv6Packet::new_checked(packet).ok();
                    packet
                        .filter(|packet| packet.msg_type() == smoltcp::wire::Icmpv6Message::EchoReply)
                        .map(|packet| (packet.echo_seq_no(), packet.payload() == data))
                }
            };
            // Errors that others report are passed over.
            if let Some((sequence, is_same)) = answer {
                return Some((IpAddr::from(from), sequence, is_same));
            }
        }
        None
    }

    /// Gives the memory of the requests back.
    pub fn end_echo(&mut self, probe: EchoProbe) {
        self.sockets.remove(probe.handle);
    }
}
