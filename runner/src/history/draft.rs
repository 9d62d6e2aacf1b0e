//! Findings before they have an identity.

use super::budget::Strictness;
use super::dependence::Dependence;
use super::drift;
use super::measure;
use super::run::Segment;
use super::segment::{Boundary, Input, Segmenter};
use super::series::Series;
use super::shape::{self, Shape};
use super::types::{Certainty, Kind, Point, Size, Span};

/// Points after a change from which on it is confirmed.
const CONFIRMED_AFTER: usize = 16;

/// Indexes by which a change in a control may be apart from one in a series.
const CONTROL_SLACK: usize = 1;

/// Factors between units of time, size and count, and percent.
const UNIT_FACTORS: [f64; 9] = [8.0, 60.0, 100.0, 1e3, 1e6, 1e9, 1024.0, 1_048_576.0, 1_073_741_824.0];

/// Widest interval, as a part of the ratio, in which a unit factor is believed.
const UNIT_WIDTH_MAX: f64 = 0.02;

/// Part of the ratio by which a rounded figure may miss the factor.
const UNIT_SLACK: f64 = 0.002;

/// Points that a history needs before anything can be said.
pub(super) const POINTS_MIN: usize = 8;

/// How much is looked at besides the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Outliers at the newest level only.
    Newest,
    /// Every level's blips, spread and modes.
    Everything,
}

/// A finding before it has an identity.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) certainty: Certainty,
    pub(super) at: usize,
    pub(super) location: Vec<Span>,
    pub(super) size: Size,
    pub(super) ln_p: Option<f64>,
    /// Numbers of the known boundaries that it continues, the first one leads.
    pub(super) known: Vec<usize>,
}

/// What a look needs to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    /// First index and index after the last; the points between have one unit.
    pub(super) stretch: (usize, usize),
    /// Indexes of earlier boundaries in the stretch, in order.
    pub(super) known: &'a [usize],
    /// Dependence that a look at more points has shown.
    pub(super) dependence: &'a Dependence,
    /// Places of changes in control series.
    pub(super) controls: &'a [Span],
    pub(super) strictness: Strictness,
    pub(super) depth: Depth,
    /// Points of this unit in the whole history.
    pub(super) seen: usize,
}

/// Drafts for a stretch of points, in order of index, and the dependence that it shows.
pub(super) fn drafts(points: &[Point], look: Look<'_>) -> (Vec<Draft>, Dependence) {
    let series = Series::of(points, look.stretch.0, look.stretch.1);
    if series.values.len() < POINTS_MIN {
        return (too_few(&series), Dependence::none());
    }
    let known: Vec<usize> = look.known.iter().map(|index| series.place(*index)).collect();
    let (values, allowed) = (&series.values[..], &series.allowed[..]);
    let input = Input { values, allowed, known: &known, dependence: look.dependence, seen: look.seen };
    let segmenter = Segmenter::run(input, look.strictness);
    let mut drafts = level_changes(&series, &segmenter, look.strictness);
    for draft in &mut drafts {
        classify(draft, look.controls);
    }
    let segments = segmenter.segments();
    let skipped = if look.depth == Depth::Newest { segments.len().saturating_sub(1) } else { 0 };
    for segment in &segments[skipped..] {
        let shapes = match look.depth {
            Depth::Newest => shape::blips(values, segment),
            Depth::Everything => shape::shapes(values, allowed, segment, look.strictness),
        };
        drafts.extend(shapes.into_iter().map(|shape| of_shape(&series, shape)));
    }
    drafts.sort_by_key(|draft| draft.at);
    (drafts, segmenter.dependence().clone())
}

fn too_few(series: &Series) -> Vec<Draft> {
    let (Some(first), Some(last)) = (series.indexes.first(), series.indexes.last()) else {
        return Vec::new();
    };
    let level = series.values[series.values.len() / 2];
    vec![Draft {
        kind: Kind::TooFewPoints,
        certainty: Certainty::Suspected,
        at: *first,
        location: vec![Span { first: *first, last: *last }],
        size: Size { before: level, after: level, shift: 0.0, interval: None },
        ln_p: None,
        known: Vec::new(),
    }]
}

/// Steps and drifts.
fn level_changes(series: &Series, segmenter: &Segmenter<'_>, strictness: Strictness) -> Vec<Draft> {
    let (segments, boundaries) = (segmenter.segments(), segmenter.boundaries());
    let dependence = segmenter.dependence();
    let drifts = drift::drifts(&series.values, segments, dependence);
    let mut drafts = Vec::new();
    let mut number = 0;
    while number < boundaries.len() {
        let drift = drifts.iter().find(|(first, _)| *first == number);
        let last = drift.map_or(number, |(_, last)| *last);
        let sides = (&segments[number], &segments[number + 1]);
        let mut draft = of_boundary(series, &boundaries[number], sides, dependence, strictness);
        if drift.is_some() {
            draft.kind = Kind::Drift;
            draft.known = boundaries[number..=last].iter().filter_map(|boundary| boundary.known).collect();
            draft.location = vec![Span { first: draft.at, last: series.index(boundaries[last].at) }];
            draft.size.after = segments[last + 1].median(&series.values);
            draft.size.shift = draft.size.after - draft.size.before;
            draft.size.interval = None;
        }
        drafts.push(draft);
        number = last + 1;
    }
    drafts
}

fn of_boundary(
    series: &Series,
    boundary: &Boundary,
    sides: (&Segment, &Segment),
    dependence: &Dependence,
    strictness: Strictness,
) -> Draft {
    let (before, after) = (sides.0.sorted.len(), sides.1.sorted.len());
    let is_in_budget = boundary.ln_p_cautious < strictness.ln_limit(before, after);
    let certainty = match is_in_budget {
        false => Certainty::Suspected,
        true if after >= CONFIRMED_AFTER => Certainty::Confirmed,
        true => Certainty::Found,
    };
    let is_unit = is_unit_factor(&series.values, sides, dependence);
    Draft {
        kind: if is_unit { Kind::RelabelledUnit } else { Kind::Step },
        certainty,
        at: series.index(boundary.at),
        location: on_history(series, &measure::location(&series.values, &series.allowed, sides, dependence)),
        size: measure::shift(&series.values, sides, dependence),
        ln_p: Some(boundary.ln_p),
        known: boundary.known.into_iter().collect(),
    }
}

fn classify(draft: &mut Draft, controls: &[Span]) {
    let is_shared = draft
        .location
        .iter()
        .any(|span| controls.iter().any(|control| control.is_near(*span, CONTROL_SLACK)));
    if draft.kind == Kind::Step && is_shared {
        draft.kind = Kind::Environment;
    }
}

/// Whether the levels' ratio is a factor between units, to within its interval.
///
/// The ratio's logarithm is the shift of the values' logarithms, which is as precise downwards as upwards.
fn is_unit_factor(values: &[f64], sides: (&Segment, &Segment), dependence: &Dependence) -> bool {
    let ratio = (sides.1.median(values) / sides.0.median(values)).abs().ln().abs();
    if !ratio.is_finite() || ratio < 0.9 * UNIT_FACTORS[0].ln() {
        return false;
    }
    let logarithms: Vec<f64> = values.iter().map(|value| value.abs().max(f64::MIN_POSITIVE).ln()).collect();
    let size = measure::shift(&logarithms, sides, dependence);
    let Some(interval) = size.interval else { return false };
    let (low, high) =
        if size.shift < 0.0 { (-interval.high, -interval.low) } else { (interval.low, interval.high) };
    high - low < UNIT_WIDTH_MAX
        && UNIT_FACTORS
            .iter()
            .map(|factor| factor.ln())
            .any(|factor| low - UNIT_SLACK < factor && factor < high + UNIT_SLACK)
}

/// An outlying run at the very end may still become a step.
fn of_shape(series: &Series, shape: Shape) -> Draft {
    let is_newest = shape.location.last().is_some_and(|span| span.last + 1 == series.values.len());
    let is_open = shape.kind == Kind::Blip && is_newest;
    Draft {
        kind: if is_open { Kind::TooFewPoints } else { shape.kind },
        certainty: if is_open { Certainty::Suspected } else { Certainty::Found },
        at: series.index(shape.at),
        location: on_history(series, &shape.location),
        size: shape.size,
        ln_p: shape.ln_p,
        known: Vec::new(),
    }
}

/// Spans of places as spans of indexes of the history.
fn on_history(series: &Series, spans: &[Span]) -> Vec<Span> {
    spans.iter().map(|span| Span { first: series.index(span.first), last: series.index(span.last) }).collect()
}
