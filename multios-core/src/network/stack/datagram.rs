//! Datagrams of UDP (RFC 768).

use alloc::vec;
use core::net::SocketAddr;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, RecvError, SendError, Socket};
use smoltcp::wire::IpEndpoint;

use super::{NetworkStack, StackError};

/// The headers of IPv6 and UDP; those of IPv4 are shorter. What is larger would have to be sent in pieces.
const HEADERS_BYTES: usize = 14 + 40 + 8;

/// A port of a stack for datagrams. It is there until [`NetworkStack::unbind`] takes it.
#[derive(Debug)]
pub struct DatagramPort(SocketHandle);

impl NetworkStack {
    /// Takes `port` of all addresses for datagrams, with room for `datagrams` of them each way, of `bytes` in all. What comes
    /// without room is lost.
    ///
    /// # Errors
    /// Port 0, one that is in use, or a buffer of no use.
    pub fn bind(&mut self, port: u16, datagrams: usize, bytes: usize) -> Result<DatagramPort, StackError> {
        if datagrams == 0 || bytes == 0 {
            return Err(StackError::BufferBytes(0));
        }
        let is_taken = self.sockets.iter().any(|(_, other)| {
            matches!(other, smoltcp::socket::Socket::Udp(other) if other.endpoint().port == port)
        });
        if port != 0 && is_taken {
            return Err(StackError::PortInUse(port));
        }
        let buffer = || PacketBuffer::new(vec![PacketMetadata::EMPTY; datagrams], vec![0; bytes]);
        let mut socket = Socket::new(buffer(), buffer());
        // A new socket is not open: the port is all that can be wrong.
        socket.bind(port).map_err(|_| StackError::PortZero)?;
        Ok(DatagramPort(self.sockets.add(socket)))
    }

    /// Queues a datagram to be sent to `remote`.
    ///
    /// # Errors
    /// [`StackError::Full`] if there is no room now; a datagram larger than a frame or the buffer; no way there.
    pub fn send_to(
        &mut self,
        port: &DatagramPort,
        bytes: &[u8],
        remote: SocketAddr,
    ) -> Result<(), StackError> {
        if remote.port() == 0 {
            return Err(StackError::PortZero);
        }
        self.check_way(remote.ip())?;
        let frame_bytes_max = self.adapter.device.frame_bytes_max();
        let socket = self.sockets.get_mut::<Socket<'_>>(port.0);
        let bytes_max = frame_bytes_max.saturating_sub(HEADERS_BYTES).min(socket.payload_send_capacity());
        if bytes.len() > bytes_max {
            return Err(StackError::DatagramBytes { bytes: bytes.len(), bytes_max });
        }
        socket.send_slice(bytes, IpEndpoint::from(remote)).map_err(|error| match error {
            SendError::BufferFull => StackError::Full,
            SendError::Unaddressable => StackError::Unreachable(remote.ip()),
        })
    }

    /// Copies the oldest datagram that has come to the start of `bytes`, and gives its length and sender; `None` if none has
    /// come.
    ///
    /// # Errors
    /// A datagram that does not fit, which is lost.
    pub fn receive_from(
        &mut self,
        port: &DatagramPort,
        bytes: &mut [u8],
    ) -> Result<Option<(usize, SocketAddr)>, StackError> {
        let socket = self.sockets.get_mut::<Socket<'_>>(port.0);
        match socket.recv() {
            Ok((datagram, from)) => {
                let room = bytes.len();
                let error = StackError::DatagramBytes { bytes: datagram.len(), bytes_max: room };
                bytes.get_mut(..datagram.len()).ok_or(error)?.copy_from_slice(datagram);
                Ok(Some((datagram.len(), SocketAddr::from(from.endpoint))))
            }
            Err(RecvError::Exhausted | RecvError::Truncated) => Ok(None),
        }
    }

    /// Gives the port and its memory back.
    pub fn unbind(&mut self, port: DatagramPort) {
        self.sockets.remove(port.0);
    }
}
