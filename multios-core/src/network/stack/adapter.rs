//! A network card as the library wants one.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::network::{NetworkDevice, NetworkError};

/// A card, with room for a frame each way.
pub(super) struct Adapter {
    pub(super) device: Box<dyn NetworkDevice>,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// What the card said first of all that lasts.
    error: Option<NetworkError>,
    frames_lost: u64,
}

impl Adapter {
    pub(super) fn new(device: Box<dyn NetworkDevice>) -> Self {
        let bytes = device.frame_bytes_max();
        Self { device, incoming: vec![0; bytes], outgoing: vec![0; bytes], error: None, frames_lost: 0 }
    }

    /// What the card said that lasts, if it did.
    pub(super) const fn error(&self) -> Option<NetworkError> {
        self.error
    }

    /// Frames that came and did not fit, or were to be sent and were not taken.
    pub(super) const fn frames_lost(&self) -> u64 {
        self.frames_lost
    }
}

/// A frame that is lost is sent again by whoever misses it; what else the card says lasts.
fn note(error: NetworkError, lasting: &mut Option<NetworkError>, frames_lost: &mut u64) {
    match error {
        NetworkError::Full | NetworkError::Length { .. } | NetworkError::Buffer { .. } => *frames_lost += 1,
        NetworkError::Malformed(_) | NetworkError::Failed => *lasting = lasting.or(Some(error)),
    }
}

impl Device for Adapter {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        // What comes may have to be answered.
        if !self.device.can_send() {
            return None;
        }
        let length = match self.device.receive(&mut self.incoming) {
            Ok(length) => length?,
            Err(error) => {
                note(error, &mut self.error, &mut self.frames_lost);
                return None;
            }
        };
        let Self { device, incoming, outgoing, error, frames_lost } = self;
        let frame = incoming.get(..length)?;
        Some((Incoming(frame), Outgoing { device: &mut **device, frame: outgoing, error, frames_lost }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Outgoing<'_>> {
        let Self { device, outgoing, error, frames_lost, .. } = self;
        device.can_send().then_some(Outgoing { device: &mut **device, frame: outgoing, error, frames_lost })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.device.frame_bytes_max();
        capabilities
    }
}

/// A frame that came.
pub(super) struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, use_frame: F) -> R {
        use_frame(self.0)
    }
}

/// Room for a frame to be sent.
pub(super) struct Outgoing<'a> {
    device: &'a mut dyn NetworkDevice,
    frame: &'a mut Vec<u8>,
    error: &'a mut Option<NetworkError>,
    frames_lost: &'a mut u64,
}

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // The library keeps to the largest frame of the card.
        if self.frame.len() < length {
            self.frame.resize(length, 0);
        }
        let frame = &mut self.frame[..length];
        let result = fill(frame);
        if let Err(error) = self.device.send(frame) {
            note(error, self.error, self.frames_lost);
        }
        result
    }
}
