//! Steps of one direction that are pieces of one gradual change.

use super::dependence::Dependence;
use super::rank::Ranks;
use super::run::Segment;

/// Standardised trend within the levels from which on they are not level.
const TREND_Z: f64 = 3.0;

/// Part of the whole change that happens within the inner levels, at least.
const INNER_PART_MIN: f64 = 0.2;

/// Runs of boundaries that are one drift, as ranges of boundary numbers; boundary i is between segments i and i + 1.
///
/// If the levels between steps are flat, the order of their points means nothing: their ranks have no trend. A ramp that
/// was cut into pieces has its trend in every piece (Mann 1945; here the sum over the pieces).
pub(super) fn drifts(values: &[f64], segments: &[Segment], dependence: &Dependence) -> Vec<(usize, usize)> {
    let medians: Vec<f64> = segments.iter().map(|segment| segment.median(values)).collect();
    let is_up = |boundary: usize| medians[boundary + 1] > medians[boundary];
    let mut found = Vec::new();
    let mut first = 0;
    while first + 1 < segments.len() {
        let mut last = first;
        while last + 2 < segments.len() && is_up(last + 1) == is_up(first) {
            last += 1;
        }
        let whole = medians[last + 1] - medians[first];
        if last > first && is_ramp(values, &segments[first + 1..=last], whole, dependence) {
            found.push((first, last));
        }
        first = last + 1;
    }
    found
}

fn is_ramp(values: &[f64], inner: &[Segment], whole: f64, dependence: &Dependence) -> bool {
    let (mut trend, mut variance, mut rise) = (0.0, 0.0, 0.0);
    let mut ranks = Ranks::default();
    for segment in inner {
        let count = segment.sorted.len() as f64;
        ranks.fill(&segment.sorted, segment.start);
        let middle = (count - 1.0) / 2.0;
        trend +=
            ranks.centred.iter().enumerate().map(|(i, rank)| *rank as f64 * (i as f64 - middle)).sum::<f64>();
        let places = count * (count * count - 1.0) / 12.0;
        variance += ranks.square * places / (count - 1.0) * dependence.inflation(segment.sorted.len());
        rise += rise_within(&values[segment.start..segment.end()]);
    }
    let z = trend / variance.sqrt().max(f64::MIN_POSITIVE) * whole.signum();
    z > TREND_Z && rise / whole > INNER_PART_MIN
}

/// Rise over a run by the medians of its thirds.
fn rise_within(values: &[f64]) -> f64 {
    let third = values.len() / 3;
    if third == 0 {
        return 0.0;
    }
    1.5 * (median(&values[values.len() - third..]) - median(&values[..third]))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    let middle = sorted.len() / 2;
    *sorted.select_nth_unstable_by(middle, f64::total_cmp).1
}
