//! What a driver of a network card offers.

use core::fmt;
use core::time::Duration;

/// An Ethernet card that sends and receives whole frames, without their check sequence.
pub trait NetworkDevice: Send {
    /// Its own address.
    fn address(&self) -> HardwareAddress;

    /// The largest frame in bytes, header included.
    fn frame_bytes_max(&self) -> usize;

    /// Whether there is a line.
    fn link(&mut self) -> LinkState;

    /// Whether [`Self::send`] would take a frame now.
    fn can_send(&mut self) -> bool;

    /// Queues `frame` to be sent.
    ///
    /// # Errors
    /// [`NetworkError::Full`] if there is no room now; other errors last.
    fn send(&mut self, frame: &[u8]) -> Result<(), NetworkError>;

    /// Copies the oldest frame that has come into `frame` and returns its length; `None` if none has come.
    ///
    /// # Errors
    /// A frame that does not fit, which is lost, or what the card says.
    fn receive(&mut self, frame: &mut [u8]) -> Result<Option<usize>, NetworkError>;

    /// Waits until a frame may have come, `patience` at most. A card that cannot tell returns at once.
    fn rest(&mut self, patience: Duration) {
        let _ = patience;
    }
}

/// The address of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HardwareAddress(pub [u8; 6]);

impl HardwareAddress {
    /// Whether a card can have it: it is neither a group's nor nothing (IEEE 802, section 8.2).
    #[must_use]
    pub fn is_of_a_card(self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Whether there is a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Frames come and go.
    Up,
    /// Nothing is connected.
    Down,
}

/// Why a frame was not sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No room for another frame now.
    #[error("send a frame: the queue is full")]
    Full,
    /// The frame is empty or larger than what can be sent.
    #[error("send a frame of {bytes} bytes: it must have 14 to {bytes_max}")]
    Length {
        /// Its length.
        bytes: usize,
        /// The largest.
        bytes_max: usize,
    },
    /// The frame that came does not fit the buffer.
    #[error("receive a frame of {bytes} bytes: the buffer has {buffer_bytes}")]
    Buffer {
        /// Its length.
        bytes: usize,
        /// The buffer's.
        buffer_bytes: usize,
    },
    /// The card said something that makes no sense. It is not used again.
    #[error("understand the network card: {0}")]
    Malformed(&'static str),
    /// The card failed before, and is not used again.
    #[error("use the network card: it failed before")]
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_groups_and_of_nobody_belong_to_no_card() {
        assert!(HardwareAddress([0x52, 0x54, 0, 0x12, 0x34, 0x56]).is_of_a_card());
        assert!(!HardwareAddress([0xff; 6]).is_of_a_card());
        assert!(!HardwareAddress([0; 6]).is_of_a_card());
        assert!(!HardwareAddress([1, 0, 0, 0, 0, 0]).is_of_a_card());
    }

    #[test]
    fn an_address_is_written_in_bytes() {
        let text = alloc::format!("{}", HardwareAddress([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        assert_eq!(text, "52:54:00:12:34:56");
    }
}
