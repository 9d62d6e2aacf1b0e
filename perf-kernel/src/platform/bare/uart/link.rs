//! The wire over a UART.

use uart_16550::Uart16550;

use crate::arch::uart_backend::{BoundedRegisters, UartRegisters};
use crate::wire::{Link, LinkError};

/// Status reads for one burst. A read takes about a microsecond at a port, and a burst of 16 bytes at the lowest rate
/// of a plan, 300 bits a second, half a second.
const BURST_STATUS_READS: u32 = 2_000_000;
/// Status reads for a burst after one that timed out: a host that is away must not cost every frame seconds.
const BURST_STATUS_READS_AFTER_TIMEOUT: u32 = 1_000;

/// A UART that carries frames, in bursts as long as its FIFO.
pub(in crate::platform::bare) struct UartLink<R: UartRegisters> {
    uart: Uart16550<BoundedRegisters<R>>,
    baud: u32,
    is_clogged: bool,
}

impl<R: UartRegisters> UartLink<R> {
    /// A link over a UART that works, at `baud` bits a second.
    pub(super) const fn new(uart: Uart16550<BoundedRegisters<R>>, baud: u32) -> Self {
        Self { uart, baud, is_clogged: false }
    }

    /// Bits a second.
    pub(in crate::platform::bare) const fn baud(&self) -> u32 {
        self.baud
    }
}

impl<R: UartRegisters> Link for UartLink<R> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let tries = if self.is_clogged { BURST_STATUS_READS_AFTER_TIMEOUT } else { BURST_STATUS_READS };
            // Each try reads the status once; the budget of the registers is for the crate's own waits.
            let sent = (0..tries).find_map(|_| {
                self.uart.backend_mut().allow(u32::MAX);
                Some(self.uart.send_bytes(rest)).filter(|sent| *sent > 0)
            });
            self.is_clogged = sent.is_none();
            rest = &rest[sent.ok_or(LinkError::TimedOut)?..];
        }
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        self.uart.backend_mut().allow(u32::MAX);
        self.uart.try_receive_byte().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Baud;
    use crate::platform::bare::uart::probe;
    use crate::platform::bare::uart::simulated::{Fault, Simulated};

    fn open(uart: &mut Simulated) -> UartLink<&mut Simulated> {
        probe::open(uart, Baud(115_200), None).expect("a working UART")
    }

    #[test]
    fn bytes_go_out_in_order_and_bursts_fit_the_fifo() {
        let mut uart = Simulated::new();
        let message: Vec<u8> = (0..=255).collect();
        assert_eq!(open(&mut uart).send(&message), Ok(()));
        assert_eq!(uart.sent(), message);
        assert!(!uart.has_overrun());
    }

    #[test]
    fn a_transmitter_that_stays_full_times_out_and_later_costs_less() {
        let mut uart = Simulated::new();
        let mut link = open(&mut uart);
        link.uart.backend_mut().registers().set_fault(Some(Fault::TransmitterFull));
        assert_eq!(link.send(b"x"), Err(LinkError::TimedOut));
        let before = link.uart.backend_mut().registers().accesses();
        assert_eq!(link.send(b"x"), Err(LinkError::TimedOut));
        let accesses = link.uart.backend_mut().registers().accesses() - before;
        assert!(accesses <= 2 * u64::from(BURST_STATUS_READS_AFTER_TIMEOUT), "{accesses}");
        link.uart.backend_mut().registers().set_fault(None);
        assert_eq!(link.send(b"x"), Ok(()));
        assert!(!link.is_clogged);
    }

    #[test]
    fn bytes_from_the_host_are_received() {
        let mut uart = Simulated::new();
        let mut link = open(&mut uart);
        assert_eq!(link.receive(), None);
        link.uart.backend_mut().registers().type_in(b"ok");
        assert_eq!((link.receive(), link.receive(), link.receive()), (Some(b'o'), Some(b'k'), None));
    }
}
