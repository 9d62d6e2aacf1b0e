//! Signals by their numbers.

/// A signal, by its number from 1 to 63. Those with a name have the number that it has on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal(u8);

impl Signal {
    /// The terminal is gone.
    pub const HUP: Self = Self(1);
    /// Somebody interrupts.
    pub const INT: Self = Self(2);
    /// Somebody wants an end.
    pub const QUIT: Self = Self(3);
    /// An instruction that does not exist.
    pub const ILL: Self = Self(4);
    /// A breakpoint, or a single step.
    pub const TRAP: Self = Self(5);
    /// An address that is not aligned.
    pub const BUS: Self = Self(7);
    /// A calculation without result.
    pub const FPE: Self = Self(8);
    /// The end, whatever the process says to it.
    pub const KILL: Self = Self(9);
    /// For programs to use.
    pub const USR1: Self = Self(10);
    /// Memory that is not there or not allowed.
    pub const SEGV: Self = Self(11);
    /// For programs to use.
    pub const USR2: Self = Self(12);
    /// A moment has come.
    pub const ALRM: Self = Self(14);
    /// A request to end.
    pub const TERM: Self = Self(15);
    /// A process of one's own has ended.
    pub const CHLD: Self = Self(17);

    /// Signal `number`; `None` if there is none.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match number.to_le_bytes() {
            [number @ 1..=63, 0, 0, 0, 0, 0, 0, 0] => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Signals, as bits by their numbers; bit 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Those of `bits` that can be blocked: all but KILL.
    #[must_use]
    pub const fn blockable(bits: u64) -> Self {
        Self(bits & !(1 | 1 << Signal::KILL.0))
    }

    /// As bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// With `signal`.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | 1 << signal.0)
    }

    /// Without `signal`.
    #[must_use]
    pub const fn without(self, signal: Signal) -> Self {
        Self(self.0 & !(1 << signal.0))
    }

    /// Without those of `other`.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `signal` is one of them.
    #[must_use]
    pub const fn has(self, signal: Signal) -> bool {
        self.0 & 1 << signal.0 != 0
    }

    /// The one with the highest number.
    #[must_use]
    pub fn highest(self) -> Option<Signal> {
        if self.0 == 0 { None } else { Signal::new(u64::from(self.0.ilog2())) }
    }

    /// The one with the lowest number.
    #[must_use]
    pub fn lowest(self) -> Option<Signal> {
        if self.0 == 0 { None } else { Signal::new(u64::from(self.0.trailing_zeros())) }
    }
}
