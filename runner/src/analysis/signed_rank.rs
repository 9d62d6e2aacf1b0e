//! Wilcoxon's signed-rank test of paired differences, exact, with the interval of Hodges and Lehmann.
//!
//! The test takes differences to be independent and, without an effect, as likely to be so far above zero as below
//! (Wilcoxon 1945). Zeros say nothing of the direction and are left out; equal sizes share their mean rank, and the
//! distribution of the rank sum is that of the shared ranks. The estimate is the median of the Walsh averages, the means
//! of all pairs with repetition (Hodges and Lehmann 1963), and the interval holds the shifts that the test would not
//! refuse (Hollander, Wolfe and Chicken, *Nonparametric Statistical Methods*, 2014, sections 3.1 to 3.3).

use super::count_of;

/// Above this many differences the distribution of the rank sum is taken for normal, from which it then cannot be told.
const EXACT_MAX: usize = 200;

/// What is known of a shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SignedShift {
    /// The Hodges-Lehmann estimate.
    pub(super) estimate: f64,
    /// Lowest and highest shift at the confidence asked for; `None` if there are too few differences for any.
    pub(super) interval: Option<(f64, f64)>,
    /// Probability of differences at least as lopsided without a shift, two-sided.
    pub(super) p: f64,
}

/// The shift of `differences` with an interval that misses it with a probability of at most `miss`. `None` if there are
/// none, or one is not finite.
pub(super) fn shift(differences: &[f64], miss: f64) -> Option<SignedShift> {
    if differences.is_empty() || differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    let averages = walsh_averages(differences);
    let last = averages.len() - 1;
    let estimate = f64::midpoint(averages[last / 2], averages[last.div_ceil(2)]);
    let outside = averages_outside(differences.len(), miss / 2.0);
    let interval = outside.map(|outside| (averages[outside], averages[last - outside]));
    Some(SignedShift { estimate, interval, p: p_two_sided(differences) })
}

/// The probability, two-sided, of signs at least as lopsided as those of `differences`; 1 if all are zero.
fn p_two_sided(differences: &[f64]) -> f64 {
    let ranks = doubled_ranks(differences);
    let positive: usize = ranks.iter().filter(|(_, is_positive)| *is_positive).map(|(rank, _)| rank).sum();
    let total: usize = ranks.iter().map(|(rank, _)| rank).sum();
    let smaller = positive.min(total - positive);
    let sizes: Vec<usize> = ranks.into_iter().map(|(rank, _)| rank).collect();
    (2.0 * probability_up_to(&sizes, smaller)).min(1.0)
}

/// Twice the midrank of each difference's size, which is whole, and whether the difference is above zero.
fn doubled_ranks(differences: &[f64]) -> Vec<(usize, bool)> {
    let mut sorted: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let mut ranks = Vec::with_capacity(sorted.len());
    while ranks.len() < sorted.len() {
        let first = ranks.len();
        let size = sorted[first].abs();
        let equals = sorted[first..].iter().take_while(|difference| difference.abs() == size).count();
        // The ranks from `first + 1` to `first + equals` have this sum of their ends.
        let doubled = 2 * first + 1 + equals;
        ranks.extend(sorted[first..first + equals].iter().map(|difference| (doubled, *difference > 0.0)));
    }
    ranks
}

/// The probability that the sum of those of `ranks` whose coin shows heads is at most `limit`.
fn probability_up_to(ranks: &[usize], limit: usize) -> f64 {
    if ranks.len() > EXACT_MAX {
        let mean = ranks.iter().map(|rank| count_of(*rank)).sum::<f64>() / 2.0;
        let variance = ranks.iter().map(|rank| count_of(*rank).powi(2)).sum::<f64>() / 4.0;
        return normal_up_to((count_of(limit) + 1.0 - mean) / variance.sqrt());
    }
    // The probability of each sum, one coin after the other.
    let mut sums = vec![0.0; limit + 1];
    sums[0] = 1.0;
    for rank in ranks {
        for sum in (0..=limit).rev() {
            let with = sum.checked_sub(*rank).map_or(0.0, |without| sums[without]);
            sums[sum] = f64::midpoint(sums[sum], with);
        }
    }
    sums.iter().sum()
}

/// How many of the Walsh averages of `differences` differences lie outside at each end, so that the interval misses
/// the shift there with a probability of at most `tail`; `None` if even all of them are too few.
fn averages_outside(differences: usize, tail: f64) -> Option<usize> {
    let ranks: Vec<usize> = (1..=differences).collect();
    if differences > EXACT_MAX {
        let (mut low, mut high) = (0, differences * differences / 4);
        while low < high {
            let middle = (low + high).div_ceil(2);
            if probability_up_to(&ranks, middle) <= tail {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return Some(low);
    }
    let all = differences * (differences + 1) / 2;
    let mut sums = vec![0.0; all + 1];
    sums[0] = 1.0;
    for rank in ranks {
        for sum in (0..=all).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |without| sums[without]);
            sums[sum] = f64::midpoint(sums[sum], with);
        }
    }
    let mut below = 0.0;
    let refused = sums.iter().take_while(|probability| {
        below += **probability;
        below <= tail
    });
    refused.count().checked_sub(1)
}

/// The means of all pairs of `differences`, each with itself too, ascending.
fn walsh_averages(differences: &[f64]) -> Vec<f64> {
    let pairs = differences.iter().enumerate().flat_map(|(place, a)| {
        let others = &differences[place..];
        others.iter().map(move |b| f64::midpoint(*a, *b))
    });
    let mut averages: Vec<f64> = pairs.collect();
    averages.sort_by(f64::total_cmp);
    averages
}

/// The standard normal distribution up to `z`: Abramowitz and Stegun, formula 26.2.17, wrong by less than 7.5e-8.
fn normal_up_to(z: f64) -> f64 {
    const COEFFICIENTS: [f64; 5] =
        [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let polynomial = COEFFICIENTS.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    let upper = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial;
    if z > 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The p value by counting all ways in which the signs could have come out.
    fn p_by_counting(differences: &[f64]) -> f64 {
        let sizes: Vec<f64> = differences.iter().copied().filter(|it| *it != 0.0).collect();
        let rank = |size: f64| {
            let below = sizes.iter().filter(|it| it.abs() < size.abs()).count();
            let equal = sizes.iter().filter(|it| it.abs() == size.abs()).count();
            count_of(below) + (count_of(equal) + 1.0) / 2.0
        };
        let ranks: Vec<f64> = sizes.iter().map(|size| rank(*size)).collect();
        let sum = |is_positive: &dyn Fn(usize) -> bool| -> f64 {
            ranks.iter().enumerate().filter(|(place, _)| is_positive(*place)).map(|(_, rank)| rank).sum()
        };
        let seen = sum(&|place| sizes[place] > 0.0);
        let all = 1_usize << sizes.len();
        let sums = (0..all).map(|signs| sum(&|place| signs >> place & 1 == 1));
        let (mut low, mut high) = (0, 0);
        for sum in sums {
            low += usize::from(sum <= seen);
            high += usize::from(sum >= seen);
        }
        (2.0 * count_of(low.min(high)) / count_of(all)).min(1.0)
    }

    #[test]
    fn the_published_example_has_its_published_values() {
        // Hollander, Wolfe and Chicken, example 3.1: Hamilton depression scale factors before and after.
        let differences = [-0.952, 0.147, -1.022, -0.43, -0.62, -0.59, -0.49, 0.08, -0.01];
        let found = shift(&differences, 0.05).expect("they are finite");
        assert!((found.p - 0.039_062_5).abs() < 1e-12, "{found:?}");
        assert!((found.estimate + 0.46).abs() < 1e-9, "{found:?}");
        let (low, high) = found.interval.expect("nine are enough");
        assert!((low + 0.786).abs() < 1e-9 && (high + 0.010).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn five_differences_are_too_few_for_an_interval_of_95_percent() {
        assert_eq!(shift(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.05).and_then(|found| found.interval), None);
        let six = shift(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.05).expect("they are finite");
        assert_eq!((six.interval, six.p), (Some((1.0, 6.0)), 0.031_25));
    }

    #[test]
    fn what_cannot_be_ranked_is_refused() {
        assert_eq!(shift(&[], 0.05), None);
        assert_eq!(shift(&[1.0, f64::NAN], 0.05), None);
        let still = shift(&[0.0; 8], 0.05).expect("zeros are finite");
        assert_eq!((still.p, still.estimate, still.interval), (1.0, 0.0, Some((0.0, 0.0))));
    }

    #[test]
    fn many_differences_are_judged_as_fewer_are() {
        let differences =
            |n: i32| -> Vec<f64> { (0..n).map(|i| f64::from(i * 7919 % 1009 - 450) / 1009.0).collect() };
        let ranks: Vec<usize> = (1..=EXACT_MAX).map(|rank| 2 * rank).collect();
        let exact = probability_up_to(&ranks, 18_000);
        let mean = count_of(EXACT_MAX * (EXACT_MAX + 1)) / 2.0;
        let variance = ranks.iter().map(|rank| count_of(*rank).powi(2)).sum::<f64>() / 4.0;
        assert!((normal_up_to((18_001.0 - mean) / variance.sqrt()) - exact).abs() < 1e-3);
        let found = shift(&differences(300), 0.05).expect("they are finite");
        let (low, high) = found.interval.expect("enough");
        assert!(low < found.estimate && found.estimate < high && high - low < 0.1, "{found:?}");
    }

    proptest! {
        #[test]
        fn p_is_the_share_of_signs_at_least_as_lopsided(
            differences in prop::collection::vec((-6_i32..=6).prop_map(f64::from), 1..11),
        ) {
            let expected = p_by_counting(&differences);
            prop_assert!((p_two_sided(&differences) - expected).abs() < 1e-9);
        }

        #[test]
        fn the_interval_holds_the_shifts_that_the_test_does_not_refuse(
            sizes in prop::collection::hash_set(-1_000_000_i32..1_000_000, 6..10),
            place in 0.0..1.0_f64,
        ) {
            let differences: Vec<f64> = sizes.into_iter().map(f64::from).collect();
            let averages = walsh_averages(&differences);
            let distinct = averages.windows(2).all(|pair| pair[0] < pair[1]);
            prop_assume!(distinct);
            let (low, high) = shift(&differences, 0.1).and_then(|found| found.interval).expect("enough");
            let span = averages[averages.len() - 1] - averages[0];
            let candidate = averages[0] - 0.1 * span + 1.2 * span * place;
            prop_assume!(averages.iter().all(|average| (average - candidate).abs() > 1e-6));
            let moved: Vec<f64> = differences.iter().map(|difference| difference - candidate).collect();
            let is_kept = p_by_counting(&moved) > 0.1;
            prop_assert_eq!(is_kept, low < candidate && candidate < high);
        }
    }
}
