//! One counter: its registers, and how it is set going.

use super::events::{Event, Figure, Unit};

/// Event-select bits that Intel (SDM volume 3, figure 21-1) and AMD (APM volume 2, figure 13-7) share.
pub(super) mod select {
    /// USR: counts in ring 3.
    pub(in crate::pmu) const USER: u64 = 1 << 16;
    /// OS: counts in ring 0.
    pub(in crate::pmu) const SYSTEM: u64 = 1 << 17;
    /// EN: counts at all.
    pub(in crate::pmu) const ENABLED: u64 = 1 << 22;
}

/// `IA32_FIXED_CTR_CTRL` (Intel SDM volume 3, figure 21-2): four bits for each fixed counter.
pub(super) const FIXED_CONTROL: u32 = 0x38d;

/// What a counter can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One figure only.
    Fixed(Figure),
    /// Any event of the core that its number allows.
    Core(u32),
    /// Any event of the third-level cache.
    Cache,
}

/// How a counter is set going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// By a register of its own, with `more` bits besides the event.
    Select { register: u32, more: u64 },
    /// By its four bits of [`FIXED_CONTROL`], the lowest of which is `bit`.
    Fixed { bit: u32 },
}

/// How a counter is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// By RDPMC with this selector.
    Rdpmc(u32),
    /// By the register that it is zeroed by.
    Register,
}

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) kind: Kind,
    pub(super) control: Control,
    /// The register that holds its value. Only zero is written to it: any other value would be taken as 32 bits with sign
    /// by Intel's general counters, unless it went to their full-width names (SDM volume 3, section 21.2.8).
    pub(super) value: u32,
    pub(super) reading: Reading,
    /// After how many bits it wraps around, 1 to 63.
    pub(super) bits: u32,
    /// Its bit in the registers that enable all and tell overflows; `None` if it is not in them.
    pub(super) global_bit: Option<u32>,
}

impl Counter {
    /// Whether it can count `event` of `figure`.
    pub(super) fn counts(&self, figure: Figure, event: &Event) -> bool {
        match (self.kind, event.unit) {
            (Kind::Fixed(its), _) => its == figure,
            (Kind::Core(number), Unit::Core(numbers)) => number < numbers,
            (Kind::Cache, Unit::Cache) => true,
            (Kind::Core(_), Unit::Cache) | (Kind::Cache, Unit::Core(_)) => false,
        }
    }

    /// How far it went from `before` to `after`, having wrapped around once at most.
    pub(super) const fn distance(&self, before: u64, after: u64) -> u64 {
        after.wrapping_sub(before) & ((1 << self.bits) - 1)
    }
}

/// The event-select register's value that counts `event` in all rings. Bits 35 to 32 are AMD's (APM volume 2, section
/// 13.2.1) and are zero for Intel's events, which have eight bits.
pub(super) const fn selection(event: Event, more: u64) -> u64 {
    let event_bits = (event.select & 0xff) as u64 | ((event.select >> 8) as u64) << 32;
    event_bits | (event.mask as u64) << 8 | more | select::ENABLED
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTER: Counter = Counter {
        kind: Kind::Core(5),
        control: Control::Select { register: 1, more: 0 },
        value: 2,
        reading: Reading::Register,
        bits: 40,
        global_bit: None,
    };

    #[test]
    fn a_counter_may_wrap_around_once() {
        assert_eq!(COUNTER.distance(5, 9), 4);
        assert_eq!(COUNTER.distance((1 << 40) - 3, 4), 7);
        assert_eq!(COUNTER.distance(9, 9), 0);
    }

    #[test]
    fn the_upper_bits_of_an_event_stand_apart_from_the_lower() {
        let event = Event { unit: Unit::Core(9), select: 0x3c1, mask: 0xf0 };
        assert_eq!(selection(event, select::SYSTEM), 0x3_0042_f0c1);
    }

    #[test]
    fn a_counter_counts_what_its_number_and_kind_allow() {
        let event = |unit| Event { unit, select: 0, mask: 0 };
        assert!(COUNTER.counts(Figure::DtlbMisses, &event(Unit::Core(6))));
        assert!(!COUNTER.counts(Figure::DtlbMisses, &event(Unit::Core(5))));
        assert!(!COUNTER.counts(Figure::LlcMisses, &event(Unit::Cache)));
        let fixed = Counter { kind: Kind::Fixed(Figure::Cycles), ..COUNTER };
        assert!(fixed.counts(Figure::Cycles, &event(Unit::Core(1))));
        assert!(!fixed.counts(Figure::Instructions, &event(Unit::Core(1))));
    }
}
