//! Channel 0 of the 8254 interval timer, whose output is interrupt 0 of the ISA bus.

use crate::devices::io::PortIo;

const CHANNEL_0: u16 = 0x40;
const COMMAND: u16 = 0x43;

/// The channel, ringing over and over, or once.
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
        /// Intel 8254 data sheet, "Control word format": channel 0, both bytes, mode 2 (rate generator), binary.
        const CHANNEL_0_MODE_2: u8 = 0b0011_0100;
        self.ports.write_u8(COMMAND, CHANNEL_0_MODE_2);
        // A count of zero stands for 65,536.
        self.ports.write_u8(CHANNEL_0, 0);
        self.ports.write_u8(CHANNEL_0, 0);
    }

    /// Lets it ring once, after so many counts: its output goes low, and high again when they are over.
    pub(in crate::platform::bare) fn start_once(&mut self, counts: u16) {
        /// As above: channel 0, both bytes, mode 0 (interrupt on terminal count), binary.
        const CHANNEL_0_MODE_0: u8 = 0b0011_0000;
        let [low, high] = counts.to_le_bytes();
        self.ports.write_u8(COMMAND, CHANNEL_0_MODE_0);
        self.ports.write_u8(CHANNEL_0, low);
        self.ports.write_u8(CHANNEL_0, high);
    }

    /// Whether that is over.
    pub(in crate::platform::bare) fn is_over(&mut self) -> bool {
        /// "Read-back command" and "status byte": the status of channel 0, whose bit 7 is its output.
        const STATUS_OF_CHANNEL_0: u8 = 0b1110_0010;
        const OUTPUT: u8 = 1 << 7;
        self.ports.write_u8(COMMAND, STATUS_OF_CHANNEL_0);
        self.ports.read_u8(CHANNEL_0) & OUTPUT != 0
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
            assert_eq!((port, self.0.last()), (0x40, Some(&(0x43, 0xe2))), "only the status is read");
            0xb0
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

    #[test]
    fn the_channel_rings_once_and_says_when_that_is_over() {
        let mut alarm = IntervalAlarm::new(Ports::default());
        alarm.start_once(0x1234);
        assert_eq!(alarm.ports.0, vec![(0x43, 0x30), (0x40, 0x34), (0x40, 0x12)]);
        assert!(alarm.is_over(), "the output is high");
    }
}
