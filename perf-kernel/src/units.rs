//! Quantities with their units. Everything is an integer; floats start in the runner's analysis.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Ticks of the time stamp counter. In exact mode one tick is one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticks(pub u64);

impl Ticks {
    /// The ticks from `earlier` to `self`; zero if the counter went backwards.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// This duration in picoseconds at frequency `hertz`, saturating; zero for a frequency of zero.
    #[must_use]
    pub fn to_picoseconds(self, hertz: Hertz) -> u64 {
        let picoseconds = u128::from(self.0) * 1_000_000_000_000;
        let quotient = picoseconds.checked_div(u128::from(hertz.0)).unwrap_or(0);
        u64::try_from(quotient).unwrap_or(u64::MAX)
    }
}

/// A span of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanoseconds(pub u64);

impl Nanoseconds {
    /// The nanoseconds in `milliseconds`, saturating.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds.saturating_mul(1_000_000))
    }

    /// This duration in ticks of a counter that runs at `hertz`, saturating.
    #[must_use]
    pub fn to_ticks(self, hertz: Hertz) -> Ticks {
        let ticks = u128::from(self.0) * u128::from(hertz.0) / 1_000_000_000;
        Ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
    }
}

/// A frequency in hertz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hertz(pub u64);

/// An amount of memory or data in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// The bytes in `mebibytes`, saturating.
    #[must_use]
    pub const fn from_mebibytes(mebibytes: u64) -> Self {
        Self(mebibytes.saturating_mul(1024 * 1024))
    }
}

impl fmt::Display for Bytes {
    /// Writes the largest binary unit that divides the amount, as in `64 KiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match UNITS.iter().find(|(size, _)| self.0 >= *size && self.0.is_multiple_of(*size)) {
            Some((size, name)) => write!(f, "{} {name}", self.0 / size),
            None => write!(f, "{} B", self.0),
        }
    }
}

/// Parts per million, the integer form of a ratio or share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartsPerMillion(pub u64);

impl PartsPerMillion {
    /// `part` of `whole`, saturating; `None` if `whole` is zero.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        let millionths = (u128::from(part) * 1_000_000).checked_div(u128::from(whole))?;
        Some(Self(u64::try_from(millionths).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_picoseconds_without_overflow() {
        assert_eq!(Ticks(3).to_picoseconds(Hertz(3_000_000_000)), 1000);
        assert_eq!(Ticks(u64::MAX).to_picoseconds(Hertz(1)), u64::MAX);
        assert_eq!(Ticks(5).to_picoseconds(Hertz(0)), 0);
    }

    #[test]
    fn nanoseconds_become_ticks() {
        assert_eq!(Nanoseconds::from_milliseconds(2).to_ticks(Hertz(1_000_000_000)), Ticks(2_000_000));
    }

    #[test]
    fn bytes_print_in_the_largest_exact_unit() {
        assert_eq!(alloc::format!("{} {} {}", Bytes(64), Bytes(65536), Bytes(1 << 20)), "64 B 64 KiB 1 MiB");
    }

    #[test]
    fn a_share_of_nothing_is_absent() {
        assert_eq!(PartsPerMillion::of(1, 0), None);
        assert_eq!(PartsPerMillion::of(1, 4), Some(PartsPerMillion(250_000)));
    }
}
