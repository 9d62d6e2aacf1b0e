//! A change with its interval, small enough for a line of a table.

use maud::{Markup, html};

use super::axis::Axis;
use super::frame::lines;
use super::number::Px;
use crate::history::Interval;

const WIDTH: f64 = 150.0;
const HEIGHT: f64 = 18.0;
const ENDS: (f64, f64) = (6.0, WIDTH - 6.0);

/// The scale that all intervals of a table share: no change lies in the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct IntervalScale {
    reach: f64,
}

impl IntervalScale {
    /// A scale for `distances` from no change; the farthest tenth of them may reach beyond it, so that a single outlier
    /// does not flatten all others.
    #[must_use]
    pub(crate) fn of(distances: impl IntoIterator<Item = f64>) -> Self {
        let mut distances: Vec<f64> =
            distances.into_iter().map(f64::abs).filter(|it| it.is_finite()).collect();
        distances.sort_by(f64::total_cmp);
        let reach = distances.get(distances.len().saturating_sub(1) * 9 / 10).copied().unwrap_or(0.0);
        Self { reach: (reach * 1.25).max(1e-6) }
    }
}

/// `estimate` with its interval, as distances from no change. `class` colours it.
#[must_use]
pub(crate) fn interval(
    scale: IntervalScale,
    estimate: f64,
    interval: Option<Interval>,
    class: &str,
) -> Markup {
    let axis = Axis::exactly(-scale.reach, scale.reach, ENDS);
    let middle = HEIGHT / 2.0;
    let (low, high) = interval.map_or((estimate, estimate), |interval| (interval.low, interval.high));
    let beyond = |value: f64, side: f64| value * side > scale.reach;
    html! {
        svg.forest viewBox="0 0 150 18" aria-hidden="true" {
            path.zero d=(lines([((axis.at(0.0), 0.0), (axis.at(0.0), HEIGHT))])) {}
            g class=(class) {
                path.bar d=(lines([((axis.at(low), middle), (axis.at(high), middle))])) {}
                @if beyond(high, 1.0) { path.arrow d="M145 5l5 4l-5 4" {} }
                @if beyond(low, -1.0) { path.arrow d="M5 5l-5 4l5 4" {} }
                rect.point x=(Px(axis.at(estimate) - 3.0)) y=(Px(middle - 3.0)) width="6" height="6" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_scale_has_an_arrow() {
        let scale = IntervalScale { reach: 0.1 };
        let drawn = |estimate: f64| {
            let around = Interval { low: estimate - 0.01, high: estimate + 0.01 };
            interval(scale, estimate, Some(around), "regressed").0
        };
        assert!(!drawn(0.05).contains("arrow") && drawn(0.5).contains("M145"));
        assert!(drawn(-0.5).contains("M5 5l-5"));
    }

    #[test]
    fn one_outlier_does_not_set_the_scale() {
        let few = (0..20).map(|_| 0.01).chain([9.0]);
        assert!(IntervalScale::of(few).reach < 0.02);
    }
}
