//! A comparator of the High Precision Event Timer (IA-PC HPET Specification 1.0a): interrupts when the main counter has a
//! value. The counter is a clock that others read: nothing here stops or sets it.

use crate::devices::io::MemoryIo;
use crate::units::Nanoseconds;

/// General capabilities (section 2.3.4): bits 12 to 8, the number of the last comparator; bit 13, whether the counter has 64
/// bits. The upper half is the period.
const CAPABILITIES: usize = 0x00;
const PERIOD: usize = 0x04;
const PERIOD_FEMTOSECONDS_MAX: u32 = 100_000_000;
/// General configuration (section 2.3.5): bit 0, the counter runs; bit 1, the first two comparators stand for timers of old.
const CONFIGURATION: usize = 0x10;
const RUNS: u32 = 1 << 0;
const LEGACY: u32 = 1 << 1;
const COUNTER: usize = 0xf0;
const COUNTER_HIGH: usize = 0xf4;

/// A comparator's registers, from its first (section 2.3.8).
const FIRST: usize = 0x100;
const BYTES: usize = 0x20;
const ROUTES: usize = 0x04;
const VALUE: usize = 0x08;
const VALUE_HIGH: usize = 0x0c;
const MESSAGE_DATA: usize = 0x10;
const MESSAGE_ADDRESS: usize = 0x14;

/// Bits of a comparator's configuration.
const LEVEL: u32 = 1 << 1;
const INTERRUPTS: u32 = 1 << 2;
const PERIODIC: u32 = 1 << 3;
const IS_WIDE: u32 = 1 << 5;
const NARROW_MODE: u32 = 1 << 8;
const ROUTE_SHIFT: u32 = 9;
const ROUTE: u32 = 0b1_1111 << ROUTE_SHIFT;
const BY_MESSAGE: u32 = 1 << 14;
const HAS_MESSAGES: u32 = 1 << 15;

/// The longest wait of a comparator of 32 bits: half of what it counts, so that past and future differ.
const NARROW_COUNTS_MAX: u64 = 1 << 31;
/// The shortest wait: some microseconds, more than the registers take to be written.
const COUNTS_MIN: u64 = 1_000;
/// Tries to set a value that has not passed when it is set.
const TRIES: u32 = 16;

/// What a comparator writes to interrupt without an I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform::bare) struct Message {
    /// Where to.
    pub(in crate::platform::bare) address: u32,
    /// What.
    pub(in crate::platform::bare) data: u32,
}

/// How a comparator interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform::bare) enum Way {
    /// By this line of the I/O APICs, on edges, asserted high.
    Line(u32),
    /// By a message of its own.
    Message(Message),
}

/// A comparator that nobody else uses.
pub(in crate::platform::bare) struct Comparator<M> {
    registers: M,
    base: usize,
    period_femtoseconds: u64,
    is_wide: bool,
    way: Way,
    /// The configuration and the value that it had, while it is set.
    kept: Option<[u32; 3]>,
}

impl<M: MemoryIo> Comparator<M> {
    /// The last comparator that the firmware does not use and that can interrupt, by `message` if it can, else by the highest
    /// line that `may_use` allows. `None` if there is none, or the counter cannot be told.
    pub(in crate::platform::bare) fn find(
        mut registers: M,
        message: Option<Message>,
        may_use: &dyn Fn(u32) -> bool,
    ) -> Option<Self> {
        let capabilities = registers.read_u32(CAPABILITIES);
        let period = registers.read_u32(PERIOD);
        if period == 0 || period > PERIOD_FEMTOSECONDS_MAX {
            return None;
        }
        let last = usize::try_from(capabilities >> 8 & 0b1_1111).ok()?;
        let is_legacy = registers.read_u32(CONFIGURATION) & LEGACY != 0;
        let counter_is_wide = capabilities & 1 << 13 != 0;
        let first = if is_legacy { 2 } else { 0 };
        (first..=last)
            .rev()
            .find_map(|number| {
                let base = FIRST + number * BYTES;
                let configuration = registers.read_u32(base);
                if configuration & INTERRUPTS != 0 {
                    return None;
                }
                let message = message.filter(|_| configuration & HAS_MESSAGES != 0).map(Way::Message);
                let routes = registers.read_u32(base + ROUTES);
                let line =
                    || (0..32).rev().find(|line| routes & 1 << line != 0 && may_use(*line)).map(Way::Line);
                let way = message.or_else(line)?;
                Some((base, way, counter_is_wide && configuration & IS_WIDE != 0))
            })
            .map(|(base, way, is_wide)| Self {
                registers,
                base,
                period_femtoseconds: period.into(),
                is_wide,
                way,
                kept: None,
            })
    }

    /// How it interrupts.
    pub(in crate::platform::bare) const fn way(&self) -> Way {
        self.way
    }

    /// Its number, from 0.
    pub(in crate::platform::bare) const fn number(&self) -> usize {
        (self.base - FIRST) / BYTES
    }

    /// Lets it interrupt once, `wait` from now or, if that is further away than it can count, before. Whether it is set: it
    /// is not if the counter passes whatever is set.
    pub(in crate::platform::bare) fn start(&mut self, wait: Nanoseconds) -> bool {
        let had = self.read(0);
        if self.kept.is_none() {
            self.kept = Some([had, self.read(VALUE), self.read(VALUE_HIGH)]);
        }
        self.run_counter();
        let route = match self.way {
            Way::Line(line) => line << ROUTE_SHIFT & ROUTE,
            Way::Message(Message { address, data }) => {
                self.write(MESSAGE_DATA, data);
                self.write(MESSAGE_ADDRESS, address);
                BY_MESSAGE
            }
        };
        let others = had & !(LEVEL | INTERRUPTS | PERIODIC | NARROW_MODE | ROUTE | BY_MESSAGE);
        let quiet = others | route | if self.is_wide { 0 } else { NARROW_MODE };
        let mut counts = u64::try_from(u128::from(wait.0) * 1_000_000 / u128::from(self.period_femtoseconds))
            .unwrap_or(u64::MAX);
        if !self.is_wide {
            counts = counts.min(NARROW_COUNTS_MAX);
        }
        for _ in 0..TRIES {
            counts = counts.max(COUNTS_MIN);
            // The halves of the value are written while it does not interrupt.
            self.write(0, quiet);
            let begin = self.counter();
            let value = begin.wrapping_add(counts);
            self.write(VALUE, low_half(value));
            if self.is_wide {
                self.write(VALUE_HIGH, low_half(value >> 32));
            }
            self.write(0, quiet | INTERRUPTS);
            if self.since(begin) < counts {
                return true;
            }
            // It may have been set too late, and would then wait for the counter to come round.
            counts = counts.saturating_mul(2);
        }
        self.stop();
        false
    }

    /// Makes it as it was before it was started.
    pub(in crate::platform::bare) fn stop(&mut self) {
        let Some([configuration, value, value_high]) = self.kept.take() else { return };
        let quiet = self.read(0) & !INTERRUPTS;
        self.write(0, quiet);
        self.write(VALUE, value);
        if self.is_wide {
            self.write(VALUE_HIGH, value_high);
        }
        self.write(0, configuration);
    }

    /// Lets the counter run, which may have been stopped by the firmware.
    fn run_counter(&mut self) {
        let configuration = self.registers.read_u32(CONFIGURATION);
        if configuration & RUNS == 0 {
            self.registers.write_u32(CONFIGURATION, configuration | RUNS);
        }
    }

    /// The counter, as far as the comparator compares it.
    fn counter(&mut self) -> u64 {
        if !self.is_wide {
            return self.registers.read_u32(COUNTER).into();
        }
        // Two reads are one moment if the upper half is the same before and after; it does not change twice in a row.
        let (mut high, mut low) = (self.registers.read_u32(COUNTER_HIGH), 0);
        for _ in 0..2 {
            low = self.registers.read_u32(COUNTER);
            let again = self.registers.read_u32(COUNTER_HIGH);
            if again == high {
                break;
            }
            high = again;
        }
        u64::from(high) << 32 | u64::from(low)
    }

    /// How far the counter is beyond `begin`.
    fn since(&mut self, begin: u64) -> u64 {
        let distance = self.counter().wrapping_sub(begin);
        if self.is_wide { distance } else { distance & u64::from(u32::MAX) }
    }

    fn read(&mut self, register: usize) -> u32 {
        self.registers.read_u32(self.base + register)
    }

    fn write(&mut self, register: usize, value: u32) {
        self.registers.write_u32(self.base + register, value);
    }
}

fn low_half(value: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = value.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// A timer whose counter goes on by `step` at each read of its lower half.
    struct Timer {
        registers: BTreeMap<usize, u32>,
        counter: u64,
        step: u64,
        writes: Vec<(usize, u32)>,
    }

    /// QEMU's: three comparators, a period of 10 ns, lines 2, 8 and 16 to 23.
    fn timer(comparators: &[u32]) -> Timer {
        let last = u32::try_from(comparators.len() - 1).expect("few");
        let mut registers = BTreeMap::from([
            (CAPABILITIES, last << 8 | 1 << 13),
            (PERIOD, 10_000_000),
            (CONFIGURATION, RUNS),
        ]);
        for (number, configuration) in comparators.iter().enumerate() {
            registers.insert(FIRST + number * BYTES, *configuration);
            registers.insert(FIRST + number * BYTES + ROUTES, 0x00ff_0104);
        }
        Timer { registers, counter: 0x1_ffff_ff00, step: 1, writes: Vec::new() }
    }

    impl MemoryIo for Timer {
        fn read_u8(&mut self, _offset: usize) -> u8 {
            panic!("the timer has words")
        }

        fn write_u8(&mut self, _offset: usize, _value: u8) {
            panic!("the timer has words")
        }

        fn read_u16(&mut self, _offset: usize) -> u16 {
            panic!("the timer has words")
        }

        fn write_u16(&mut self, _offset: usize, _value: u16) {
            panic!("the timer has words")
        }

        fn read_u32(&mut self, offset: usize) -> u32 {
            match offset {
                COUNTER => {
                    self.counter += self.step;
                    low_half(self.counter)
                }
                COUNTER_HIGH => low_half(self.counter >> 32),
                other => self.registers.get(&other).copied().unwrap_or(0),
            }
        }

        fn write_u32(&mut self, offset: usize, value: u32) {
            assert!(offset != COUNTER && offset != COUNTER_HIGH, "the counter is a clock of others");
            self.writes.push((offset, value));
            self.registers.insert(offset, value);
        }
    }

    fn any(_line: u32) -> bool {
        true
    }

    #[test]
    fn the_last_comparator_that_is_free_rings_by_the_highest_line_that_is() {
        let free = Comparator::find(timer(&[IS_WIDE; 3]), None, &any).expect("one");
        assert_eq!((free.number(), free.way()), (2, Way::Line(23)));
        let free = Comparator::find(timer(&[IS_WIDE, IS_WIDE, INTERRUPTS]), None, &|line| line < 20);
        assert_eq!(free.map(|free| (free.number(), free.way())), Some((1, Way::Line(19))));
        assert!(Comparator::find(timer(&[IS_WIDE; 3]), None, &|line| line == 4).is_none());
        assert!(Comparator::find(timer(&[INTERRUPTS; 3]), None, &any).is_none());
    }

    #[test]
    fn comparators_that_stand_for_timers_of_old_are_left_alone() {
        let mut legacy = timer(&[IS_WIDE; 2]);
        legacy.registers.insert(CONFIGURATION, RUNS | LEGACY);
        assert!(Comparator::find(legacy, None, &any).is_none());
    }

    #[test]
    fn one_that_can_rings_by_a_message() {
        let message = Message { address: 0xfee0_0000, data: 0x400 };
        let mut free = Comparator::find(timer(&[HAS_MESSAGES | IS_WIDE]), Some(message), &any).expect("one");
        assert!(free.start(Nanoseconds(1_000_000)));
        let registers = &free.registers.registers;
        assert_eq!((registers[&0x110], registers[&0x114]), (0x400, 0xfee0_0000));
        assert_eq!(registers[&0x100], HAS_MESSAGES | IS_WIDE | BY_MESSAGE | INTERRUPTS);
    }

    #[test]
    fn a_value_is_written_while_nothing_can_ring_and_across_the_halves() {
        let mut free = Comparator::find(timer(&[IS_WIDE | LEVEL | PERIODIC]), None, &any).expect("one");
        assert!(free.start(Nanoseconds::from_milliseconds(1)));
        let quiet = IS_WIDE | 23 << ROUTE_SHIFT;
        // 100,000 counts after 0x1_ffff_ff01.
        let writes = vec![(0x100, quiet), (0x108, 0x0001_85a1), (0x10c, 2), (0x100, quiet | INTERRUPTS)];
        assert_eq!(free.registers.writes, writes);
    }

    #[test]
    fn a_comparator_of_32_bits_rings_before_a_moment_that_is_too_far() {
        let mut free = Comparator::find(timer(&[0]), None, &any).expect("one");
        assert!(free.start(Nanoseconds::from_milliseconds(100_000)));
        let begin = 0xffff_ff01_u32;
        assert_eq!(free.registers.registers[&0x108], begin.wrapping_add(1 << 31));
        assert!(!free.registers.registers.contains_key(&0x10c), "it has no upper half");
        assert_eq!(free.registers.registers[&0x100], 23 << ROUTE_SHIFT | NARROW_MODE | INTERRUPTS);
    }

    #[test]
    fn a_value_that_has_passed_is_set_again_further_away() {
        let mut slow = timer(&[IS_WIDE]);
        slow.step = 1_500;
        let mut free = Comparator::find(slow, None, &any).expect("one");
        assert!(free.start(Nanoseconds(1)));
        let values = free.registers.writes.iter().filter(|(register, _)| *register == 0x108).count();
        assert_eq!(values, 2, "1,000 counts were over when they were set, 2,000 were not");
    }

    #[test]
    fn one_that_cannot_be_set_is_quiet_again() {
        let mut broken = timer(&[IS_WIDE]);
        broken.step = 1 << 40;
        let mut free = Comparator::find(broken, None, &any).expect("one");
        assert!(!free.start(Nanoseconds(1)));
        assert_eq!(free.registers.registers[&0x100], IS_WIDE);
    }

    #[test]
    fn what_the_firmware_had_set_is_there_again_afterwards() {
        let mut used = timer(&[IS_WIDE | LEVEL | PERIODIC | 5 << ROUTE_SHIFT]);
        used.registers.extend([(0x108, 77), (0x10c, 88)]);
        let mut free = Comparator::find(used, None, &any).expect("one");
        let before = free.registers.registers.clone();
        for _ in 0..2 {
            assert!(free.start(Nanoseconds::from_milliseconds(1)));
        }
        free.stop();
        assert_eq!(free.registers.registers, before);
        free.registers.writes.clear();
        free.stop();
        assert!(free.registers.writes.is_empty());
    }

    #[test]
    fn a_counter_that_stands_still_is_started_and_never_set() {
        let mut stopped = timer(&[IS_WIDE]);
        stopped.registers.insert(CONFIGURATION, 0);
        let mut free = Comparator::find(stopped, None, &any).expect("one");
        assert!(free.start(Nanoseconds::from_milliseconds(1)));
        assert_eq!(free.registers.registers[&CONFIGURATION], RUNS);
    }

    #[test]
    fn a_timer_with_an_impossible_period_is_refused() {
        for period in [0, PERIOD_FEMTOSECONDS_MAX + 1] {
            let mut odd = timer(&[IS_WIDE]);
            odd.registers.insert(PERIOD, period);
            assert!(Comparator::find(odd, None, &any).is_none());
        }
    }
}
