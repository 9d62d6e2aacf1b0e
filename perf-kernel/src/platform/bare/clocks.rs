//! The clocks of a PC that run at known frequencies.

use crate::devices::io::{MemoryIo, PortIo};
use crate::platform::ReferenceClock;
use crate::units::Hertz;

/// The High Precision Event Timer (IA-PC HPET Specification 1.0a).
pub(super) struct EventTimer<M> {
    registers: M,
    frequency: Hertz,
}

impl<M: MemoryIo> EventTimer<M> {
    /// Starts the timer at `registers`; `None` if its period is not one that the specification allows.
    pub(super) fn start(mut registers: M) -> Option<Self> {
        const PERIOD: usize = 0x04;
        const CONFIGURATION: usize = 0x10;
        const ENABLE: u32 = 1;
        /// Section 2.3.4: at most 100 ns.
        const PERIOD_FEMTOSECONDS_MAX: u32 = 100_000_000;
        let period = registers.read_u32(PERIOD);
        if period == 0 || period > PERIOD_FEMTOSECONDS_MAX {
            return None;
        }
        let configuration = registers.read_u32(CONFIGURATION);
        registers.write_u32(CONFIGURATION, configuration | ENABLE);
        let frequency = Hertz(1_000_000_000_000_000_u64.div_ceil(u64::from(period)));
        Some(Self { registers, frequency })
    }
}

impl<M: MemoryIo> ReferenceClock for EventTimer<M> {
    fn name(&self) -> &'static str {
        "hpet"
    }

    fn frequency(&self) -> Hertz {
        self.frequency
    }

    /// The lower half is read alone: some timers have no more, and two reads are not one moment.
    fn counter_bits(&self) -> u32 {
        32
    }

    fn read(&mut self) -> u64 {
        const COUNTER: usize = 0xf0;
        u64::from(self.registers.read_u32(COUNTER))
    }
}

/// Where the power management timer is read.
pub(super) enum PowerTimerRegister<P, M> {
    /// An I/O port.
    Port(P, u16),
    /// The first word of a block.
    #[cfg_attr(test, expect(dead_code, reason = "tests use the port"))]
    Memory(M),
}

/// The ACPI power management timer (ACPI 6.5, section 4.8.2.1).
pub(super) struct PowerTimer<P, M> {
    register: PowerTimerRegister<P, M>,
    bits: u32,
}

impl<P: PortIo, M: MemoryIo> PowerTimer<P, M> {
    /// The timer at `register`, of 24 or 32 `bits`.
    pub(super) const fn new(register: PowerTimerRegister<P, M>, bits: u32) -> Self {
        Self { register, bits }
    }
}

impl<P: PortIo, M: MemoryIo> ReferenceClock for PowerTimer<P, M> {
    fn name(&self) -> &'static str {
        "acpi-pm"
    }

    fn frequency(&self) -> Hertz {
        Hertz(3_579_545)
    }

    fn counter_bits(&self) -> u32 {
        self.bits
    }

    fn read(&mut self) -> u64 {
        let count = match &mut self.register {
            PowerTimerRegister::Port(ports, port) => ports.read_u32(*port),
            PowerTimerRegister::Memory(registers) => registers.read_u32(0),
        };
        u64::from(count) & ((1 << self.bits) - 1)
    }
}

/// Channel 2 of the 8254 interval timer, which no firmware needs: it drives the speaker.
pub(super) struct IntervalTimer<P> {
    ports: P,
}

impl<P: PortIo> IntervalTimer<P> {
    const CHANNEL_2: u16 = 0x42;
    const COMMAND: u16 = 0x43;

    /// Lets channel 2 count from 65,536 down, over and over.
    pub(super) fn start(mut ports: P) -> Self {
        const GATE_PORT: u16 = 0x61;
        const GATE: u8 = 1 << 0;
        const SPEAKER: u8 = 1 << 1;
        /// Intel 8254 data sheet, "Control word format": channel 2, both bytes, mode 2 (rate generator), binary.
        const CHANNEL_2_MODE_2: u8 = 0b1011_0100;
        let gate = ports.read_u8(GATE_PORT);
        ports.write_u8(GATE_PORT, (gate & !SPEAKER) | GATE);
        ports.write_u8(Self::COMMAND, CHANNEL_2_MODE_2);
        // A count of zero stands for 65,536.
        ports.write_u8(Self::CHANNEL_2, 0);
        ports.write_u8(Self::CHANNEL_2, 0);
        Self { ports }
    }
}

impl<P: PortIo> ReferenceClock for IntervalTimer<P> {
    fn name(&self) -> &'static str {
        "pit"
    }

    fn frequency(&self) -> Hertz {
        Hertz(1_193_182)
    }

    fn counter_bits(&self) -> u32 {
        16
    }

    fn read(&mut self) -> u64 {
        /// The same, "Counter latch command".
        const LATCH_CHANNEL_2: u8 = 0b1000_0000;
        self.ports.write_u8(Self::COMMAND, LATCH_CHANNEL_2);
        let low = self.ports.read_u8(Self::CHANNEL_2);
        let high = self.ports.read_u8(Self::CHANNEL_2);
        u64::from(u16::from_le_bytes([low, high]).wrapping_neg())
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::VecDeque;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    struct Registers {
        period: u32,
        configuration: u32,
    }

    impl MemoryIo for Registers {
        fn read_u8(&mut self, _offset: usize) -> u8 {
            panic!("the timers have words")
        }

        fn write_u8(&mut self, _offset: usize, _value: u8) {
            panic!("the timers have words")
        }

        fn read_u16(&mut self, _offset: usize) -> u16 {
            panic!("the timers have words")
        }

        fn write_u16(&mut self, _offset: usize, _value: u16) {
            panic!("the timers have words")
        }

        fn read_u32(&mut self, offset: usize) -> u32 {
            match offset {
                4 => self.period,
                0x10 => self.configuration,
                0xf0 => 1234,
                other => panic!("there is no register at {other:#x}"),
            }
        }

        fn write_u32(&mut self, offset: usize, value: u32) {
            assert_eq!(offset, 0x10);
            self.configuration = value;
        }
    }

    #[derive(Default)]
    struct Ports {
        reads: VecDeque<u32>,
        writes: Vec<(u16, u8)>,
    }

    impl PortIo for Ports {
        fn read_u8(&mut self, _port: u16) -> u8 {
            self.reads.pop_front().and_then(|value| u8::try_from(value).ok()).expect("a byte is expected")
        }

        fn write_u8(&mut self, port: u16, value: u8) {
            self.writes.push((port, value));
        }

        fn read_u32(&mut self, _port: u16) -> u32 {
            self.reads.pop_front().expect("a word is expected")
        }

        fn write_u32(&mut self, _port: u16, _value: u32) {
            panic!("the timers are not written in words")
        }
    }

    #[test]
    fn the_event_timer_is_enabled_and_its_period_becomes_a_frequency() {
        // QEMU's period is 10 ns, that of Intel chipsets 69.841279 ns.
        let mut timer =
            EventTimer::start(Registers { period: 10_000_000, configuration: 2 }).expect("a timer");
        assert_eq!(timer.frequency(), Hertz(100_000_000));
        assert_eq!(timer.registers.configuration, 3);
        assert_eq!(timer.read(), 1234);
        let intel = EventTimer::start(Registers { period: 69_841_279, configuration: 0 }).expect("a timer");
        assert_eq!(intel.frequency(), Hertz(14_318_180));
    }

    #[test]
    fn an_event_timer_with_an_impossible_period_is_refused() {
        for period in [0, 100_000_001, u32::MAX] {
            assert!(EventTimer::start(Registers { period, configuration: 0 }).is_none());
        }
    }

    #[test]
    fn the_power_timer_is_cut_to_its_bits() {
        let read = |bits, value| {
            let ports = Ports { reads: VecDeque::from([value]), ..Ports::default() };
            PowerTimer::<_, Registers>::new(PowerTimerRegister::Port(ports, 0x608), bits).read()
        };
        assert_eq!(read(24, 0xff12_3456), 0x12_3456);
        assert_eq!(read(32, 0xff12_3456), 0xff12_3456);
    }

    #[test]
    fn the_interval_timer_counts_up() {
        let reads = VecDeque::from([0x22, 0xff, 0xff, 0x00, 0x80]);
        let mut timer = IntervalTimer::start(Ports { reads, ..Ports::default() });
        // The gate opens, the speaker is silent, the rest of the port is as it was.
        assert_eq!(timer.ports.writes, vec![(0x61, 0x21), (0x43, 0xb4), (0x42, 0), (0x42, 0)]);
        assert_eq!((timer.read(), timer.read()), (1, 0x8000));
    }
}
