//! How far the time stamp counter of one CPU is ahead of another's.
//!
//! One CPU reads its counter, asks the other for its reading, and reads again when the answer is there. The other's
//! reading was taken somewhere in between: if it is taken for the middle, it is wrong by half the time in between at most.
//! Of many exchanges the shortest bounds the distance best (Cristian, "Probabilistic clock synchronization", 1989).

use crate::units::Ticks;

/// Three readings in the order in which they were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    /// Of the CPU that asks, before it does.
    pub(super) before: Ticks,
    /// Of the other.
    pub(super) other: Ticks,
    /// Of the CPU that asks, once it has the answer.
    pub(super) after: Ticks,
}

/// How far the other counter is ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skew {
    /// The most likely distance; negative if it is behind.
    pub(super) ahead_ticks: i64,
    /// By how much that may be wrong.
    pub(super) uncertainty_ticks: u64,
}

impl Exchange {
    /// How long it took.
    fn length(&self) -> u64 {
        self.after.since(self.before).0
    }

    /// Which of two bounds the distance better.
    pub(super) fn shorter(self, other: Self) -> Self {
        if other.length() < self.length() { other } else { self }
    }

    /// What it says.
    pub(super) fn skew(&self) -> Skew {
        let middle = self.before.0.saturating_add(self.length() / 2);
        let ahead = i128::from(self.other.0) - i128::from(middle);
        let limit = if ahead < 0 { i64::MIN } else { i64::MAX };
        Skew {
            ahead_ticks: i64::try_from(ahead).unwrap_or(limit),
            uncertainty_ticks: self.length().div_ceil(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn exchange(before: u64, other: u64, after: u64) -> Exchange {
        Exchange { before: Ticks(before), other: Ticks(other), after: Ticks(after) }
    }

    #[test]
    fn a_reading_in_the_middle_is_no_skew() {
        let skew = Skew { ahead_ticks: 0, uncertainty_ticks: 50 };
        assert_eq!(exchange(1_000, 1_050, 1_100).skew(), skew);
    }

    #[test]
    fn the_shorter_exchange_counts() {
        let (short, long) = (exchange(0, 500, 10), exchange(0, 0, 100));
        assert_eq!(long.shorter(short), short);
        assert_eq!(short.shorter(long), short);
        assert_eq!(short.skew(), Skew { ahead_ticks: 495, uncertainty_ticks: 5 });
    }

    #[test]
    fn distances_beyond_the_type_are_its_ends() {
        assert_eq!(exchange(u64::MAX, 0, u64::MAX).skew().ahead_ticks, i64::MIN);
        assert_eq!(exchange(0, u64::MAX, 0).skew().ahead_ticks, i64::MAX);
    }

    proptest! {
        #[test]
        fn the_true_distance_lies_within_the_uncertainty(
            before in 1_u64 << 40..1 << 50,
            there in 0_u64..100_000,
            back in 0_u64..100_000,
            ahead in -1_000_000_000_i64..1_000_000_000,
        ) {
            let other = before.saturating_add(there).saturating_add_signed(ahead);
            let skew = exchange(before, other, before + there + back).skew();
            prop_assert!(skew.ahead_ticks.abs_diff(ahead) <= skew.uncertainty_ticks);
        }
    }
}
