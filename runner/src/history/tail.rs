//! Tail probabilities of the rank-sum statistic, as natural logarithms.

/// Smaller side up to which the exact generating function is used instead of the normal law.
pub(super) const EXACT_MAX: usize = 24;

/// Logarithm of the two-sided tail probability of a rank sum with the given distance from its mean.
///
/// `short` and `long` are the sizes of the two sides, `distance` is |U - mean|, `variance` is that of U under
/// exchangeability with ties. For a short side the normal law is far off (four points of a thousand that all lie
/// highest have z = 3.5 but p = 2e-11), so that there the saddle point of the exact generating function is used:
/// the Gaussian binomial coefficient, which solves the recurrence of Mann and Whitney (1947). Without ties it is exact up to the saddle point's
/// own error; ties only shrink U towards its mean (midranks are an average over the ways to break ties), so that the
/// exponent stays an upper bound by Jensen's inequality.
pub(crate) fn ln_two_sided(short: usize, long: usize, distance: f64, variance: f64) -> f64 {
    if short == 0 || long == 0 || variance <= 0.0 {
        return 0.0;
    }
    let z = (distance - 0.5).max(0.0) / variance.sqrt();
    let normal = (ln_upper_normal(z) + std::f64::consts::LN_2).min(0.0);
    if short > EXACT_MAX || z < 1.5 {
        return normal;
    }
    let product = short as f64 * long as f64;
    let small = (product / 2.0 - distance).max(0.0);
    (ln_lower_exact(short, long, small) + std::f64::consts::LN_2).min(0.0)
}

/// Quick approximation of `ln_two_sided` for choosing among cuts.
///
/// For a short side: the large-deviation rate of the mean of uniform variables (Cramer 1938), with the finite
/// population's smaller spread.
pub(super) fn ln_quick(short: usize, long: usize, distance: f64, variance: f64) -> f64 {
    let z_square = distance * distance / variance.max(1e-300);
    if short > EXACT_MAX {
        return -0.5 * z_square;
    }
    let (short, long) = (short as f64, long as f64);
    let product = short * long;
    let deficit = ((product / 2.0 - distance + 0.5) / product).clamp(0.0, 0.5);
    -short * uniform_rate(deficit) / (1.0 + (short + 1.0) / long)
}

/// Cramer's rate for a mean of uniform variables at `mean` in (0, 1/2], by a rational fit of the tilt.
fn uniform_rate(mean: f64) -> f64 {
    // Start from the tilt of the two limits, then one Newton step on 1/tilt - 1/(e^tilt - 1) = mean.
    let gap = 0.5 - mean;
    let mut tilt = gap * (6.0 + 4.0 * gap * gap) / (2.0 * mean).max(1e-9).powf(0.9).max(1e-9);
    tilt = tilt.clamp(1e-4, 1e6);
    for _ in 0..3 {
        let grown = tilt.exp_m1();
        let value = 1.0 / tilt - 1.0 / grown;
        let slope = -1.0 / (tilt * tilt) + (grown + 1.0) / (grown * grown);
        if !slope.is_finite() || slope >= 0.0 {
            break;
        }
        tilt = (tilt - (value - mean) / slope).clamp(0.5 * tilt, 2.0 * tilt);
    }
    let start = if tilt < 1e-3 { 0.0 } else { -((-(-tilt).exp_m1()) / tilt).ln() };
    (start - tilt * mean).max(6.0 * gap * gap)
}

/// Logarithm of P(U <= `u`) for sides of `short` and `long` points without ties, `u` below the mean.
fn ln_lower_exact(short: usize, long: usize, u: f64) -> f64 {
    let floor = -ln_choose(short + long, short);
    // The sum over the few lowest values of U is a count of partitions, which the tilt below cannot resolve.
    if u < 0.5 {
        return floor;
    }
    let mut tilt: f64 = 1.0 / (1.0 + u / short as f64);
    let (mut low, mut high) = (1e-9, 40.0);
    let mut at = Tilted::new(short, long, tilt);
    for _ in 0..40 {
        if at.mean > u {
            low = tilt;
        } else {
            high = tilt;
        }
        let step = tilt + (at.mean - u) / at.variance.max(1e-12);
        let next = if step > low && step < high { step } else { 0.5 * (low + high) };
        let done = (next - tilt).abs() < 1e-6 * tilt;
        tilt = next;
        at = Tilted::new(short, long, tilt);
        if done {
            break;
        }
    }
    // Lattice form of the saddle-point tail (Daniels 1987, leading term).
    let correction = ((1.0 - (-tilt).exp()) * (2.0 * std::f64::consts::PI * at.variance).sqrt()).max(1.0);
    (at.ln_generating + floor + tilt * u - correction.ln()).clamp(floor, 0.0)
}

/// The rank sum's law under an exponential tilt.
struct Tilted {
    ln_generating: f64,
    mean: f64,
    variance: f64,
}

impl Tilted {
    /// Product over i of (1 - t^(long+i)) / (1 - t^i) at t = exp(-tilt).
    fn new(short: usize, long: usize, tilt: f64) -> Self {
        let (mut ln_generating, mut mean, mut variance) = (0.0, 0.0, 0.0);
        let mut add = |power: f64, sign: f64| {
            let t = (-tilt * power).exp();
            let rest = -(-tilt * power).exp_m1();
            ln_generating += sign * rest.ln();
            mean -= sign * power * t / rest;
            variance -= sign * power * power * t / (rest * rest);
        };
        for i in 1..=short {
            add((long + i) as f64, 1.0);
            add(i as f64, -1.0);
        }
        Self { ln_generating, mean, variance }
    }
}

/// Logarithm of the binomial coefficient.
pub(super) fn ln_choose(all: usize, some: usize) -> f64 {
    (1..=some).map(|i| ((all - some + i) as f64 / i as f64).ln()).sum()
}

/// Logarithm of the standard normal law's upper tail, for `z` of at least zero.
///
/// Continued fraction of Mills' ratio (Abramowitz and Stegun 26.2.14) above 3, the rational approximation of
/// erfc (7.1.26) below.
pub(crate) fn ln_upper_normal(z: f64) -> f64 {
    if z < 3.0 {
        let x = z / std::f64::consts::SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * x);
        let poly = t
            * (0.254_829_592
                + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
        return (0.5 * poly).ln() - x * x;
    }
    let mut fraction = z;
    for k in (1..=12u8).rev() {
        fraction = z + f64::from(k) / fraction;
    }
    -0.5 * z * z - 0.5 * (2.0 * std::f64::consts::PI).ln() - fraction.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of arrangements by U, by the recursion of Mann and Whitney.
    fn counts(short: usize, long: usize) -> Vec<f64> {
        let mut table = vec![vec![vec![1.0]; long + 1]; short + 1];
        for a in 1..=short {
            for b in 1..=long {
                let mut row = vec![0.0; a * b + 1];
                for (u, slot) in row.iter_mut().enumerate() {
                    let last_from_short =
                        u.checked_sub(b).and_then(|u| table[a - 1][b].get(u)).copied().unwrap_or(0.0);
                    *slot = last_from_short + table[a][b - 1].get(u).copied().unwrap_or(0.0);
                }
                table[a][b] = row;
            }
        }
        table[short][long].clone()
    }

    #[test]
    fn the_tail_of_untied_ranks_is_within_a_factor_of_the_enumerated_one() {
        for (short, long) in [(4, 12), (4, 56), (5, 40), (8, 8), (8, 60), (12, 30), (20, 24)] {
            let counts = counts(short, long);
            let all: f64 = counts.iter().sum();
            let mean = (short * long) as f64 / 2.0;
            let variance = mean * (short + long + 1) as f64 / 6.0;
            let mut sum = 0.0;
            for (u, count) in counts.iter().enumerate().take(short * long / 2) {
                sum += count;
                let exact = (2.0 * sum / all).ln();
                if exact > -4.0 {
                    break;
                }
                let found = ln_two_sided(short, long, mean - u as f64, variance);
                assert!((found - exact).abs() < 0.75, "{short} {long} U {u}: {found} for {exact}");
            }
        }
    }

    #[test]
    fn complete_separation_has_the_probability_of_one_arrangement() {
        let found = ln_two_sided(4, 996, 4.0 * 996.0 / 2.0, 4.0 * 996.0 * 1001.0 / 12.0);
        assert!((found - (2.0f64.ln() - ln_choose(1000, 4))).abs() < 1e-9);
    }

    #[test]
    fn the_normal_tail_agrees_with_tables() {
        for (z, tail) in [
            (0.0, 0.5f64),
            (1.0, 0.158_655_254),
            (2.0, 0.022_750_132),
            (3.5, 2.326_290_8e-4),
            (8.0, 6.220_96e-16),
        ] {
            assert!((ln_upper_normal(z) - tail.ln()).abs() < 2e-4, "{z}");
        }
    }

    #[test]
    fn the_quick_tail_ranks_cuts_as_the_slow_one_does() {
        for (short, long) in [(4, 100), (8, 300), (16, 60)] {
            let variance = (short * long * (short + long + 1)) as f64 / 12.0;
            let mean = (short * long) as f64 / 2.0;
            for part in [0.7, 0.8, 0.9] {
                let slow = ln_two_sided(short, long, part * mean, variance);
                let quick = ln_quick(short, long, part * mean, variance);
                assert!(
                    (quick - slow).abs() < 0.35 * slow.abs(),
                    "{short} {long} {part}: {quick} for {slow}"
                );
            }
        }
    }

    #[test]
    fn nothing_follows_from_sides_without_points_or_without_variance() {
        assert_eq!(ln_two_sided(0, 10, 3.0, 1.0), 0.0);
        assert_eq!(ln_two_sided(5, 10, 0.0, 0.0), 0.0);
    }
}
