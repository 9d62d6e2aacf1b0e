//! Figures as people read them: three digits and a unit.

use crate::analysis::FigureUnit;

/// `value` in `unit`.
pub(crate) fn figure(value: f64, unit: FigureUnit) -> String {
    match unit {
        FigureUnit::Nanoseconds => time(value),
        FigureUnit::Instructions => instructions(value),
        FigureUnit::PartsPerMillion => share(value),
        FigureUnit::Bytes => bytes(value),
    }
}

/// A time of `nanoseconds`.
pub(super) fn time(nanoseconds: f64) -> String {
    scaled(nanoseconds, &[(1.0, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")])
}

/// A rate of `each_second` things.
pub(crate) fn rate(each_second: f64) -> String {
    scaled(each_second, &[(1.0, "/s"), (1e3, "k/s"), (1e6, "M/s"), (1e9, "G/s")])
}

/// A rate of `each_second` bytes, in decimal units as data sheets have them.
pub(crate) fn byte_rate(each_second: f64) -> String {
    scaled(each_second, &[(1.0, "B/s"), (1e3, "kB/s"), (1e6, "MB/s"), (1e9, "GB/s")])
}

/// A frequency.
pub(super) fn frequency(hertz: f64) -> String {
    scaled(hertz, &[(1.0, "Hz"), (1e3, "kHz"), (1e6, "MHz"), (1e9, "GHz")])
}

/// An amount of memory.
pub(super) fn bytes(bytes: f64) -> String {
    scaled(bytes, &[(1.0, "B"), (1024.0, "KiB"), (1_048_576.0, "MiB"), (1_073_741_824.0, "GiB")])
}

/// A share in parts per million: percent from a thousand up.
pub(super) fn share(ppm: f64) -> String {
    if ppm < 1_000.0 { format!("{} ppm", digits(ppm)) } else { format!("{} %", digits(ppm / 10_000.0)) }
}

/// A count of instructions: whole if it is, else with decimals while those show anything.
pub(crate) fn instructions(value: f64) -> String {
    let is_whole = (value - value.round()).abs() < 1e-6;
    grouped(&match value.abs() {
        size if is_whole || size >= 100_000.0 => format!("{value:.0}"),
        size if size < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    })
}

/// `number` with a comma after each three digits.
pub(crate) fn counted(number: u64) -> String {
    grouped(&number.to_string())
}

/// A decimal number with its whole part in groups of three.
fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // What would print as a thousand belongs to the next unit.
    let fits = |(size, _): &&(f64, &str)| value.abs() >= size * 0.999_5;
    let (size, unit) = units.iter().rev().find(fits).or(units.first()).copied().unwrap_or((1.0, ""));
    format!("{} {unit}", digits(value / size))
}

/// Three digits that count, or all whole ones.
fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => grouped(&format!("{value:.0}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let shown = [0.0, 0.524, 9.996, 12.34, 999.4, 999.6, 1_234_567.0, 5e12].map(time);
        assert_eq!(
            shown,
            ["0 ns", "0.52 ns", "10.0 ns", "12.3 ns", "999 ns", "1.00 us", "1.23 ms", "5,000 s"]
        );
    }

    #[test]
    fn instructions_are_grouped_and_exact_while_that_is_readable() {
        let shown = [3.004, 100.0, 100.1, 1_234.5, 123_456.7, 4_612_345.0].map(instructions);
        assert_eq!(shown, ["3.00", "100", "100.1", "1,234.5", "123,457", "4,612,345"]);
    }

    #[test]
    fn other_units_read_as_expected() {
        assert_eq!(byte_rate(12.3e9), "12.3 GB/s");
        assert_eq!(rate(81.3e6), "81.3 M/s");
        assert_eq!((share(530.0), share(53_000.0)), ("530 ppm".into(), "5.30 %".into()));
        assert_eq!(bytes(1_048_576.0), "1.00 MiB");
        assert_eq!(counted(1_234_567), "1,234,567");
    }
}
