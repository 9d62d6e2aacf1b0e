//! A 16550 in software, for tests.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::arch::uart_backend::UartRegisters;

const FIFO_BYTES: usize = 16;

/// What is wrong with a simulated UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing is there, and the bus reads as ones.
    FloatingBus,
    /// Nothing is there, and the bus reads as zeros.
    Zeros,
    /// What is sent never leaves.
    TransmitterFull,
    /// Loopback is not a thing that it knows.
    NoLoopback,
    /// Loopback brings back other bytes.
    WrongEcho,
}

/// A 16550 whose line takes bytes at once.
#[derive(Default)]
pub(super) struct Simulated {
    registers: [u8; 8],
    divisor: [u8; 2],
    received: VecDeque<u8>,
    sent: Vec<u8>,
    in_fifo: usize,
    has_overrun: bool,
    fault: Option<Fault>,
    accesses: u64,
}

impl Simulated {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    pub(super) fn type_in(&mut self, bytes: &[u8]) {
        self.received.extend(bytes);
    }

    pub(super) fn sent(&self) -> &[u8] {
        &self.sent
    }

    pub(super) fn has_data(&self) -> bool {
        !self.received.is_empty()
    }

    pub(super) fn has_overrun(&self) -> bool {
        self.has_overrun
    }

    pub(super) fn divisor(&self) -> u16 {
        u16::from_le_bytes(self.divisor)
    }

    pub(super) fn is_in_loopback(&self) -> bool {
        self.registers[4] & 0x10 != 0
    }

    pub(super) fn accesses(&self) -> u64 {
        self.accesses
    }

    fn has_divisor_latch(&self) -> bool {
        self.registers[3] & 0x80 != 0
    }

    fn transmit(&mut self, value: u8) {
        match self.fault {
            Some(Fault::NoLoopback) if self.is_in_loopback() => {}
            Some(Fault::WrongEcho) if self.is_in_loopback() => self.received.push_back(value ^ 1),
            _ if self.is_in_loopback() => self.received.push_back(value),
            _ => {
                self.in_fifo += 1;
                self.has_overrun |= self.in_fifo > FIFO_BYTES;
                self.sent.push(value);
            }
        }
    }

    fn line_status(&mut self) -> u8 {
        // The line is as fast as the processor polls.
        self.in_fifo = 0;
        let empty = if self.fault == Some(Fault::TransmitterFull) { 0 } else { 0x60 };
        empty | u8::from(self.has_data())
    }

    fn modem_status(&self) -> u8 {
        if !self.is_in_loopback() || self.fault == Some(Fault::NoLoopback) {
            return 0xb0;
        }
        let control = self.registers[4];
        (control & 0x0c) << 4 | (control & 0x02) << 3 | (control & 0x01) << 5
    }
}

impl UartRegisters for &mut Simulated {
    fn read(&mut self, register: u8) -> u8 {
        self.accesses += 1;
        match (self.fault, register) {
            (Some(Fault::FloatingBus), _) => 0xff,
            (Some(Fault::Zeros), _) => 0,
            (_, 0 | 1) if self.has_divisor_latch() => self.divisor[usize::from(register)],
            (_, 0) => self.received.pop_front().unwrap_or(0),
            (_, 2) => 0xc1,
            (_, 5) => self.line_status(),
            (_, 6) => self.modem_status(),
            _ => self.registers[usize::from(register)],
        }
    }

    fn write(&mut self, register: u8, value: u8) {
        self.accesses += 1;
        match register {
            0 | 1 if self.has_divisor_latch() => self.divisor[usize::from(register)] = value,
            0 => self.transmit(value),
            2 if value & 2 != 0 => self.received.clear(),
            _ => self.registers[usize::from(register)] = value,
        }
    }
}
