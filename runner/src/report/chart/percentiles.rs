//! Figures by percentile, on an axis that gives each further nine the same room. HdrHistogram's plots made this axis
//! common.

use maud::{Markup, html};

use super::axis::{Axis, Spacing};
use super::frame::{Frame, Words, lines, polyline};
use super::label::Ladder;
use super::number::{Px, amount};
use super::weights::{Weights, rank_words};
use crate::analysis::FigureUnit;
use crate::report::words::figure;

/// Boots that get a line of their own.
const LINES_MAX: usize = 8;
/// Points of a line for each nine.
const POINTS_EACH: usize = 12;

/// The chart of `all`, the samples of all boots together, with a thin line for each boot if they are few; `None` if all
/// samples are equal.
#[must_use]
pub(crate) fn percentiles(
    all: &Weights,
    boots: &[Weights],
    unit: FigureUnit,
    axis_name: &str,
    words: &Words,
) -> Option<Markup> {
    let (low, high) = all.ends()?;
    if low >= high {
        return None;
    }
    let frame = Frame { width: 500.0, height: 240.0, left: 62.0, top: 14.0, right: 24.0, bottom: 40.0 };
    let nines = all.total().max(10.0).log10();
    let across = Axis::exactly(0.0, nines, frame.across());
    let up = Axis::around([low, high], None, frame.up())?;
    let line = |weights: &Weights| {
        let points = curve(weights, nines);
        polyline(points.into_iter().map(|(nine, value)| (across.at(nine), up.at(value))))
    };
    let thin: &[Weights] = if boots.len() > 1 && boots.len() <= LINES_MAX { boots } else { &[] };
    let (foot, head) = frame.up();
    let ranks = ranks(nines);
    let content = html! {
        (frame.value_lines(&up, Ladder::Figure(unit), 5))
        path.grid d=(lines(ranks.iter().map(|nine| ((across.at(*nine), foot), (across.at(*nine), head))))) {}
        @for nine in &ranks {
            text.tick.middle x=(Px(across.at(*nine))) y=(Px(foot + 16.0)) { (rank_words(share(*nine))) }
        }
        (frame.base_title(&format!("percentile; {axis_name} at the left")))
        @for weights in thin { path.thin d=(line(weights)) {} }
        path.line d=(line(all)) {}
    };
    let scale = if up.spacing == Spacing::Logarithmic { ", on a logarithmic scale" } else { "" };
    let description = format!(
        "Figures from {} to {}{scale}, by percentile; each further nine has the same room.{}",
        figure(low, unit),
        figure(high, unit),
        if thin.is_empty() {
            ""
        } else {
            " The strong line is all boots together, the thin lines are boots."
        }
    );
    Some(frame.svg(words, &description, &content))
}

/// The share of samples below the place `nines` on the axis: 0 is none, 1 is 90 %, 2 is 99 %.
fn share(nines: f64) -> f64 {
    1.0 - 10_f64.powf(-nines)
}

/// Places with a label: the median and whole nines.
fn ranks(nines: f64) -> Vec<f64> {
    let whole = (1_u32..20).map(f64::from).take_while(|nine| *nine <= nines + 1e-9);
    std::iter::once(2_f64.log10()).chain(whole).collect()
}

/// Place and figure of the points of a curve by nearest rank.
fn curve(weights: &Weights, nines: f64) -> Vec<(f64, f64)> {
    let total = weights.total();
    let own = total.max(1.0).log10().min(nines);
    let points = (0_u32..).map(|place| f64::from(place) / amount(POINTS_EACH)).take_while(|nine| *nine < own);
    let mut buckets = weights.buckets.iter();
    let mut seen = 0.0;
    let mut value = weights.buckets.first().map_or(0.0, |bucket| bucket.low);
    let mut found = Vec::new();
    for nine in points.chain([own]) {
        let rank = (share(nine) * total).ceil().max(1.0);
        while seen < rank - 1e-9 {
            let Some(bucket) = buckets.next() else { break };
            seen += bucket.count;
            value = bucket.middle();
        }
        found.push((nine, value));
    }
    // The last sample is the largest whatever rounding says.
    if let (Some(point), Some(bucket)) = (found.last_mut(), weights.buckets.last()) {
        point.1 = bucket.high;
    }
    without_repeats(found)
}

/// `points` without those between two of the same figure.
fn without_repeats(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let is_between = |place: usize| {
        let neighbours =
            place.checked_sub(1).and_then(|before| points.get(before)).zip(points.get(place + 1));
        neighbours.is_some_and(|(before, after)| before.1 >= points[place].1 && after.1 <= points[place].1)
    };
    (0..points.len()).filter(|place| !is_between(*place)).map(|place| points[place]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::weights::Bucket;
    use super::*;
    use proptest::prelude::*;

    fn weights(values: &[(f64, f64)]) -> Weights {
        let bucket = |&(value, count): &(f64, f64)| Bucket { low: value, high: value, count };
        Weights { buckets: values.iter().map(bucket).collect() }
    }

    #[test]
    fn the_axis_ends_where_samples_end() {
        assert_eq!(ranks(3.2).len(), 4, "P50, P90, P99, P99.9");
        let found = curve(&weights(&[(10.0, 900.0), (20.0, 90.0), (50.0, 10.0)]), 3.0);
        assert_eq!(found.first(), Some(&(0.0, 10.0)));
        assert_eq!(found.last().map(|point| point.1), Some(50.0));
        let at = |nine: f64| found.iter().find(|point| (point.0 - nine).abs() < 1e-9).map(|point| point.1);
        assert_eq!((at(1.0), at(2.0)), (Some(10.0), Some(20.0)), "nearest rank");
        assert!(found.len() < 8, "what is level needs no points: {found:?}");
    }

    proptest! {
        #[test]
        fn a_curve_never_falls(counts in proptest::collection::vec(1_u32..10_000, 1..40)) {
            let values: Vec<(f64, f64)> =
                counts.iter().zip(1_u32..).map(|(count, value)| (f64::from(value), f64::from(*count))).collect();
            let all = weights(&values);
            let found = curve(&all, all.total().log10());
            prop_assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].1 && pair[0].0 <= pair[1].0));
        }
    }
}
