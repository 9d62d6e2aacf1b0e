//! From a series to its trend.

use super::super::merged::median;
use super::super::student::{DEVIATION_OF_MAD, Z95, t95};
use super::forecast::{Outlook, forecast};
use super::line::{Line, kendall_variance};
use super::order::in_order;
use super::{Trend, dependence};
use crate::history::Interval;

/// Fewer points show no trend: their interval would hold nearly everything.
const POINTS_MIN: usize = 8;

/// Points within less than a day show the hour, not the long term.
const DAYS_MIN: f64 = 1.0;

/// Points beyond which neighbours are put together first: there are as many slopes as pairs of points.
const POINTS_FITTED_MAX: usize = 512;

/// The trend of `points`, each a day (from any day on, with fractions) and the figure of a run, in the order in which runs
/// were stored, from index `first` on: where the series last changed its level, as its findings tell, or 0.
///
/// Points that are not finite or whose clock does not fit the order are left out. `None` if fewer than eight remain, they
/// lie within a day, or their level is zero, of which no share can be taken.
#[must_use]
pub fn trend(points: &[(f64, f64)], first: usize) -> Option<Trend> {
    let is_usable = |(day, value): &(f64, f64)| day.is_finite() && value.is_finite();
    let usable: Vec<_> = points.get(first..)?.iter().copied().filter(is_usable).collect();
    let points = in_order(&usable);
    if points.len() < POINTS_MIN {
        return None;
    }
    let (oldest, newest) = (points.first()?.0, points.last()?.0);
    let days = newest - oldest;
    if !days.is_finite() || days < DAYS_MIN {
        return None;
    }
    let level = median(points.iter().map(|(_, value)| *value))?.abs();
    let fitted = together(&points);
    let line = Line::through(&fitted)?;
    let slopes = interval_of(&line, &fitted);
    let residuals: Vec<f64> = points.iter().map(|(day, value)| value - line.at(*day)).collect();
    let noise = deviation(&residuals);
    let of_level = |slope: f64| slope / level;
    let share_per_day = of_level(line.slope);
    let interval = Interval { low: of_level(slopes.interval.low), high: of_level(slopes.interval.high) };
    if ![share_per_day, interval.low, interval.high].iter().all(|share| share.is_finite()) {
        return None;
    }
    let is_beyond_chance = interval.low > 0.0 || interval.high < 0.0;
    let outlook = Outlook {
        line: &line,
        slopes: slopes.interval,
        middle: median(points.iter().map(|(day, _)| *day))?,
        newest,
        days,
        level_error: level_error(noise, slopes.effective) * t95(slopes.effective - 2.0),
        noise: noise * t95(slopes.effective - 2.0),
        is_never_negative: points.iter().all(|(_, value)| *value >= 0.0),
    };
    Some(Trend {
        points: points.len(),
        first,
        share_per_day,
        interval: Some(interval),
        is_moving: is_beyond_chance && line.slope.abs() * days > noise,
        forecast: forecast(&outlook, residuals),
    })
}

/// The slopes that chance does not rule out.
struct Slopes {
    interval: Interval,
    /// Independent points that would say as much as the fitted ones.
    effective: f64,
}

fn interval_of(line: &Line, fitted: &[(f64, f64)]) -> Slopes {
    let residuals: Vec<f64> = fitted.iter().map(|(day, value)| value - line.at(*day)).collect();
    let count = fitted.len() as f64;
    let inflation = dependence::inflation(dependence::correlation(&residuals), fitted.len());
    let effective = count / inflation;
    // The correlation is itself an estimate: Student's law for the points that count, against that for all.
    let widening = t95(effective - 2.0) / t95(count - 2.0);
    let reach = Z95 * widening * (kendall_variance(fitted) * inflation).sqrt();
    Slopes { interval: line.interval(reach), effective }
}

/// Standard error of the height of a line through the medians: the median of normal noise has pi / 2 times the variance
/// of the mean.
fn level_error(noise: f64, effective: f64) -> f64 {
    noise * (std::f64::consts::FRAC_PI_2 / effective).sqrt()
}

/// Robust estimate of the standard deviation.
fn deviation(residuals: &[f64]) -> f64 {
    DEVIATION_OF_MAD * median(residuals.iter().map(|residual| residual.abs())).unwrap_or(0.0)
}

/// Medians of equally many neighbouring points, so that no more remain than can be fitted.
fn together(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let each = points.len().div_ceil(POINTS_FITTED_MAX).max(1);
    let middle = |group: &[(f64, f64)]| {
        let day = median(group.iter().map(|(day, _)| *day))?;
        Some((day, median(group.iter().map(|(_, value)| *value))?))
    };
    points.chunks(each).filter_map(middle).collect()
}
