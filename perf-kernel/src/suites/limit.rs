//! Targets of the catalogue.

use core::fmt;

/// `statistic relation bound`, perhaps at one scale only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is held against the bound.
    pub statistic: Statistic,
    /// On which side of it.
    pub relation: Relation,
    /// The bound in nanoseconds, parts per million or bytes, as the unit says.
    pub bound: u64,
    /// The unit that the bound is written in.
    pub written_in: BoundUnit,
    /// Whether the bound is for each KiB of the bench's data.
    pub is_per_kib: bool,
    /// The scale that it holds at; `None` for all.
    pub at: Option<&'static str>,
}

impl Limit {
    /// `p99 <= microseconds us`.
    #[must_use]
    pub const fn p99_us(microseconds: u64) -> Self {
        Self::at_most(Statistic::P99, microseconds, BoundUnit::Microseconds)
    }

    /// `p99 <= milliseconds ms`.
    #[must_use]
    pub const fn p99_ms(milliseconds: u64) -> Self {
        Self::at_most(Statistic::P99, milliseconds, BoundUnit::Milliseconds)
    }

    /// `median <= ppm ppm`.
    #[must_use]
    pub const fn median_ppm(ppm: u64) -> Self {
        Self::at_most(Statistic::Median, ppm, BoundUnit::PartsPerMillion)
    }

    /// `max <= ppm ppm`.
    #[must_use]
    pub const fn max_ppm(ppm: u64) -> Self {
        Self::at_most(Statistic::Max, ppm, BoundUnit::PartsPerMillion)
    }

    /// `max <= mebibytes MiB`.
    #[must_use]
    pub const fn max_mib(mebibytes: u64) -> Self {
        Self::at_most(Statistic::Max, mebibytes, BoundUnit::Mebibytes)
    }

    /// `hit rate >= percent %`.
    #[must_use]
    pub const fn hit_rate_percent(percent: u64) -> Self {
        Self { relation: Relation::AtLeast, ..Self::at_most(Statistic::HitRate, percent, BoundUnit::Percent) }
    }

    /// The same for each KiB.
    #[must_use]
    pub const fn per_kib(self) -> Self {
        Self { is_per_kib: true, ..self }
    }

    /// The same at one scale only.
    #[must_use]
    pub const fn at(self, scale: &'static str) -> Self {
        Self { at: Some(scale), ..self }
    }

    const fn at_most(statistic: Statistic, number: u64, written_in: BoundUnit) -> Self {
        let bound = number * written_in.base_units();
        Self { statistic, relation: Relation::AtMost, bound, written_in, is_per_kib: false, at: None }
    }
}

impl fmt::Display for Limit {
    /// Writes the limit as the catalogue does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = match self.relation {
            Relation::AtMost => "<=",
            Relation::AtLeast => ">=",
        };
        let number = self.bound / self.written_in.base_units();
        write!(f, "{} {relation} {number} {}", self.statistic.name(), self.written_in.name())?;
        if self.is_per_kib {
            f.write_str(" per KiB")?;
        }
        self.at.map_or(Ok(()), |scale| write!(f, " at {scale}"))
    }
}

/// What is held against a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The median of an iteration.
    Median,
    /// The 99th percentile of an iteration.
    P99,
    /// The largest value.
    Max,
    /// The share of accesses that hit the cache.
    HitRate,
}

impl Statistic {
    /// Its name in the catalogue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::P99 => "p99",
            Self::Max => "max",
            Self::HitRate => "hit rate",
        }
    }
}

/// The side of a bound on which a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// At the bound or below.
    AtMost,
    /// At the bound or above.
    AtLeast,
}

/// Units that bounds are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundUnit {
    /// Kept in nanoseconds.
    Microseconds,
    /// Kept in nanoseconds.
    Milliseconds,
    /// Kept as it is.
    PartsPerMillion,
    /// Kept in parts per million.
    Percent,
    /// Kept in bytes.
    Mebibytes,
}

impl BoundUnit {
    const fn base_units(self) -> u64 {
        match self {
            Self::Microseconds => 1_000,
            Self::Milliseconds => 1_000_000,
            Self::PartsPerMillion => 1,
            Self::Percent => 10_000,
            Self::Mebibytes => 1 << 20,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::PartsPerMillion => "ppm",
            Self::Percent => "%",
            Self::Mebibytes => "MiB",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn limits_print_as_the_catalogue_writes_them() {
        assert_eq!(Limit::p99_ms(1).at("1k").to_string(), "p99 <= 1 ms at 1k");
        assert_eq!(Limit::p99_ms(1).per_kib().to_string(), "p99 <= 1 ms per KiB");
        assert_eq!(Limit::hit_rate_percent(90).to_string(), "hit rate >= 90 %");
        assert_eq!(Limit::max_mib(1).to_string(), "max <= 1 MiB");
    }

    #[test]
    fn bounds_are_kept_in_base_units() {
        assert_eq!(Limit::p99_us(10).bound, 10_000);
        assert_eq!(Limit::hit_rate_percent(90).bound, 900_000);
    }
}
