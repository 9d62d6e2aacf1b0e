//! Coordinates and counts as numbers of a chart.

use std::fmt;

use crate::analysis::count;

/// A coordinate, written with at most one decimal: a tenth of a unit is below what a screen shows, and the last bits of
/// a float must not reach the bytes of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = if self.0.is_finite() { (self.0 * 10.0).round() / 10.0 } else { 0.0 };
        // Adding zero makes a negative zero positive.
        write!(f, "{}", rounded + 0.0)
    }
}

/// A number of things as a float.
pub(super) fn amount(things: usize) -> f64 {
    count(u64::try_from(things).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_have_one_decimal_and_no_negative_zero() {
        let shown = [1.0, 1.26, -0.01, 120.449, f64::NAN].map(|value| Px(value).to_string());
        assert_eq!(shown, ["1", "1.3", "0", "120.4", "0"]);
    }
}
