//! The false-alarm budget and the limits that follow from it.

/// Smallest number of points on each side of a boundary.
pub(super) const SIDE_MIN: usize = 4;

/// Shorter sides share the limit of a side of this length.
///
/// Changes with a shorter side of k points have about n / k separate places in n points, so that the limit may grow with
/// k. Cuts with a short side overlap, so that they need less than that. Chosen among 16, 32 and 64 by the scores of the labelled
/// and generated series; simulation then showed that independent noise still keeps the budget.
const SHORT_FLOOR: usize = 32;

/// Number of tests that one point takes part in: scales times overlap. A guess that simulation of independent noise bore out.
const TESTS_PER_POINT: f64 = 30.0;

/// Points after a change below which it may stand as a suspicion.
pub(super) const YOUNG: usize = 12;

/// Logarithm of the factor by which the limit of a suspicion is wider in one look at a whole history: 80.
///
/// Chosen by the number of late steps found in the labelled and generated series; suspicions are outside the budget.
pub(super) const SUSPICION_ONCE: f64 = 4.4;

/// The same in a history that grows, which looks at each suspicion several times: 6.
pub(super) const SUSPICION_LIVE: f64 = 1.8;

/// How many false alarms are acceptable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// False alarms per month over all series together.
    pub alarms_per_month: f64,
    /// Points that each series gets per day.
    pub points_per_day: f64,
    /// Number of series.
    pub series: u32,
}

impl Default for Budget {
    /// One alarm a month over 339 series with one point a day.
    fn default() -> Self {
        Self { alarms_per_month: 1.0, points_per_day: 1.0, series: 339 }
    }
}

impl Budget {
    /// Days of the mean Gregorian month.
    const MONTH_DAYS: f64 = 30.436_875;

    /// False alarms allowed per point, between 1e-9 and 1e-2.
    #[must_use]
    pub fn alarms_per_point(&self) -> f64 {
        let points = Self::MONTH_DAYS * self.points_per_day * f64::from(self.series);
        let rate = self.alarms_per_month / points;
        if rate.is_finite() { rate.clamp(1e-9, 1e-2) } else { 1e-4 }
    }
}

/// Thresholds of a segmentation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strictness {
    alarms_per_point: f64,
    suspicion: f64,
}

impl Strictness {
    /// The thresholds for a rate of false alarms, and for suspicions whose limit is wider by a factor with this logarithm.
    pub(super) const fn new(alarms_per_point: f64, suspicion: f64) -> Self {
        Self { alarms_per_point, suspicion }
    }

    /// Largest log tail probability that counts as a change with `before` and `after` points on its sides.
    pub(super) fn ln_limit(self, before: usize, after: usize) -> f64 {
        let short = before.min(after).max(SHORT_FLOOR) as f64;
        (self.alarms_per_point * short / TESTS_PER_POINT).ln()
    }

    /// The same, wider for a young change: `is_last` says that nothing follows the points after it.
    pub(super) fn ln_limit_of(self, before: usize, after: usize, is_last: bool) -> f64 {
        let suspicion = if is_last && after < YOUNG { self.suspicion } else { 0.0 };
        self.ln_limit(before, after) + suspicion
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alarm_a_month_over_339_daily_series_is_about_one_in_ten_thousand_points() {
        assert!((Budget::default().alarms_per_point() - 9.69e-5).abs() < 1e-7);
    }

    #[test]
    fn a_budget_without_series_or_points_stays_usable() {
        let budget = Budget { alarms_per_month: 0.0, points_per_day: 0.0, series: 0 };
        assert!(budget.alarms_per_point() > 0.0);
    }

    #[test]
    fn a_young_change_may_stand_on_weaker_evidence() {
        let strictness = Strictness::new(1e-4, SUSPICION_ONCE);
        assert!(strictness.ln_limit_of(50, 5, true) > strictness.ln_limit(50, 5));
        assert_eq!(strictness.ln_limit_of(50, YOUNG, true), strictness.ln_limit(50, YOUNG));
    }
}
