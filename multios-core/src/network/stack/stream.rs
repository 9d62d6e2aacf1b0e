//! Connections of TCP (RFC 9293).

use alloc::vec;
use core::net::SocketAddr;
use core::time::Duration;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{CongestionControl, ConnectError, RecvError, Socket, SocketBuffer, State};
use smoltcp::wire::IpEndpoint;

use super::{NetworkStack, StackError};

/// How long the other side may say nothing while it is expected to.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const BUFFER_BYTES_MAX: usize = 1 << 30;

/// One connection of a stack, made or waited for. It is there until [`NetworkStack::remove`] takes it.
#[derive(Debug)]
pub struct Stream(SocketHandle);

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// Nobody has asked for it.
    Listening,
    /// It is being made.
    Opening,
    /// Bytes go at least one way.
    Open,
    /// Both sides have ended it, and the last acknowledgements are under way.
    Closing,
    /// It is over, or never came about.
    Closed,
}

/// What came over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// All that the other side has sent was received before.
    End,
}

impl NetworkStack {
    /// Waits at `port` of all addresses for one connection. Several may wait at a port; each gets another connection.
    ///
    /// # Errors
    /// Port 0, or a buffer of no use.
    pub fn listen(&mut self, port: u16, buffer_bytes: usize) -> Result<Stream, StackError> {
        let mut socket = socket(buffer_bytes)?;
        // A new socket is not open: the port is all that can be wrong.
        socket.listen(port).map_err(|_| StackError::PortZero)?;
        Ok(Stream(self.sockets.add(socket)))
    }

    /// Begins to make a connection from `own_port` to `remote`.
    ///
    /// # Errors
    /// Port 0, a buffer of no use, or no way there.
    pub fn connect(
        &mut self,
        remote: SocketAddr,
        own_port: u16,
        buffer_bytes: usize,
    ) -> Result<Stream, StackError> {
        let mut socket = socket(buffer_bytes)?;
        if own_port == 0 || remote.port() == 0 {
            return Err(StackError::PortZero);
        }
        self.check_way(remote.ip())?;
        let wanted = IpEndpoint::from(remote);
        let is_taken = self.sockets.iter().any(|(_, other)| {
            let smoltcp::socket::Socket::Tcp(other) = other else { return false };
            let same_port = other.local_endpoint().is_some_and(|own| own.port == own_port);
            same_port && other.remote_endpoint() == Some(wanted)
        });
        if is_taken {
            return Err(StackError::PortInUse(own_port));
        }
        let begun = socket.connect(self.interface.context(), wanted, own_port);
        begun.map_err(|error| match error {
            ConnectError::InvalidState => StackError::Broken,
            ConnectError::Unaddressable => StackError::Unreachable(remote.ip()),
        })?;
        Ok(Stream(self.sockets.add(socket)))
    }

    /// How far the connection is.
    #[must_use]
    pub fn state(&self, stream: &Stream) -> StreamState {
        match self.socket(stream).state() {
            State::Listen => StreamState::Listening,
            State::SynSent | State::SynReceived => StreamState::Opening,
            State::Established | State::CloseWait | State::FinWait1 | State::FinWait2 => StreamState::Open,
            State::Closing | State::LastAck => StreamState::Closing,
            State::TimeWait | State::Closed => StreamState::Closed,
        }
    }

    /// Who is at the other end, once somebody is.
    #[must_use]
    pub fn remote(&self, stream: &Stream) -> Option<SocketAddr> {
        self.socket(stream).remote_endpoint().map(SocketAddr::from)
    }

    /// Queues the first of `bytes` to be sent, as many as there is room for, and returns how many; 0 while the connection
    /// is not yet made.
    ///
    /// # Errors
    /// The connection is broken, or was ended by this side.
    pub fn send(&mut self, stream: &Stream, bytes: &[u8]) -> Result<usize, StackError> {
        match self.state(stream) {
            StreamState::Listening | StreamState::Opening => Ok(0),
            _ => self.socket_mut(stream).send_slice(bytes).map_err(|_| StackError::Broken),
        }
    }

    /// How many bytes [`Self::send`] has room for.
    #[must_use]
    pub fn send_room(&self, stream: &Stream) -> usize {
        let socket = self.socket(stream);
        socket.send_capacity() - socket.send_queue()
    }

    /// Copies what has come to the start of `bytes`.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn receive(&mut self, stream: &Stream, bytes: &mut [u8]) -> Result<Received, StackError> {
        if matches!(self.state(stream), StreamState::Listening | StreamState::Opening) {
            return Ok(Received::Nothing);
        }
        match self.socket_mut(stream).recv_slice(bytes) {
            Ok(0) => Ok(Received::Nothing),
            Ok(count) => Ok(Received::Bytes(count)),
            Err(RecvError::Finished) => Ok(Received::End),
            Err(RecvError::InvalidState) => Err(StackError::Broken),
        }
    }

    /// Ends this side's half once all that is queued has been sent.
    pub fn finish(&mut self, stream: &Stream) {
        self.socket_mut(stream).close();
    }

    /// Breaks the connection off: the next [`Self::poll`] tells the other side.
    pub fn abort(&mut self, stream: &Stream) {
        self.socket_mut(stream).abort();
    }

    /// Gives the connection's memory back. What is under way is forgotten, and the other side not told.
    pub fn remove(&mut self, stream: Stream) {
        self.sockets.remove(stream.0);
    }

    fn socket(&self, stream: &Stream) -> &Socket<'static> {
        self.sockets.get(stream.0)
    }

    fn socket_mut(&mut self, stream: &Stream) -> &mut Socket<'static> {
        self.sockets.get_mut(stream.0)
    }
}

fn socket(buffer_bytes: usize) -> Result<Socket<'static>, StackError> {
    if !(1..=BUFFER_BYTES_MAX).contains(&buffer_bytes) {
        return Err(StackError::BufferBytes(buffer_bytes));
    }
    let buffer = || SocketBuffer::new(vec![0; buffer_bytes]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_timeout(Some(SILENCE_MAX.into()));
    socket.set_congestion_control(CongestionControl::Reno);
    Ok(socket)
}
