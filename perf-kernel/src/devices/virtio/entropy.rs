//! A source of random bytes (section 5.4).

use multios_core::security::{EntropyError, EntropySource, HealthTest, Seed};
use virtio_drivers::transport::Transport;

use super::requests::{Chain, Piece, Requests};
use super::transport::{PciTransport, StartError};
use crate::devices::access::{DmaRegion, Time, wait};
use crate::devices::io::MemoryIo;
use crate::units::Nanoseconds;

/// Bytes of the memory that its queue must have.
pub(crate) const ENTROPY_MEMORY_BYTES: usize = BUFFER.bytes;

/// The number of its only queue (section 5.4.2).
const QUEUE: u16 = 0;
const BUFFER: Piece = Piece { offset: 0, bytes: 64 };
/// What the device gathers may come slowly.
const PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(10_000);

/// A source that runs. It is stopped when it is dropped.
pub(crate) struct VirtioEntropy<R: MemoryIo + Send, T: Time, Q: Requests> {
    transport: PciTransport<R>,
    time: T,
    /// Always there until it is dropped.
    queue: Option<Q>,
    health: HealthTest,
    has_failed: bool,
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> VirtioEntropy<R, T, Q> {
    /// Starts the source behind `transport`, with the queue that `make` sets up by number. The function must be allowed
    /// to read and write memory.
    ///
    /// # Errors
    /// A device that does not start; it is stopped.
    pub(crate) fn open(
        transport: PciTransport<R>,
        time: T,
        make: impl FnOnce(&mut PciTransport<R>, u16) -> Option<Q>,
    ) -> Result<Self, EntropyError> {
        let health = HealthTest::half_a_word();
        let mut source = Self { transport, time, queue: None, health, has_failed: false };
        source.transport.start(&source.time, 0).map_err(|error| match error {
            StartError::Timeout => EntropyError::Device("it does not come out of its reset"),
            StartError::Features => EntropyError::Device("it does not work as version 1 says"),
        })?;
        source.queue = make(&mut source.transport, QUEUE);
        if source.queue.is_none() {
            return Err(EntropyError::Device("its queue cannot be set up, or there is no memory for it"));
        }
        source.transport.finish_init();
        Ok(source)
    }

    /// Fills the beginning of `bytes` with as many bytes as the device gives for one request, which is at least one.
    fn ask(&mut self, bytes: &mut [u8]) -> Result<usize, EntropyError> {
        let queue = self.queue.as_mut().ok_or(EntropyError::Unavailable)?;
        let piece = Piece { bytes: bytes.len().min(BUFFER.bytes), ..BUFFER };
        let number = queue.submit(Chain::new(&[], &[piece]));
        let number = number.ok_or(EntropyError::Device("its queue is full of no requests"))?;
        self.transport.notify(QUEUE);
        if !wait(&self.time, PATIENCE, || queue.is_done()) {
            return Err(EntropyError::Unavailable);
        }
        let written = queue.finish(number);
        let written = written.ok_or(EntropyError::Device("it finishes a request that it was not given"))?;
        // It must give something (section 5.4.6.2).
        if !(1..=piece.bytes).contains(&written) {
            return Err(EntropyError::Device("it gives nothing, or more than it was asked for"));
        }
        queue.memory().read(piece.offset, &mut bytes[..written]);
        // The seed is not to be found in memory afterwards.
        queue.memory().write(piece.offset, &[0; BUFFER.bytes][..written]);
        Ok(written)
    }

    fn try_gather(&mut self, seed: &mut Seed) -> Result<(), EntropyError> {
        let mut filled = 0;
        while filled < seed.len() {
            filled += self.ask(&mut seed[filled..])?;
        }
        for word in seed.as_chunks().0 {
            self.health.check(u64::from_le_bytes(*word))?;
        }
        Ok(())
    }
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> EntropySource for VirtioEntropy<R, T, Q> {
    fn gather(&mut self, seed: &mut Seed) -> Result<(), EntropyError> {
        if self.has_failed {
            return Err(EntropyError::Unavailable);
        }
        let result = self.try_gather(seed);
        if result.is_err() {
            seed.fill(0);
        }
        // A request that may still be under way owns its memory.
        self.has_failed = !matches!(result, Ok(()) | Err(EntropyError::Unhealthy(_)));
        result
    }
}

impl<R: MemoryIo + Send, T: Time, Q: Requests> Drop for VirtioEntropy<R, T, Q> {
    fn drop(&mut self) {
        let is_stopped = self.transport.stop(&self.time);
        if let Some(queue) = self.queue.take()
            && !is_stopped
        {
            queue.leak();
        }
    }
}
