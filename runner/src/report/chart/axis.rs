//! Where values lie along an axis, and which of them get a tick.

use super::label::{Ladder, grain};
use super::number::amount;

/// Values that lie this far apart are spread by their logarithms.
const WIDE_RATIO: f64 = 12.0;

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spacing {
    /// By their differences.
    Linear,
    /// By their ratios.
    Logarithmic,
}

/// An axis from `start` to `end` in units of the drawing; `end` is below `start` on an axis that goes up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    /// How values are spread.
    pub(super) spacing: Spacing,
}

impl Axis {
    /// An axis for all of `values` with some room at both ends: by ratios where they lie far apart and all are positive.
    /// `None` without a finite value.
    pub(super) fn around(
        values: impl IntoIterator<Item = f64>,
        wanted: Option<Spacing>,
        (start, end): (f64, f64),
    ) -> Option<Self> {
        let (low, high) = range(values)?;
        let is_wide = low > 0.0 && high / low >= WIDE_RATIO;
        let fitting = if is_wide { Spacing::Logarithmic } else { Spacing::Linear };
        let spacing = match wanted {
            Some(Spacing::Logarithmic) if low <= 0.0 => Spacing::Linear,
            Some(spacing) => spacing,
            None => fitting,
        };
        let (low, high) = with_room(low, high, spacing);
        Some(Self { low, high, start, end, spacing })
    }

    /// An axis from exactly `low` to exactly `high`.
    pub(super) fn exactly(low: f64, high: f64, (start, end): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, start, end, spacing: Spacing::Linear }
    }

    /// Where `value` lies; values beyond an end lie on it.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = match self.spacing {
            Spacing::Linear => (value - self.low) / (self.high - self.low),
            Spacing::Logarithmic => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
        };
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.start + share * (self.end - self.start)
    }

    /// The value that lies at `share` of the way.
    pub(super) fn value(&self, share: f64) -> f64 {
        match self.spacing {
            Spacing::Linear => self.low + share * (self.high - self.low),
            Spacing::Logarithmic => self.low * (self.high / self.low).powf(share),
        }
    }

    /// At most about `most` round values, ascending.
    pub(super) fn ticks(&self, most: usize, ladder: Ladder) -> Vec<f64> {
        let is_decades = self.spacing == Spacing::Logarithmic && self.high / self.low >= WIDE_RATIO;
        let ticks = if is_decades { self.ratios(most, ladder) } else { self.steps(most, ladder) };
        let mut ticks: Vec<f64> =
            ticks.into_iter().filter(|tick| *tick >= self.low && *tick <= self.high).collect();
        // Steps below the precision of the values fall together.
        ticks.dedup();
        ticks
    }

    /// Multiples of a step of 1, 2 or 5 times a power of ten of the unit that the values are shown in.
    fn steps(&self, most: usize, ladder: Ladder) -> Vec<f64> {
        let grain = grain(self.high.abs().max(self.low.abs()), ladder);
        let rough = (self.high - self.low) / grain / amount(most.max(1));
        let power = 10_f64.powf(rough.log10().floor());
        // A step a little below the wished one gives a tick or two more, not twice as many.
        let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|nice| nice * power >= rough * 0.8).unwrap_or(10.0);
        let step = nice * power * grain;
        if !step.is_finite() || step <= 0.0 {
            return Vec::new();
        }
        let first = (self.low / step).ceil();
        (0..=2 * most).map(|place| (first + amount(place)) * step).collect()
    }

    /// Powers of the ladder's base with round values between them, or every second, third ... power.
    fn ratios(&self, most: usize, ladder: Ladder) -> Vec<f64> {
        let (base, between): (f64, &[f64]) =
            if ladder.is_binary() { (2.0, &[1.0]) } else { (10.0, &[1.0, 2.0, 5.0]) };
        let first = self.low.log(base).floor();
        let powers =
            (0..).map(|place| first + f64::from(place)).take_while(|power| base.powf(*power) <= self.high);
        let powers: Vec<f64> = powers.take(2_000).collect();
        let is_within = |value: &f64| (self.low..=self.high).contains(value);
        let all = powers.iter().flat_map(|power| between.iter().map(|nice| nice * base.powf(*power)));
        let all: Vec<f64> = all.filter(is_within).collect();
        if all.len() <= most + 3 {
            return all;
        }
        let within: Vec<f64> = powers.into_iter().filter(|power| is_within(&base.powf(*power))).collect();
        let apart = within.len().div_ceil(most.max(1));
        within.into_iter().step_by(apart).map(|power| base.powf(power)).collect()
    }
}

/// The lowest and the highest finite value.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

fn with_room(low: f64, high: f64, spacing: Spacing) -> (f64, f64) {
    match spacing {
        Spacing::Logarithmic => {
            let room = (high / low).powf(0.04).max(1.05);
            (low / room, high * room)
        }
        Spacing::Linear if high > low => {
            let room = (high - low) * 0.06;
            // A cost is never below zero, and an axis that shows less than that puzzles.
            let bottom = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
            (bottom, high + room)
        }
        Spacing::Linear if low == 0.0 => (0.0, 1.0),
        Spacing::Linear => (low - low.abs() * 0.05, high + high.abs() * 0.05),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::FigureUnit;
    use proptest::prelude::*;

    const TIME: Ladder = Ladder::Figure(FigureUnit::Nanoseconds);

    fn axis(values: &[f64]) -> Axis {
        Axis::around(values.iter().copied(), None, (0.0, 100.0)).expect("finite values")
    }

    #[test]
    fn values_far_apart_are_spread_by_ratios() {
        assert_eq!(axis(&[10.0, 30.0]).spacing, Spacing::Linear);
        assert_eq!(axis(&[10.0, 3000.0]).spacing, Spacing::Logarithmic);
        assert_eq!(axis(&[0.0, 3000.0]).spacing, Spacing::Linear);
    }

    #[test]
    fn ticks_are_round_in_the_unit_that_is_shown() {
        assert_eq!(axis(&[138.0, 147.0]).ticks(5, TIME), [138.0, 140.0, 142.0, 144.0, 146.0]);
        assert_eq!(axis(&[1_100.0, 1_900.0]).ticks(5, TIME), [1_200.0, 1_400.0, 1_600.0, 1_800.0]);
        let memory = axis(&[1024.0, 2048.0]).ticks(3, Ladder::Figure(FigureUnit::Bytes));
        assert_eq!(memory, [1024.0, 1536.0, 2048.0]);
    }

    #[test]
    fn wide_axes_have_powers() {
        assert_eq!(axis(&[9.0, 9e5]).ticks(6, TIME), [10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
        assert_eq!(axis(&[9.0, 210.0]).ticks(8, TIME), [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(axis(&[60.0, 990.0]).ticks(5, TIME), [100.0, 200.0, 500.0, 1000.0]);
    }

    proptest! {
        #[test]
        fn every_value_lies_on_its_axis_and_ticks_ascend(
            values in proptest::collection::vec(any::<f64>(), 1..20),
            most in 1_usize..12,
        ) {
            let Some(axis) = Axis::around(values.iter().copied(), None, (10.0, 90.0)) else { return Ok(()) };
            prop_assert!(values.iter().all(|value| (10.0..=90.0).contains(&axis.at(*value))));
            let ticks = axis.ticks(most, TIME);
            prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
            prop_assert!(ticks.len() <= 3 * most + 4, "{} ticks", ticks.len());
        }
    }
}
