//! How much less neighbouring points say about a slope than as many independent ones.

/// Correlation beyond which it is not followed: a series that wanders more has no trend to speak of.
const CORRELATION_MAX: f64 = 0.9;

/// Correlation of each residual with the next by their ranks; 0 if they alternate. The bias that comes from fitting a line
/// first, -(2 + 4 r) / n (van Giersbergen 2005), is taken away.
pub(super) fn correlation(residuals: &[f64]) -> f64 {
    let count = residuals.len() as f64;
    if count <= 4.0 {
        return 0.0;
    }
    let ranks = centred_ranks(residuals);
    let square: f64 = ranks.iter().map(|rank| rank * rank).sum();
    if square <= 0.0 {
        return 0.0;
    }
    let raw = ranks.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / square;
    ((count * raw + 2.0) / (count - 4.0)).clamp(0.0, CORRELATION_MAX)
}

/// Inflation of the variance of Kendall's statistic of `count` points of which each correlates with the next by
/// `correlation`, with the one after by its square, and so on (Hamed and Rao 1998): 1 at least.
pub(super) fn inflation(correlation: f64, count: usize) -> f64 {
    let n = count as f64;
    let mut sum = 0.0;
    let mut power = 1.0;
    for lag in 1..count.saturating_sub(2) {
        let left = n - lag as f64;
        power *= correlation;
        sum += left * (left - 1.0) * (left - 2.0) * power;
    }
    let triples = (n * (n - 1.0) * (n - 2.0)).max(1.0);
    (1.0 + 2.0 * sum / triples).max(1.0)
}

/// Midranks less their mean, in the order of `values`.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let middle = (values.len() as f64 + 1.0) / 2.0;
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = below as f64 + (equal.len() as f64 + 1.0) / 2.0 - middle;
        equal.iter().for_each(|place| ranks[*place] = rank);
        below += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_share_the_places_of_equal_values() {
        assert_eq!(centred_ranks(&[5.0, 1.0, 5.0, 9.0]), [0.0, -1.5, 0.0, 1.5]);
    }

    #[test]
    fn a_series_without_noise_shows_no_dependence() {
        assert_eq!(correlation(&[0.0; 20]), 0.0);
        assert_eq!(inflation(0.0, 20), 1.0);
    }

    #[test]
    fn the_inflation_approaches_that_of_a_long_autoregression() {
        // (1 + phi) / (1 - phi).
        assert!((inflation(0.5, 2_000) - 3.0).abs() < 0.02, "{}", inflation(0.5, 2_000));
        assert!(inflation(0.5, 10) < 3.0);
    }
}
