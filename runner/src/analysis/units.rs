//! Ticks become time here and nowhere else in the runner.

use perf_kernel::suites::Unit;
use perf_kernel::units::Hertz;
use perf_kernel::wire::{BenchRecord, Clock, Mode};

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FigureUnit {
    /// Time.
    Nanoseconds,
    /// Work, in exact mode.
    Instructions,
    /// A share.
    PartsPerMillion,
    /// Memory.
    Bytes,
}

impl FigureUnit {
    /// The unit of what `unit` counts in `mode`.
    #[must_use]
    pub const fn of(unit: Unit, mode: Mode) -> Self {
        match unit {
            Unit::PartsPerMillion => Self::PartsPerMillion,
            Unit::Bytes => Self::Bytes,
            Unit::Ticks | Unit::Throughput | Unit::GapTicks => match mode {
                Mode::Icount => Self::Instructions,
                Mode::Hardware | Mode::Kvm | Mode::Tcg | Mode::Hosted => Self::Nanoseconds,
            },
        }
    }

    /// The unit with this name in JSON; `None` if no unit has it.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let all = [Self::Nanoseconds, Self::Instructions, Self::PartsPerMillion, Self::Bytes];
        all.into_iter().find(|unit| unit.name() == name)
    }

    /// Its name in JSON and CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Instructions => "instructions",
            Self::PartsPerMillion => "ppm",
            Self::Bytes => "bytes",
        }
    }
}

/// `ticks` of a counter at `frequency` in nanoseconds; `None` for a frequency of zero.
#[must_use]
pub fn nanoseconds(ticks: f64, frequency: Hertz) -> Option<f64> {
    (frequency.0 != 0).then(|| ticks * 1e9 / count(frequency.0))
}

/// From samples to figures of one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    /// What figures count.
    pub unit: FigureUnit,
    /// Figure of one iteration for each unit of a sample.
    factor: f64,
}

impl Conversion {
    /// The conversion for the samples of `record` under `clock`; `None` if the record claims no iterations or the
    /// clock no frequency, so that there is nothing to divide by.
    #[must_use]
    pub fn of(record: &BenchRecord, clock: &Clock) -> Option<Self> {
        Self::of_batch(record, record.iterations, clock)
    }

    /// The conversion for samples of `record` that are one iteration each, whatever its others are.
    #[must_use]
    pub fn of_single(record: &BenchRecord, clock: &Clock) -> Option<Self> {
        Self::of_batch(record, 1, clock)
    }

    fn of_batch(record: &BenchRecord, iterations: u64, clock: &Clock) -> Option<Self> {
        let unit = FigureUnit::of(record.unit, clock.mode);
        if iterations == 0 {
            return None;
        }
        let each = match unit {
            FigureUnit::Nanoseconds => nanoseconds(1.0, clock.frequency)?,
            FigureUnit::Instructions | FigureUnit::PartsPerMillion | FigureUnit::Bytes => 1.0,
        };
        Some(Self { unit, factor: each / count(iterations) })
    }

    /// The figure of one iteration for a whole sample of `sample`.
    #[must_use]
    pub fn figure(&self, sample: u64) -> f64 {
        count(sample) * self.factor
    }

    /// The figure of one iteration for a sample of `thousandths`.
    #[must_use]
    pub fn figure_of_thousandths(&self, thousandths: u64) -> f64 {
        count(thousandths) / 1000.0 * self.factor
    }
}

/// `number` as a float: exact below 2^53, else to 16 digits, which is more than a figure shows.
pub(crate) const fn count(number: u64) -> f64 {
    number as f64
}

/// `number` of things in memory as a float.
pub(crate) const fn count_of(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds_by_the_frequency() {
        assert_eq!(nanoseconds(3000.0, Hertz(3_000_000_000)), Some(1000.0));
        assert_eq!(nanoseconds(1.0, Hertz(0)), None);
    }

    #[test]
    fn ticks_are_instructions_in_exact_mode_only() {
        assert_eq!(FigureUnit::of(Unit::Ticks, Mode::Icount), FigureUnit::Instructions);
        assert_eq!(FigureUnit::of(Unit::Throughput, Mode::Tcg), FigureUnit::Nanoseconds);
        assert_eq!(FigureUnit::of(Unit::Bytes, Mode::Icount), FigureUnit::Bytes);
    }
}
