//! Where a boundary may be and how large it is.

use super::dependence::Dependence;
use super::pairs::Differences;
use super::run::Segment;
use super::types::{Interval, Size, Span};

/// Points on each side, nearest to the boundary, that the size is taken from.
const NEAR: usize = 48;

/// Standard normal quantile of a two-sided 95 % interval.
const Z95: f64 = 1.959_964;

/// Log likelihood below the largest one from which on an index weighs nothing: together they cannot reach a billionth.
const NEGLIGIBLE: f64 = 40.0;

/// Probability that the location set holds.
const LOCATION_PROBABILITY: f64 = 0.95;

/// Indexes that a boundary may be at, by the Laplace likelihood of each cut between its neighbours.
///
/// The scale of the noise is the mean distance from the medians on both sides, widened by the dependence of the points
/// that a shift of the boundary by a few indexes is about.
pub(super) fn location(
    values: &[f64],
    allowed: &[bool],
    sides: (&Segment, &Segment),
    dependence: &Dependence,
) -> Vec<Span> {
    let (left, right) = sides;
    let (before, after) = (left.median(values), right.median(values));
    let (start, end) = (left.start, right.end());
    let distance: f64 = values[start..right.start].iter().map(|v| (v - before).abs()).sum::<f64>()
        + values[right.start..end].iter().map(|v| (v - after).abs()).sum::<f64>();
    let scale = distance / (end - start) as f64 * dependence.inflation(4);
    if scale <= 0.0 {
        return vec![Span { first: right.start, last: right.start }];
    }
    let mut gain = 0.0;
    let mut gains: Vec<(usize, f64)> = Vec::new();
    for at in start + 1..end {
        let value = values[at - 1];
        gain += ((value - after).abs() - (value - before).abs()) / scale;
        if allowed[at] {
            gains.push((at, gain));
        }
    }
    most_probable(gains, right.start)
}

/// The fewest indexes with the wanted probability, `at` among them, as spans.
fn most_probable(mut gains: Vec<(usize, f64)>, at: usize) -> Vec<Span> {
    let top = gains.iter().map(|(_, gain)| *gain).fold(f64::NEG_INFINITY, f64::max);
    gains.retain(|(_, gain)| top - gain < NEGLIGIBLE);
    let total: f64 = gains.iter().map(|(_, gain)| (gain - top).exp()).sum();
    gains.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut sum = 0.0;
    let mut kept = vec![at];
    for (index, gain) in gains {
        if sum >= LOCATION_PROBABILITY * total {
            break;
        }
        sum += (gain - top).exp();
        kept.push(index);
    }
    kept.sort_unstable();
    kept.dedup();
    spans(&kept)
}

/// Sorted indexes as spans.
pub(super) fn spans(indexes: &[usize]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for index in indexes.iter().copied() {
        match spans.last_mut() {
            Some(span) if span.last + 1 == index => span.last = index,
            _ => spans.push(Span { first: index, last: index }),
        }
    }
    spans
}

/// Size of the change at a boundary: Hodges and Lehmann's shift with the rank-sum test's interval (1963).
pub(super) fn shift(values: &[f64], sides: (&Segment, &Segment), dependence: &Dependence) -> Size {
    let (left, right) = sides;
    let (before, after) = (left.median(values), right.median(values));
    let old = &values[right.start.saturating_sub(NEAR).max(left.start)..right.start];
    let new = &values[right.start..right.end().min(right.start + NEAR)];
    let differences = Differences::of(old, new);
    let count = differences.count();
    if count == 0 {
        return Size { before, after, shift: after - before, interval: None };
    }
    let (a, b) = (old.len() as f64, new.len() as f64);
    let inflation = dependence.inflation(old.len().min(new.len()));
    let reach = Z95 * (a * b * (a + b + 1.0) / 12.0 * inflation).sqrt();
    let (low, high) = places(count, reach);
    let interval = Interval { low: differences.select(low), high: differences.select(high) };
    Size { before, after, shift: differences.select(count / 2), interval: Some(interval) }
}

/// Places of the ends of an interval `reach` places about the middle of `count` sorted differences.
fn places(count: usize, reach: f64) -> (usize, usize) {
    // The number of steps below `reach` is searched for, so that no float is turned into an index.
    let (mut steps, mut end) = (0, count / 2);
    while steps < end {
        let middle = usize::midpoint(steps, end);
        if (middle as f64) < reach { steps = middle + 1 } else { end = middle }
    }
    (count / 2 - steps, (count / 2 + steps).min(count - 1))
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::super::rank::Order;
    use super::*;

    fn sides(values: &[f64], at: usize) -> (Segment, Segment) {
        Segment::of(Order::of(values).sorted, 0).split(at)
    }

    #[test]
    fn a_clear_step_is_located_to_the_point_and_a_faint_one_to_a_stretch() {
        let mut noise = Noise::new(31);
        let quiet: Vec<f64> = (0..80).map(|_| noise.normal()).collect();
        let step = |size: f64| -> Vec<f64> {
            quiet.iter().zip(0..).map(|(v, i)| v + if i >= 40 { size } else { 0.0 }).collect()
        };
        let find = |values: &[f64]| {
            let (left, right) = sides(values, 40);
            location(values, &[true; 80], (&left, &right), &Dependence::none())
        };
        assert_eq!(find(&step(30.0)), [Span { first: 40, last: 40 }]);
        let wide: usize = find(&step(1.0)).iter().map(|span| span.last - span.first + 1).sum();
        assert!(wide > 3, "{wide}");
    }

    #[test]
    fn the_interval_of_the_shift_holds_it_and_is_narrower_than_the_noise() {
        let mut noise = Noise::new(32);
        let values: Vec<f64> = (0..90).map(|i| noise.normal() + if i >= 45 { 5.0 } else { 0.0 }).collect();
        let (left, right) = sides(&values, 45);
        let interval = shift(&values, (&left, &right), &Dependence::none()).interval.expect("an interval");
        assert!(
            interval.low < 5.0 && 5.0 < interval.high && interval.high - interval.low < 1.5,
            "{interval:?}"
        );
    }

    #[test]
    fn indexes_become_spans() {
        let span = |first, last| Span { first, last };
        assert_eq!(spans(&[1, 2, 3, 7, 9, 10]), [span(1, 3), span(7, 7), span(9, 10)]);
    }
}
