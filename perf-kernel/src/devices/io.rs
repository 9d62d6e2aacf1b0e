//! The two ways to the registers of devices, as drivers see them: a test implements them with a plain struct.

/// I/O ports.
pub(crate) trait PortIo {
    /// Reads a byte.
    fn read_u8(&mut self, port: u16) -> u8;

    /// Writes a byte.
    fn write_u8(&mut self, port: u16, value: u8);

    /// Reads four bytes.
    fn read_u32(&mut self, port: u16) -> u32;

    /// Writes four bytes.
    fn write_u32(&mut self, port: u16, value: u32);
}

/// A block of registers in memory, by offset from its start.
pub(crate) trait MemoryIo {
    /// Reads a byte.
    fn read_u8(&mut self, offset: usize) -> u8;

    /// Writes a byte.
    fn write_u8(&mut self, offset: usize, value: u8);

    /// Reads two bytes.
    fn read_u16(&mut self, offset: usize) -> u16;

    /// Writes two bytes.
    fn write_u16(&mut self, offset: usize, value: u16);

    /// Reads four bytes.
    fn read_u32(&mut self, offset: usize) -> u32;

    /// Writes four bytes.
    fn write_u32(&mut self, offset: usize, value: u32);
}

#[cfg(feature = "kernel")]
mod real {
    use super::{MemoryIo, PortIo};
    use crate::arch::{Mmio, Ports};
    use crate::devices::access::DeviceRegisters;

    impl PortIo for Ports {
        fn read_u8(&mut self, port: u16) -> u8 {
            Self::read_u8(*self, port)
        }

        fn write_u8(&mut self, port: u16, value: u8) {
            Self::write_u8(*self, port, value);
        }

        fn read_u32(&mut self, port: u16) -> u32 {
            Self::read_u32(*self, port)
        }

        fn write_u32(&mut self, port: u16, value: u32) {
            Self::write_u32(*self, port, value);
        }
    }

    impl DeviceRegisters for Mmio {
        fn read(&mut self, offset: usize) -> u32 {
            self.read_u32(offset)
        }

        fn write(&mut self, offset: usize, value: u32) {
            self.write_u32(offset, value);
        }
    }

    impl MemoryIo for Mmio {
        fn read_u8(&mut self, offset: usize) -> u8 {
            Self::read_u8(self, offset)
        }

        fn write_u8(&mut self, offset: usize, value: u8) {
            Self::write_u8(self, offset, value);
        }

        fn read_u16(&mut self, offset: usize) -> u16 {
            Self::read_u16(self, offset)
        }

        fn write_u16(&mut self, offset: usize, value: u16) {
            Self::write_u16(self, offset, value);
        }

        fn read_u32(&mut self, offset: usize) -> u32 {
            Self::read_u32(self, offset)
        }

        fn write_u32(&mut self, offset: usize, value: u32) {
            Self::write_u32(self, offset, value);
        }
    }
}
