//! The line through points that a few wild ones cannot turn.

use super::super::merged::median;
use crate::history::Interval;

/// Theil and Sen's line: its slope is the median of the slopes between all pairs of points of different days (Theil 1950,
/// Sen 1968), its height the median of what remains (Conover 1980).
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Change of the value for each day.
    pub(super) slope: f64,
    /// Value at day 0.
    height: f64,
    /// Slopes between pairs, ascending.
    slopes: Vec<f64>,
}

impl Line {
    /// The line through `points` of (day, value); `None` if all are of one day or a slope is beyond the range of floats.
    pub(super) fn through(points: &[(f64, f64)]) -> Option<Self> {
        let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
        for (place, (day, value)) in points.iter().enumerate() {
            let pairs = points[place + 1..].iter().filter(|(later, _)| later != day);
            slopes.extend(pairs.map(|(later, next)| (next - value) / (later - day)));
        }
        slopes.sort_unstable_by(f64::total_cmp);
        let upper = *slopes.get(slopes.len() / 2)?;
        let lower = slopes[(slopes.len() - 1) / 2];
        let slope = f64::midpoint(lower, upper);
        let height = median(points.iter().map(|(day, value)| value - slope * day))?;
        (slope.is_finite() && height.is_finite()).then_some(Self { slope, height, slopes })
    }

    /// The value of the line at `day`.
    pub(super) fn at(&self, day: f64) -> f64 {
        self.height + self.slope * day
    }

    /// The slopes that Kendall's statistic does not refuse: those with at most `reach` more pairs above them than below,
    /// or the other way round (Sen 1968).
    pub(super) fn interval(&self, reach: f64) -> Interval {
        let pairs = self.slopes.len();
        let outside = whole_part((pairs as f64 - reach) / 2.0, pairs).saturating_sub(1);
        Interval { low: self.slopes[outside], high: self.slopes[pairs - 1 - outside] }
    }
}

/// Variance of Kendall's statistic, concordant less discordant pairs, where the order means nothing (Kendall 1975). Only
/// equal days are ties: at the slope in question values have none, and where they do the interval is a little too wide.
pub(super) fn kendall_variance(points: &[(f64, f64)]) -> f64 {
    let term = |count: f64| count * (count - 1.0) * (2.0 * count + 5.0);
    let days = points.chunk_by(|(a, _), (b, _)| a == b);
    let ties: f64 = days.map(|day| term(day.len() as f64)).sum();
    (term(points.len() as f64) - ties) / 18.0
}

/// The largest whole number up to `limit` that is not above `value`, 0 at least.
fn whole_part(value: f64, limit: usize) -> usize {
    let (mut low, mut high) = (0, limit);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if middle as f64 <= value {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pairs that rise less those that fall, once `slope` is taken away.
    fn kendall(points: &[(f64, f64)], slope: f64) -> f64 {
        let mut sum = 0.0;
        for (place, (day, value)) in points.iter().enumerate() {
            for (later, next) in points[place + 1..].iter().filter(|(later, _)| later > day) {
                let rise = (next - value) - slope * (later - day);
                sum += if rise == 0.0 { 0.0 } else { rise.signum() };
            }
        }
        sum
    }

    #[test]
    fn whole_parts_are_rounded_down_and_bounded() {
        assert_eq!([-3.0, 0.0, 0.99, 7.0, 7.5, 99.0].map(|value| whole_part(value, 10)), [0, 0, 0, 7, 7, 10]);
    }

    #[test]
    fn two_wild_points_of_ten_do_not_turn_the_line() {
        let mut points: Vec<(f64, f64)> = (0..10_u32).map(|i| (f64::from(i), 5.0 + f64::from(i))).collect();
        points[3].1 = 900.0;
        points[8].1 = -70.0;
        let line = Line::through(&points).expect("ten days");
        assert!((line.slope - 1.0).abs() < 0.05, "{}", line.slope);
    }

    proptest! {
        #[test]
        fn the_slope_splits_the_pairs_evenly_and_the_interval_is_what_the_test_accepts(
            steps in prop::collection::vec((0_u32..3, -500_i32..500), 8..25),
            share in 0.1_f64..0.9,
        ) {
            let mut day = 0;
            let points: Vec<(f64, f64)> = steps
                .iter()
                .map(|(step, value)| {
                    day += step;
                    (f64::from(day), f64::from(*value))
                })
                .collect();
            prop_assume!(points.first().map(|p| p.0) != points.last().map(|p| p.0));
            let line = Line::through(&points).expect("two days");
            let pairs = line.slopes.len() as f64;
            // By the slopes themselves: at one of them, the sign of what is left of its pair is a matter of rounding.
            let above = line.slopes.iter().filter(|slope| **slope > line.slope).count();
            let below = line.slopes.iter().filter(|slope| **slope < line.slope).count();
            let equal = line.slopes.len() - above - below;
            prop_assert!(above.abs_diff(below) <= equal, "{above} above, {below} below");
            // A slope outside of the interval has more than `reach` pairs too many on one side.
            let reach = share * pairs;
            let interval = line.interval(reach);
            let beyond = (interval.high - interval.low).abs().mul_add(1e-9, 1e-9);
            prop_assert!(kendall(&points, interval.low - beyond) >= reach);
            prop_assert!(kendall(&points, interval.high + beyond) <= -reach);
            prop_assert!(interval.low <= line.slope && line.slope <= interval.high);
        }

        #[test]
        fn the_variance_of_days_without_ties_is_kendalls(count in 2_u32..60) {
            let points: Vec<(f64, f64)> = (0..count).map(|i| (f64::from(i), 0.0)).collect();
            let n = f64::from(count);
            prop_assert!((kendall_variance(&points) - n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).abs() < 1e-9);
        }
    }
}
