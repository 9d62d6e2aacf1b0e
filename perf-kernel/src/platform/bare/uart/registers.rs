//! The eight registers of a UART, at ports or in memory.

use crate::arch::uart_backend::UartRegisters;
use crate::devices::io::{MemoryIo, PortIo};

/// The eight registers of a UART.
#[derive(Debug)]
pub(in crate::platform::bare) enum Registers<P, M> {
    /// I/O ports from a first one.
    Ports(P, u16),
    /// Memory with a register every so many bytes: 1, 2 or 4.
    Memory(M, u8),
}

impl<P: PortIo, M: MemoryIo> UartRegisters for Registers<P, M> {
    fn read(&mut self, register: u8) -> u8 {
        match self {
            Self::Ports(ports, first) => ports.read_u8(first.wrapping_add(register.into())),
            Self::Memory(memory, stride) => {
                let offset = usize::from(register) * usize::from(*stride);
                match stride {
                    4 => memory.read_u32(offset).to_le_bytes()[0],
                    2 => memory.read_u16(offset).to_le_bytes()[0],
                    _ => memory.read_u8(offset),
                }
            }
        }
    }

    fn write(&mut self, register: u8, value: u8) {
        match self {
            Self::Ports(ports, first) => ports.write_u8(first.wrapping_add(register.into()), value),
            Self::Memory(memory, stride) => {
                let offset = usize::from(register) * usize::from(*stride);
                match stride {
                    4 => memory.write_u32(offset, value.into()),
                    2 => memory.write_u16(offset, value.into()),
                    _ => memory.write_u8(offset, value),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// Notes width, place and value of every access.
    #[derive(Default)]
    struct Recorder(Vec<(u8, usize, u32)>);

    impl PortIo for Recorder {
        fn read_u8(&mut self, port: u16) -> u8 {
            self.0.push((1, port.into(), 0));
            7
        }

        fn write_u8(&mut self, port: u16, value: u8) {
            self.0.push((1, port.into(), value.into()));
        }

        fn read_u32(&mut self, _port: u16) -> u32 {
            panic!("a UART has bytes")
        }

        fn write_u32(&mut self, _port: u16, _value: u32) {
            panic!("a UART has bytes")
        }
    }

    impl MemoryIo for Recorder {
        fn read_u8(&mut self, offset: usize) -> u8 {
            self.0.push((1, offset, 0));
            7
        }

        fn write_u8(&mut self, offset: usize, value: u8) {
            self.0.push((1, offset, value.into()));
        }

        fn read_u16(&mut self, offset: usize) -> u16 {
            self.0.push((2, offset, 0));
            0xff07
        }

        fn write_u16(&mut self, offset: usize, value: u16) {
            self.0.push((2, offset, value.into()));
        }

        fn read_u32(&mut self, offset: usize) -> u32 {
            self.0.push((4, offset, 0));
            0xffff_ff07
        }

        fn write_u32(&mut self, offset: usize, value: u32) {
            self.0.push((4, offset, value));
        }
    }

    #[test]
    fn registers_in_memory_are_accessed_in_their_width() {
        for stride in [1, 2, 4] {
            let mut registers = Registers::<Recorder, _>::Memory(Recorder::default(), stride);
            assert_eq!(registers.read(5), 7);
            registers.write(3, 9);
            let Registers::Memory(recorder, _) = registers else { panic!("it is in memory") };
            let stride_bytes = usize::from(stride);
            assert_eq!(recorder.0, vec![(stride, 5 * stride_bytes, 0), (stride, 3 * stride_bytes, 9)]);
        }
    }

    #[test]
    fn registers_at_ports_follow_the_first() {
        let mut registers = Registers::<_, Recorder>::Ports(Recorder::default(), 0x2f8);
        assert_eq!(registers.read(5), 7);
        let Registers::Ports(recorder, _) = registers else { panic!("it is at ports") };
        assert_eq!(recorder.0, vec![(1, 0x2fd, 0)]);
    }
}
