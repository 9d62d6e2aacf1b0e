use proptest::prelude::*;

use super::{Trend, trend};
use crate::history::noise::Noise;

/// A run a day: a level, a change each day, and noise that stays near where it was.
fn series(noise: &mut Noise, days: u32, level: f64, slope: f64, correlation: f64) -> Vec<(f64, f64)> {
    let fresh = (1.0 - correlation * correlation).sqrt();
    let mut state = noise.normal();
    (0..days)
        .map(|day| {
            let value = level + slope * f64::from(day) + state;
            state = correlation * state + fresh * noise.normal();
            (f64::from(day), value)
        })
        .collect()
}

fn is_within(trend: &Trend, share: f64) -> bool {
    trend.interval.is_some_and(|interval| interval.low <= share && share <= interval.high)
}

/// Share of 400 simulated histories whose interval holds the true slope, and of forecasts that hold what came.
fn coverage(days: u32, correlation: f64, seed: u64) -> (f64, f64) {
    let mut noise = Noise::new(seed);
    let (mut held, mut forecasts, mut came) = (0.0, 0.0, 0.0);
    for _ in 0..400 {
        let points = series(&mut noise, days + 91, 1_000.0, 0.05, correlation);
        let (past, future) = points.split_at(usize::try_from(days).expect("few"));
        let found = trend(past, 0).expect("enough points");
        // The share is of the median of the values, which is the level in the middle of the series.
        let level = 1_000.0 + 0.05 * f64::from(days - 1) / 2.0;
        held += f64::from(u8::from(is_within(&found, 0.05 / level)));
        for forecast in &found.forecast {
            let later = future.iter().find(|(day, _)| *day == f64::from(days - 1) + forecast.days);
            let value = later.expect("a point a day").1;
            forecasts += 1.0;
            came += f64::from(u8::from(forecast.interval.low <= value && value <= forecast.interval.high));
        }
    }
    (held / 400.0, came / forecasts)
}

#[test]
fn the_interval_holds_the_slope_of_independent_noise_nineteen_times_in_twenty() {
    for (days, seed) in [(9, 1), (20, 2), (60, 3)] {
        let (held, came) = coverage(days, 0.0, seed);
        assert!(held >= 0.925, "{days} days: {held}");
        assert!(came >= 0.925, "{days} days: {came} of the forecasts");
    }
}

#[test]
fn noise_that_wanders_widens_the_interval() {
    for (days, correlation, least, seed) in [(20, 0.5, 0.9, 4), (60, 0.5, 0.91, 5), (60, 0.8, 0.87, 6)] {
        let (held, came) = coverage(days, correlation, seed);
        assert!(held >= least, "{days} days at {correlation}: {held}");
        assert!(came >= least, "{days} days at {correlation}: {came} of the forecasts");
    }
}

#[test]
fn a_slow_creep_is_moving_and_its_forecast_goes_on() {
    let points = series(&mut Noise::new(7), 60, 1_000.0, 0.5, 0.3);
    let found = trend(&points, 0).expect("sixty days");
    assert!(found.is_moving && is_within(&found, 0.5 / 1_014.0), "{found:?}");
    let days: Vec<f64> = found.forecast.iter().map(|point| point.days).collect();
    assert_eq!(days, [7.0, 30.0], "not farther ahead than the points reach back");
    assert!((found.forecast[1].value - 1_000.0 - 0.5 * 89.0).abs() < 3.0, "{found:?}");
    assert!(found.forecast[0].interval.high < found.forecast[1].interval.high);
}

#[test]
fn a_constant_series_does_not_move() {
    let points: Vec<(f64, f64)> = (0..40_u32).map(|day| (f64::from(day), 17.0)).collect();
    let found = trend(&points, 0).expect("forty days");
    assert_eq!((found.share_per_day, found.is_moving), (0.0, false));
    assert!(found.forecast.iter().all(|point| point.value == 17.0 && point.interval.low == 17.0));
}

#[test]
fn a_change_below_the_noise_is_not_called_moving() {
    // Two figures in turn: the slope is known well, but what it adds up to does not matter.
    let points: Vec<(f64, f64)> = (0..400_u32)
        .map(|day| (f64::from(day), 100.0 + f64::from(day % 2) * 4.0 + 0.004 * f64::from(day)))
        .collect();
    let found = trend(&points, 0).expect("many days");
    assert!(!found.is_moving, "{found:?}");
}

#[test]
fn too_few_points_too_short_a_time_and_a_level_of_zero_have_no_trend() {
    let points = series(&mut Noise::new(8), 30, 100.0, 0.0, 0.0);
    assert!(trend(&points[..7], 0).is_none());
    assert!(trend(&points, 23).is_none());
    assert!(trend(&points, 22).is_some_and(|found| (found.points, found.first) == (8, 22)));
    assert!(trend(&points, 999).is_none());
    let of_an_hour: Vec<(f64, f64)> = points.iter().map(|(day, value)| (day / 700.0, *value)).collect();
    assert!(trend(&of_an_hour, 0).is_none());
    assert!(trend(&[(3.0, 5.0); 20], 0).is_none(), "all at one time");
    let of_nothing: Vec<(f64, f64)> = points.iter().map(|(day, _)| (*day, 0.0)).collect();
    assert!(trend(&of_nothing, 0).is_none());
}

#[test]
fn what_is_not_finite_and_a_clock_that_goes_back_are_left_out() {
    let clean = series(&mut Noise::new(9), 40, 500.0, 1.0, 0.0);
    let mut points = clean.clone();
    points.insert(5, (5.5, f64::NAN));
    points.insert(11, (f64::INFINITY, 510.0));
    points.insert(20, (-20_000.0, 530.0));
    points.insert(30, (90_000.0, 540.0));
    assert_eq!(trend(&points, 0), trend(&clean, 0));
}

#[test]
fn a_cost_that_falls_is_not_expected_below_nothing() {
    let points: Vec<(f64, f64)> = (0..40_u32).map(|day| (f64::from(day), 41.0 - f64::from(day))).collect();
    let found = trend(&points, 0).expect("forty days");
    assert_eq!(found.forecast[1].value, 0.0);
    assert_eq!(found.forecast[1].interval.low, 0.0);
}

#[test]
fn a_long_series_is_fitted_as_its_neighbours_put_together() {
    let points = series(&mut Noise::new(10), 3_000, 1_000.0, 0.02, 0.0);
    let found = trend(&points, 0).expect("many days");
    assert_eq!(found.points, 3_000);
    assert!(is_within(&found, 0.02 / 1_030.0) && found.is_moving, "{found:?}");
}

proptest! {
    #[test]
    fn any_numbers_have_a_finite_trend_or_none(
        points in prop::collection::vec((any::<f64>(), any::<f64>()), 0..40),
        first in 0_usize..5,
    ) {
        if let Some(found) = trend(&points, first) {
            let interval = found.interval.expect("always there");
            prop_assert!(interval.low <= found.share_per_day && found.share_per_day <= interval.high);
            for point in found.forecast {
                prop_assert!(point.interval.low <= point.value && point.value <= point.interval.high);
            }
        }
    }

    #[test]
    fn the_unit_of_the_figures_does_not_matter(
        seed in 1_u64..500,
        factor in 1e-3_f64..1e3,
    ) {
        let points = series(&mut Noise::new(seed), 30, 100.0, 0.1, 0.2);
        let scaled: Vec<(f64, f64)> = points.iter().map(|(day, value)| (*day, value * factor)).collect();
        let (a, b) = (trend(&points, 0).expect("enough"), trend(&scaled, 0).expect("enough"));
        prop_assert!((a.share_per_day - b.share_per_day).abs() < 1e-9);
        prop_assert_eq!(a.is_moving, b.is_moving);
        prop_assert!((a.forecast[0].value * factor / b.forecast[0].value - 1.0).abs() < 1e-9);
    }
}
