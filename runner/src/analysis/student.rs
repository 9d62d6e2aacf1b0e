//! Normal noise, and Student's law for what rests on few values of it.

/// Half of a two-sided 95 % interval of the normal law, in standard deviations.
pub(super) const Z95: f64 = 1.959_964;

/// Standard deviation for each median absolute deviation of normal noise.
pub(super) const DEVIATION_OF_MAD: f64 = 1.482_602;

/// [`Z95`] of Student's law with 1, 2, ... 30 degrees of freedom (Abramowitz and Stegun 1964, table 26.10).
const TABLE: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// Half of a two-sided 95 % interval of Student's law, in standard errors. Degrees of freedom are rounded down, to 1 at
/// least.
pub(super) fn t95(degrees: f64) -> f64 {
    let listed = TABLE.iter().zip(1_u32..).take_while(|(_, known)| f64::from(*known) <= degrees);
    let last = TABLE.len() as f64;
    if degrees > last {
        // Abramowitz and Stegun 26.7.5, first term.
        return Z95 + (Z95.powi(3) + Z95) / (4.0 * degrees);
    }
    listed.last().map_or(TABLE[0], |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_fall_from_few_degrees_to_the_normal_law() {
        assert_eq!((t95(-1.0), t95(1.0), t95(2.9)), (12.706, 12.706, 4.303));
        assert!((t95(60.0) - 2.000).abs() < 0.002, "{}", t95(60.0));
        assert!((t95(1e9) - Z95).abs() < 1e-6);
        assert!((1..200_u32).all(|degrees| t95(f64::from(degrees) + 1.0) <= t95(f64::from(degrees))));
    }
}
