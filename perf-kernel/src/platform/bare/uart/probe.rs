//! Whether there is a UART that works: set up, then made to talk to itself.

use uart_16550::spec::CLK_FREQUENCY_HZ;
use uart_16550::spec::registers::{FCR, LSR, MCR, MSR, offsets};
use uart_16550::{BaudRate, Config, InitError, Uart16550};

use super::UartLink;
use crate::arch::uart_backend::{BoundedRegisters, UartRegisters, driver};
use crate::plan::Baud;

/// Status reads that set-up may take: enough for a full FIFO of the firmware's to drain at 9,600 bits a second.
const SET_UP_STATUS_READS: u32 = 100_000;
/// Status reads until a byte has come back: a byte at 300 bits a second takes a thirtieth of a second.
const LOOPBACK_STATUS_READS: u32 = 200_000;
/// Bytes that a receiver can hold from before, and some more.
const STALE_BYTES_MAX: usize = 64;
/// The rate that every UART of this kind can make.
const BAUD_FALLBACK: u32 = 115_200;

const DATA: u8 = 0;
const FIFO_CONTROL: u8 = 2;
const MODEM_CONTROL: u8 = 4;
const LINE_STATUS: u8 = 5;
const MODEM_STATUS: u8 = 6;

const _: () = assert!(
    offsets::DATA == 0 && offsets::FCR == 2 && offsets::MCR == 4 && offsets::LSR == 5 && offsets::MSR == 6
);

/// Why there is no working UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProbeError {
    /// The scratch register does not keep what is written to it.
    #[error("probe the UART: nothing answers")]
    Absent,
    /// The transmitter does not become empty.
    #[error("probe the UART: the transmitter stays full")]
    Stuck,
    /// What it sends to itself does not come back.
    #[error("probe the UART: the loopback test fails")]
    Loopback,
}

/// Sets up the UART at `registers` for `baud` with a clock of `clock_hertz`, or the usual one, and tests it. A rate
/// that its clock cannot make becomes [`BAUD_FALLBACK`]; [`UartLink::baud`] tells.
pub(super) fn open<R: UartRegisters>(
    registers: R,
    baud: Baud,
    clock_hertz: Option<u32>,
) -> Result<UartLink<R>, ProbeError> {
    let mut uart = driver(BoundedRegisters::new(registers, SET_UP_STATUS_READS));
    let mut baud = baud.0;
    let clock_hertz = clock_hertz.unwrap_or(CLK_FREQUENCY_HZ);
    let mut outcome = uart.init(config(baud, clock_hertz));
    if matches!(outcome, Err(InitError::InvalidBaudRate(_))) {
        baud = BAUD_FALLBACK;
        outcome = uart.init(config(baud, clock_hertz));
    }
    if matches!(outcome, Err(InitError::InvalidBaudRate(_))) {
        outcome = uart.init(config(baud, CLK_FREQUENCY_HZ));
    }
    outcome.map_err(|_| ProbeError::Absent)?;
    if uart.backend_mut().is_stuck() {
        return Err(ProbeError::Stuck);
    }
    test_loopback(&mut uart)?;
    Ok(UartLink::new(uart, baud))
}

fn config(baud: u32, clock_hertz: u32) -> Config {
    Config { frequency: clock_hertz, baud_rate: BaudRate::from_integer(baud), ..Config::DEFAULT }
}

/// Tests what the driver crate tests too, with waits that end (PC16550D data sheet, section 8.7, bit 4).
fn test_loopback<R: UartRegisters>(uart: &mut Uart16550<BoundedRegisters<R>>) -> Result<(), ProbeError> {
    let registers = uart.backend_mut().registers();
    let modem_control = registers.read(MODEM_CONTROL);
    let outcome = talk_to_itself(registers);
    registers.write(MODEM_CONTROL, modem_control);
    // Nothing of the test may reach the host, or be taken for a command of it.
    let fifo = FCR::FIFO_ENABLE | FCR::RX_FIFO_RESET | FCR::TX_FIFO_RESET;
    registers.write(FIFO_CONTROL, fifo.bits() | FIFO_TRIGGER_14);
    drain(registers);
    outcome
}

/// FCR bits 7 and 6: the crate's default trigger level.
const FIFO_TRIGGER_14: u8 = 0b1100_0000;

fn talk_to_itself(registers: &mut impl UartRegisters) -> Result<(), ProbeError> {
    let is_done = |done: bool| if done { Ok(()) } else { Err(ProbeError::Loopback) };
    registers.write(MODEM_CONTROL, (MCR::LOOP_BACK | MCR::RTS | MCR::OUT_2_INT_ENABLE).bits());
    drain(registers);
    // In loopback, RTS and OUT2 read back as CTS and CD.
    let lines = MSR::CTS | MSR::DSR | MSR::RI | MSR::CD;
    let status = MSR::from_bits_retain(registers.read(MODEM_STATUS)) & lines;
    is_done(status == MSR::CTS | MSR::CD)?;
    for sent in [0x55, 0xaa, 0x00, 0x0f] {
        registers.write(DATA, sent);
        is_done((0..LOOPBACK_STATUS_READS).any(|_| has_data(registers)))?;
        is_done(registers.read(DATA) == sent)?;
    }
    Ok(())
}

fn drain(registers: &mut impl UartRegisters) {
    for _ in 0..STALE_BYTES_MAX {
        if !has_data(registers) {
            break;
        }
        let _ = registers.read(DATA);
    }
}

fn has_data(registers: &mut impl UartRegisters) -> bool {
    LSR::from_bits_retain(registers.read(LINE_STATUS)).contains(LSR::DATA_READY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::bare::uart::simulated::{Fault, Simulated};

    fn probe(fault: Fault) -> Option<ProbeError> {
        let mut uart = Simulated::new();
        uart.set_fault(Some(fault));
        let error = open(&mut uart, Baud(115_200), None).err();
        assert!(uart.accesses() < 1_000_000, "{} accesses", uart.accesses());
        error
    }

    #[test]
    fn a_working_uart_is_set_up_and_silent() {
        let mut uart = Simulated::new();
        uart.type_in(b"left over");
        let link = open(&mut uart, Baud(38_400), None).expect("it works");
        assert_eq!(link.baud(), 38_400);
        assert_eq!(uart.divisor(), 3);
        assert!(uart.sent().is_empty(), "{:?}", uart.sent());
        assert!(!uart.has_data());
        assert!(!uart.is_in_loopback());
    }

    #[test]
    fn ports_where_nothing_answers_are_refused() {
        assert_eq!(probe(Fault::FloatingBus), Some(ProbeError::Absent));
        assert_eq!(probe(Fault::Zeros), Some(ProbeError::Absent));
    }

    #[test]
    fn a_transmitter_that_stays_full_is_refused_in_bounded_time() {
        assert_eq!(probe(Fault::TransmitterFull), Some(ProbeError::Stuck));
    }

    #[test]
    fn a_device_that_only_keeps_bytes_is_refused() {
        assert_eq!(probe(Fault::NoLoopback), Some(ProbeError::Loopback));
        assert_eq!(probe(Fault::WrongEcho), Some(ProbeError::Loopback));
    }

    #[test]
    fn a_rate_that_the_clock_cannot_make_becomes_one_that_it_can() {
        let mut uart = Simulated::new();
        assert_eq!(open(&mut uart, Baud(250_001), None).map(|link| link.baud()), Ok(BAUD_FALLBACK));
        assert_eq!(uart.divisor(), 1);
        assert_eq!(open(&mut uart, Baud(115_200), Some(1_000)).map(|link| link.baud()), Ok(BAUD_FALLBACK));
    }

    #[test]
    fn the_clock_of_the_firmware_sets_the_divisor() {
        let mut uart = Simulated::new();
        assert!(open(&mut uart, Baud(115_200), Some(7_372_800)).is_ok());
        assert_eq!(uart.divisor(), 4);
    }
}
