//! Two cards joined by a line, for tests and for measuring what lies above one.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use spin::Mutex;

use super::{HardwareAddress, LinkState, NetworkDevice, NetworkError};

const FRAME_BYTES_MIN: usize = 14;
const FRAME_BYTES_MAX: usize = 1514;

type Queue = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// One end of a line. It is down once the other end is dropped.
#[derive(Debug)]
pub struct Loopback {
    address: HardwareAddress,
    outgoing: Queue,
    incoming: Queue,
    frames_max: usize,
}

/// Two ends of one line that holds `frames_max` frames each way.
#[must_use]
pub fn loopback_pair(frames_max: usize) -> (Loopback, Loopback) {
    let (there, back) = (Queue::default(), Queue::default());
    let end = |last, outgoing: &Queue, incoming: &Queue| Loopback {
        // The second bit says that the address is locally administered.
        address: HardwareAddress([2, 0, 0, 0, 0, last]),
        outgoing: outgoing.clone(),
        incoming: incoming.clone(),
        frames_max,
    };
    (end(1, &there, &back), end(2, &back, &there))
}

impl NetworkDevice for Loopback {
    fn address(&self) -> HardwareAddress {
        self.address
    }

    fn frame_bytes_max(&self) -> usize {
        FRAME_BYTES_MAX
    }

    fn link(&mut self) -> LinkState {
        if Arc::strong_count(&self.outgoing) > 1 { LinkState::Up } else { LinkState::Down }
    }

    fn can_send(&mut self) -> bool {
        self.outgoing.lock().len() < self.frames_max
    }

    fn send(&mut self, frame: &[u8]) -> Result<(), NetworkError> {
        if !(FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&frame.len()) {
            return Err(NetworkError::Length { bytes: frame.len(), bytes_max: FRAME_BYTES_MAX });
        }
        let mut queue = self.outgoing.lock();
        if queue.len() >= self.frames_max {
            return Err(NetworkError::Full);
        }
        queue.push_back(frame.to_vec());
        Ok(())
    }

    fn receive(&mut self, frame: &mut [u8]) -> Result<Option<usize>, NetworkError> {
        let Some(came) = self.incoming.lock().pop_front() else { return Ok(None) };
        let buffer_bytes = frame.len();
        let place = frame.get_mut(..came.len());
        let place = place.ok_or(NetworkError::Buffer { bytes: came.len(), buffer_bytes })?;
        place.copy_from_slice(&came);
        Ok(Some(came.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_at_the_other_end_in_order() {
        let (mut left, mut right) = loopback_pair(4);
        left.send(&[1; 60]).expect("there is room");
        left.send(&[2; 14]).expect("there is room");
        let mut frame = [0; 1514];
        assert_eq!(right.receive(&mut frame), Ok(Some(60)));
        assert_eq!(frame[..60], [1; 60]);
        assert_eq!(right.receive(&mut frame), Ok(Some(14)));
        assert_eq!(right.receive(&mut frame), Ok(None));
        assert_eq!(left.receive(&mut frame), Ok(None));
    }

    #[test]
    fn a_full_line_and_wrong_lengths_are_refused() {
        let (mut left, mut right) = loopback_pair(1);
        assert!(matches!(left.send(&[1; 13]), Err(NetworkError::Length { .. })));
        assert!(matches!(left.send(&[1; 1515]), Err(NetworkError::Length { .. })));
        left.send(&[1; 60]).expect("there is room");
        assert!(!left.can_send());
        assert_eq!(left.send(&[1; 60]), Err(NetworkError::Full));
        assert!(matches!(right.receive(&mut [0; 59]), Err(NetworkError::Buffer { .. })));
    }

    #[test]
    fn the_line_is_down_without_another_end() {
        let (mut left, right) = loopback_pair(1);
        assert_eq!(left.link(), LinkState::Up);
        drop(right);
        assert_eq!(left.link(), LinkState::Down);
    }
}
