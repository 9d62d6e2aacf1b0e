//! A network card (section 5.1).

use core::time::Duration;

use multios_core::network::{HardwareAddress, LinkState, NetworkDevice, NetworkError};
use virtio_drivers::transport::Transport;

use super::requests::{Chain, Piece, Requests};
use super::transport::{PciTransport, StartError};
use crate::devices::access::{DmaRegion, Time};
use crate::devices::io::MemoryIo;
use crate::units::Nanoseconds;

/// Bytes of the memory that each queue must have.
pub(crate) const CARD_MEMORY_BYTES: usize = BUFFERS * BUFFER_BYTES;

// Section 5.1.2.
const RECEIVE: u16 = 0;
const SEND: u16 = 1;
// Section 5.1.3.
const FEATURE_ADDRESS: u64 = 1 << 5;
const FEATURE_STATUS: u64 = 1 << 16;
// Section 5.1.4.
const STATUS: usize = 6;
const STATUS_LINK_UP: u16 = 1;

/// What precedes every frame (section 5.1.6). All zeros: nothing is left to the device to do.
const HEADER: [u8; 12] = [0; 12];
/// Frames that each queue holds, each in one piece.
pub(crate) const BUFFERS: usize = 64;
const BUFFER_BYTES: usize = 2048;
const FRAME_BYTES_MIN: usize = 14;
const FRAME_BYTES_MAX: usize = 1514;

/// A card that runs. It is stopped when it is dropped.
pub(crate) struct VirtioCard<R: MemoryIo + Send, T: Time, Q: Requests> {
    transport: PciTransport<R>,
    time: T,
    /// For receiving and sending; always there until it is dropped.
    lanes: Option<[Lane<Q>; 2]>,
    address: HardwareAddress,
    has_status: bool,
    has_failed: bool,
}

/// A queue, and which of its buffers are with the device.
struct Lane<Q> {
    queue: Q,
    /// The number of the request that a buffer belongs to.
    requests: [Option<u16>; BUFFERS],
}

impl<Q: Requests> Lane<Q> {
    /// A buffer that is here.
    fn free(&self) -> Option<usize> {
        self.requests.iter().position(Option::is_none)
    }

    /// Gives `buffer` to the device, as what `chain` makes of it.
    fn give(&mut self, buffer: usize, chain: Chain) -> Result<(), NetworkError> {
        let request = self.queue.submit(chain);
        let request = request.ok_or(NetworkError::Malformed("a queue has less room than it said"));
        self.requests[buffer] = Some(request?);
        Ok(())
    }

    /// The buffer that the device has finished first, with how many bytes it wrote; `None` if it has finished none.
    fn take(&mut self) -> Result<Option<(usize, usize)>, NetworkError> {
        const OTHER: NetworkError = NetworkError::Malformed("it finishes a request that it was not given");
        let Some(number) = self.queue.next_done() else { return Ok(None) };
        let buffer = self.requests.iter().position(|request| *request == Some(number)).ok_or(OTHER)?;
        let written = self.queue.finish(number).ok_or(OTHER)?;
        self.requests[buffer] = None;
        Ok(Some((buffer, written)))
    }
}

/// A buffer for the device to receive in.
fn offered(buffer: usize) -> Chain {
    Chain::new(&[], &[piece(buffer, BUFFER_BYTES)])
}

fn piece(buffer: usize, bytes: usize) -> Piece {
    Piece { offset: buffer * BUFFER_BYTES, bytes }
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> VirtioCard<R, T, Q> {
    /// Starts the card behind `transport`, with the queues that `make` sets up by number. The function must be allowed to
    /// read and write memory.
    ///
    /// # Errors
    /// A device that does not start or makes no sense; it is stopped.
    pub(crate) fn open(
        transport: PciTransport<R>,
        time: T,
        make: impl Fn(&mut PciTransport<R>, u16) -> Option<Q>,
    ) -> Result<Self, NetworkError> {
        let mut card = Self {
            transport,
            time,
            lanes: None,
            address: HardwareAddress([0; 6]),
            has_status: false,
            has_failed: false,
        };
        let agreed = card.transport.start(&card.time, FEATURE_ADDRESS | FEATURE_STATUS);
        let agreed = agreed.map_err(|error| match error {
            StartError::Timeout => NetworkError::Malformed("it does not come out of its reset"),
            StartError::Features => NetworkError::Malformed("it does not work as version 1 says"),
        })?;
        card.has_status = agreed & FEATURE_STATUS != 0;
        card.address = HardwareAddress(core::array::from_fn(|byte| card.transport.device_u8(byte)));
        if agreed & FEATURE_ADDRESS == 0 || !card.address.is_of_a_card() {
            return Err(NetworkError::Malformed("it has no address"));
        }
        let mut lane = |number| {
            let queue = make(&mut card.transport, number);
            let queue = queue.ok_or(NetworkError::Malformed("a queue cannot be set up"))?;
            Ok(Lane { queue, requests: [None; BUFFERS] })
        };
        let (receive, send) = (lane(RECEIVE), lane(SEND));
        card.lanes = Some([receive?, send?]);
        card.transport.finish_init();
        let [receive, _] = card.lanes()?;
        for buffer in 0..BUFFERS {
            receive.give(buffer, offered(buffer))?;
        }
        card.transport.notify(RECEIVE);
        Ok(card)
    }

    /// Both queues of a card that has not failed.
    fn lanes(&mut self) -> Result<&mut [Lane<Q>; 2], NetworkError> {
        self.lanes.as_mut().filter(|_| !self.has_failed).ok_or(NetworkError::Failed)
    }

    /// Takes back what was sent.
    fn reclaim(&mut self) -> Result<(), NetworkError> {
        let [_, send] = self.lanes()?;
        while send.take()?.is_some() {}
        Ok(())
    }

    fn try_send(&mut self, frame: &[u8]) -> Result<(), NetworkError> {
        self.reclaim()?;
        let [_, send] = self.lanes()?;
        let buffer = send.free().ok_or(NetworkError::Full)?;
        let whole = piece(buffer, HEADER.len() + frame.len());
        send.queue.memory().write(whole.offset, &HEADER);
        send.queue.memory().write(whole.offset + HEADER.len(), frame);
        send.give(buffer, Chain::new(&[whole], &[]))?;
        self.transport.notify(SEND);
        Ok(())
    }

    fn try_receive(&mut self, frame: &mut [u8]) -> Result<Option<usize>, NetworkError> {
        // A whole queue at most: a card that goes round for ever must not hold its caller.
        for _ in 0..BUFFERS {
            let [receive, _] = self.lanes()?;
            let Some((buffer, written)) = receive.take()? else { return Ok(None) };
            let bytes = written.checked_sub(HEADER.len()).filter(|_| written <= BUFFER_BYTES);
            let bytes = bytes.ok_or(NetworkError::Malformed("the length of a frame makes no sense"))?;
            let buffer_bytes = frame.len();
            let taken = match frame.get_mut(..bytes) {
                Some(frame) => {
                    receive.queue.memory().read(piece(buffer, 0).offset + HEADER.len(), frame);
                    Ok(Some(bytes))
                }
                None => Err(NetworkError::Buffer { bytes, buffer_bytes }),
            };
            receive.give(buffer, offered(buffer))?;
            self.transport.notify(RECEIVE);
            // What is no frame is passed over.
            if bytes >= FRAME_BYTES_MIN {
                return taken;
            }
        }
        Ok(None)
    }

    /// A card that makes no sense is not used again.
    fn note<V>(&mut self, result: Result<V, NetworkError>) -> Result<V, NetworkError> {
        self.has_failed |= matches!(result, Err(NetworkError::Malformed(_)));
        result
    }
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> NetworkDevice for VirtioCard<R, T, Q> {
    fn address(&self) -> HardwareAddress {
        self.address
    }

    fn frame_bytes_max(&self) -> usize {
        FRAME_BYTES_MAX
    }

    fn link(&mut self) -> LinkState {
        // A card that does not say is always connected.
        let is_up = !self.has_status || self.transport.device_u16(STATUS) & STATUS_LINK_UP != 0;
        if is_up { LinkState::Up } else { LinkState::Down }
    }

    fn can_send(&mut self) -> bool {
        let result = self.reclaim();
        self.note(result).is_ok() && self.lanes().is_ok_and(|[_, send]| send.free().is_some())
    }

    fn send(&mut self, frame: &[u8]) -> Result<(), NetworkError> {
        if !(FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&frame.len()) {
            return Err(NetworkError::Length { bytes: frame.len(), bytes_max: FRAME_BYTES_MAX });
        }
        let result = self.try_send(frame);
        self.note(result)
    }

    fn receive(&mut self, frame: &mut [u8]) -> Result<Option<usize>, NetworkError> {
        let result = self.try_receive(frame);
        self.note(result)
    }

    fn rest(&mut self, patience: Duration) {
        // Before the look: a frame that comes after it is told by an interrupt that counts.
        let seen = self.time.interrupts();
        let is_empty = self.lanes().is_ok_and(|[receive, _]| !receive.queue.is_done());
        if is_empty {
            self.time.rest(seen, Nanoseconds(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX)));
        }
    }
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> Drop for VirtioCard<R, T, Q> {
    fn drop(&mut self) {
        let is_stopped = self.transport.stop(&self.time);
        for lane in self.lanes.take().into_iter().flatten() {
            if !is_stopped {
                lane.queue.leak();
            }
        }
    }
}
