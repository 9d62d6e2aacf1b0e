//! What is to come if it goes on like that.

use super::ForecastPoint;
use super::line::Line;
use crate::history::Interval;

/// Days ahead: a week, a month, a quarter.
const DAYS_AHEAD: [f64; 3] = [7.0, 30.0, 90.0];

/// Share of the runs below and above the interval of a forecast.
const TAIL: f64 = 0.025;

/// What a forecast rests on.
pub(super) struct Outlook<'a> {
    /// The line until now.
    pub(super) line: &'a Line,
    /// The slopes that it may have.
    pub(super) slopes: Interval,
    /// The day about which the line may turn.
    pub(super) middle: f64,
    /// The newest day.
    pub(super) newest: f64,
    /// Days from the oldest point to the newest.
    pub(super) days: f64,
    /// Half of the interval of the line's height.
    pub(super) level_error: f64,
    /// Half of the interval of one run about the line.
    pub(super) noise: f64,
    /// Whether no figure was below zero.
    pub(super) is_never_negative: bool,
}

/// Forecasts, nearest first, none farther ahead than the points reach back.
pub(super) fn forecast(outlook: &Outlook<'_>, mut residuals: Vec<f64>) -> Vec<ForecastPoint> {
    residuals.sort_unstable_by(f64::total_cmp);
    // Noise with long tails or two modes is wider than its deviation says.
    let above = outlook.noise.max(upper_tail(residuals.iter().rev().copied(), residuals.len()));
    let below = outlook.noise.max(-upper_tail(residuals.iter().copied(), residuals.len()));
    let at = |ahead: f64| {
        let day = outlook.newest + ahead;
        let value = outlook.line.at(day);
        let reach = day - outlook.middle;
        let slack = |slope: f64| (slope - outlook.line.slope) * reach;
        let half = |noise: f64, slack: f64| {
            (noise * noise + outlook.level_error * outlook.level_error + slack * slack).sqrt()
        };
        let interval = Interval {
            low: value - half(below, slack(outlook.slopes.low)),
            high: value + half(above, slack(outlook.slopes.high)),
        };
        let is_finite = value.is_finite() && interval.low.is_finite() && interval.high.is_finite();
        is_finite.then(|| bounded(ForecastPoint { days: ahead, value, interval }, outlook.is_never_negative))
    };
    DAYS_AHEAD.into_iter().filter(|ahead| *ahead <= outlook.days).filter_map(at).collect()
}

/// A cost does not fall below nothing, wherever its line leads.
fn bounded(point: ForecastPoint, is_never_negative: bool) -> ForecastPoint {
    if !is_never_negative {
        return point;
    }
    let Interval { low, high } = point.interval;
    let interval = Interval { low: low.max(0.0), high: high.max(0.0) };
    ForecastPoint { value: point.value.max(0.0), interval, ..point }
}

/// The value of `count` that a share of [`TAIL`] lies beyond, from the outermost inwards; the outermost if there are too
/// few to tell.
fn upper_tail(mut outward: impl Iterator<Item = f64>, count: usize) -> f64 {
    let outermost = outward.next().unwrap_or(0.0);
    let beyond = TAIL * (count as f64 + 1.0);
    let inner = outward.zip(2_u32..).take_while(|(_, rank)| f64::from(*rank) <= beyond);
    inner.last().map_or(outermost, |(value, _)| value)
}
