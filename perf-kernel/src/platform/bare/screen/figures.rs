//! Figures in the units that people use, three digits each.

use alloc::format;
use alloc::string::{String, ToString};

use crate::suites::Unit;
use crate::units::{Hertz, Ticks};
use crate::wire::{BenchRecord, Mode};

/// A figure of `record`, which is `value` of one sample, for one iteration: time, instructions in exact mode, bytes a
/// second for throughput. Empty if it means nothing.
pub(super) fn figure(record: &BenchRecord, value: u64, mode: Mode, frequency: Hertz) -> String {
    let iterations = record.iterations.max(1);
    match record.unit {
        Unit::PartsPerMillion => format!("{} %", three_digits(u128::from(value) * 1_000 / 10_000)),
        Unit::Bytes => scaled(u128::from(value) * 1_000, 1_024, &["B", "KiB", "MiB", "GiB", "TiB"]),
        _ if mode == Mode::Icount => {
            scaled(u128::from(value) * 1_000 / u128::from(iterations), 1_000, &["", "k", "M", "G", "T"])
        }
        Unit::Throughput => throughput(record, value, frequency),
        Unit::Ticks | Unit::GapTicks => {
            // Thousandths of a nanosecond.
            let picoseconds = Ticks(value).to_picoseconds(frequency) / iterations;
            scaled(picoseconds.into(), 1_000, &["ns", "us", "ms", "s"])
        }
    }
}

fn throughput(record: &BenchRecord, ticks: u64, frequency: Hertz) -> String {
    let Some(bytes) = record.bytes else { return String::new() };
    let moved = u128::from(bytes.0) * u128::from(record.iterations) * 1_000;
    let rate = moved.saturating_mul(u128::from(frequency.0)).checked_div(u128::from(ticks));
    rate.map_or_else(String::new, |rate| scaled(rate, 1_000, &["B/s", "kB/s", "MB/s", "GB/s", "TB/s"]))
}

/// `thousandths` of the first unit in the largest unit that is not above it.
fn scaled(thousandths: u128, step: u128, units: &[&str]) -> String {
    let mut value = thousandths;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for next in units {
        if value < step * 1_000 {
            break;
        }
        value /= step;
        unit = next;
    }
    let digits = three_digits(value);
    if unit.is_empty() { digits } else { format!("{digits} {unit}") }
}

/// `thousandths` with as many decimals as three digits leave room for.
fn three_digits(thousandths: u128) -> String {
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    match whole {
        0..10 => format!("{whole}.{:02}", rest / 10),
        10..100 => format!("{whole}.{}", rest / 100),
        _ => whole.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;
    use crate::wire::Status;

    fn record(unit: Unit, iterations: u64) -> BenchRecord {
        BenchRecord {
            unit,
            iterations,
            bytes: Some(Bytes(16_384)),
            ..BenchRecord::new(String::new(), Status::Measured)
        }
    }

    fn at_2_ghz(unit: Unit, iterations: u64, value: u64) -> String {
        figure(&record(unit, iterations), value, Mode::Hardware, Hertz(2_000_000_000))
    }

    #[test]
    fn times_are_for_one_iteration_in_the_unit_that_fits() {
        assert_eq!(at_2_ghz(Unit::Ticks, 16, 79), "2.46 ns");
        assert_eq!(at_2_ghz(Unit::Ticks, 1, 40), "20.0 ns");
        assert_eq!(at_2_ghz(Unit::Ticks, 1, 1_999), "999 ns");
        assert_eq!(at_2_ghz(Unit::Ticks, 1, 2_000), "1.00 us");
        assert_eq!(at_2_ghz(Unit::GapTicks, 1, 246_800_000), "123 ms");
        assert_eq!(at_2_ghz(Unit::Ticks, 1, 20_000_000_000_000), "10000 s");
        assert_eq!(at_2_ghz(Unit::Ticks, 0, 0), "0.00 ns");
    }

    #[test]
    fn throughput_is_bytes_a_second() {
        assert_eq!(at_2_ghz(Unit::Throughput, 4, 8_192), "16.0 GB/s");
        assert_eq!(at_2_ghz(Unit::Throughput, 4, 0), "");
    }

    #[test]
    fn shares_and_amounts_have_their_own_units() {
        assert_eq!(at_2_ghz(Unit::PartsPerMillion, 1, 123_456), "12.3 %");
        assert_eq!(at_2_ghz(Unit::Bytes, 1, 3 << 19), "1.50 MiB");
    }

    #[test]
    fn exact_mode_counts_instructions() {
        let exact = |value| figure(&record(Unit::Throughput, 2), value, Mode::Icount, Hertz(1_000_000_000));
        assert_eq!(exact(7), "3.50");
        assert_eq!(exact(2_468), "1.23 k");
    }
}
