//! Channel 0 of the 8254 interval timer, whose output is interrupt 0 of the ISA bus.

use crate::devices::io::PortIo;

/// The channel, ringing over and over.
pub(in crate::platform::bare) struct IntervalAlarm<P> {
    ports: P,
}

impl<P: PortIo> IntervalAlarm<P> {
    /// The channel behind `ports`.
    pub(in crate::platform::bare) const fn new(ports: P) -> Self {
        Self { ports }
    }

    /// Lets it ring every 65,536 counts, some 55 ms, as firmware that uses it does too: it can wait for no longer.
    pub(in crate::platform::bare) fn start(&mut self) {
        const CHANNEL_0: u16 = 0x40;
        const COMMAND: u16 = 0x43;
        /// Intel 8254 data sheet, "Control word format": channel 0, both bytes, mode 2 (rate generator), binary.
        const CHANNEL_0_MODE_2: u8 = 0b0011_0100;
        self.ports.write_u8(COMMAND, CHANNEL_0_MODE_2);
        // A count of zero stands for 65,536.
        self.ports.write_u8(CHANNEL_0, 0);
        self.ports.write_u8(CHANNEL_0, 0);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    #[derive(Default)]
    struct Ports(Vec<(u16, u8)>);

    impl PortIo for Ports {
        fn read_u8(&mut self, port: u16) -> u8 {
            panic!("{port:#x} is read")
        }

        fn write_u8(&mut self, port: u16, value: u8) {
            self.0.push((port, value));
        }

        fn read_u32(&mut self, port: u16) -> u32 {
            panic!("{port:#x} is read")
        }

        fn write_u32(&mut self, port: u16, _value: u32) {
            panic!("{port:#x} is written in words")
        }
    }

    #[test]
    fn the_channel_rings_as_seldom_as_it_can() {
        let mut alarm = IntervalAlarm::new(Ports::default());
        alarm.start();
        assert_eq!(alarm.ports.0, vec![(0x43, 0x34), (0x40, 0), (0x40, 0)]);
    }
}
