//! What happens within one level: blips, wider noise, two modes.

use super::budget::Strictness;
use super::dependence::Dependence;
use super::measure;
use super::rank;
use super::run::{BLIP_MAX, Segment};
use super::segment::{Input, Segmenter};
use super::types::{Kind, Size, Span};

/// Distance from the level, in robust standard deviations, from which on a point is a blip.
const BLIP_DEVIATIONS: f64 = 8.0;

/// Points that a level needs before its spread or its modes are judged.
const SHAPE_MIN: usize = 24;

/// Smallest part of the points that the smaller mode has.
const MODE_PART_MIN: f64 = 0.15;

/// Distance of the modes' means in units of their root mean square spread (Ashman et al. 1994: 2 separates two normals).
const MODE_DISTANCE_MIN: f64 = 4.0;

/// A finding about a part of a level, before it has an identity.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// What it is.
    pub(super) kind: Kind,
    /// Its points, or where it may begin.
    pub(super) location: Vec<Span>,
    /// Most probable first index.
    pub(super) at: usize,
    /// How much.
    pub(super) size: Size,
    /// Log tail probability, where there was a test.
    pub(super) ln_p: Option<f64>,
}

/// Everything that happens within a level.
pub(super) fn shapes(
    values: &[f64],
    allowed: &[bool],
    level: &Segment,
    strictness: Strictness,
) -> Vec<Shape> {
    let mut found = blips(values, level);
    if level.sorted.len() >= SHAPE_MIN {
        found.extend(two_modes(values, level));
        found.extend(wider_noise(values, allowed, level, strictness));
    }
    found
}

/// Runs of at most three points far from the level, as far as the level's own tails make them remarkable.
pub(super) fn blips(values: &[f64], level: &Segment) -> Vec<Shape> {
    let median = level.median(values);
    let range = level.start..level.end();
    let mut distances: Vec<f64> = values[range.clone()].iter().map(|v| (v - median).abs()).collect();
    let count = distances.len();
    if count < 2 * BLIP_MAX {
        return Vec::new();
    }
    let (below, high, _) = distances.select_nth_unstable_by(count * 9 / 10, f64::total_cmp);
    let high = *high / 1.645;
    let middle = below.select_nth_unstable_by(count / 2, f64::total_cmp).1;
    let fence = BLIP_DEVIATIONS * (*middle * 1.4826).max(high);
    let mut found = Vec::new();
    let mut index = range.start;
    while index < range.end {
        let first = index;
        while index < range.end && (values[index] - median).abs() > fence {
            index += 1;
        }
        if index > first && index - first <= BLIP_MAX {
            let peak = values[first..index].iter().copied().fold(median, |far, value| {
                if (value - median).abs() > (far - median).abs() { value } else { far }
            });
            found.push(Shape {
                kind: Kind::Blip,
                at: first,
                location: vec![Span { first, last: index - 1 }],
                size: Size { before: median, after: peak, shift: peak - median, interval: None },
                ln_p: None,
            });
        }
        index = index.max(first + 1);
    }
    found
}

/// Whether the level's points fall into two groups: the cut with the largest between-group variance (Otsu 1979).
fn two_modes(values: &[f64], level: &Segment) -> Option<Shape> {
    let sorted: Vec<f64> = level.sorted.iter().map(|item| values[rank::index_of(*item)]).collect();
    // A tenth at each end may be outliers of either mode.
    let trim = sorted.len() / 20;
    let sorted = &sorted[trim..sorted.len() - trim];
    let origin = sorted[sorted.len() / 2];
    let all = sorted.len() as f64;
    let total: f64 = sorted.iter().map(|v| v - origin).sum();
    let (mut sum, mut best) = (0.0, (0.0, 0));
    for (below, value) in (1..sorted.len()).zip(sorted) {
        sum += value - origin;
        let low = below as f64;
        let gap = sum / low - (total - sum) / (all - low);
        let between = low * (all - low) * gap * gap;
        if between > best.0 {
            best = (between, below);
        }
    }
    let (low, high) = sorted.split_at(best.1);
    if (low.len().min(high.len()) as f64) < MODE_PART_MIN * all {
        return None;
    }
    let (low_mean, low_spread) = moments(low);
    let (high_mean, high_spread) = moments(high);
    let spread = (0.5 * (low_spread + high_spread)).sqrt();
    if high_mean - low_mean <= MODE_DISTANCE_MIN * spread {
        return None;
    }
    let (major, minor) = if low.len() >= high.len() { (low_mean, high_mean) } else { (high_mean, low_mean) };
    Some(Shape {
        kind: Kind::TwoModes,
        at: level.start,
        location: vec![Span { first: level.start, last: level.end() - 1 }],
        size: Size { before: major, after: minor, shift: minor - major, interval: None },
        ln_p: None,
    })
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count)
}

/// The place where the distances from the level grow, by the same test as a step of the values.
fn wider_noise(values: &[f64], allowed: &[bool], level: &Segment, strictness: Strictness) -> Option<Shape> {
    let median = level.median(values);
    let range = level.start..level.end();
    let distances: Vec<f64> = values[range.clone()].iter().map(|v| (v - median).abs()).collect();
    let input = Input {
        values: &distances,
        allowed: &allowed[range],
        known: &[],
        dependence: &Dependence::none(),
        seen: distances.len(),
    };
    let cut = Segmenter::single(input, strictness)?;
    let (before, after) = (cut.segments().first()?, cut.segments().get(1)?);
    let size = measure::shift(&distances, (before, after), cut.dependence());
    let ln_p = cut.boundaries().first()?.ln_p;
    if after.sorted.len() < SHAPE_MIN / 2 || size.after <= size.before {
        return None;
    }
    let location = measure::location(&distances, input.allowed, (before, after), cut.dependence());
    let shifted = |span: &Span| Span { first: span.first + level.start, last: span.last + level.start };
    Some(Shape {
        kind: Kind::WiderNoise,
        at: after.start + level.start,
        location: location.iter().map(shifted).collect(),
        size,
        ln_p: Some(ln_p),
    })
}
