//! A history of exact figures: counts of instructions, which repeat to the last digit.

use serde::{Deserialize, Serialize};

use super::detector;
use super::draft::Draft;
use super::run::BLIP_MAX;
use super::types::{Certainty, Event, Finding, FindingId, Interval, Key, Kind, Point, Size, Span};

/// Different figures of one level that are told apart; further ones are taken to be the last.
const VALUES_MAX: usize = 16;

/// A history without noise, in which every difference is certain.
///
/// A figure that no run of the level before has given opens a step at once, confirmed and with an interval of width zero. If the
/// old figure is back within three points, the step turns out to be a blip. Runs of one commit are never split: a
/// commit with two figures is no longer exact, which is told as two modes, and both figures then belong to the level.
#[derive(Clone, Debug)]
pub struct ExactHistory {
    series: Key,
    points: Vec<Point>,
    unit: Option<Key>,
    state: ExactState,
}

/// What an [`ExactHistory`] knows besides its points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExactState {
    findings: Vec<Finding>,
    level: Option<Level>,
    before: Option<Level>,
}

/// The newest points with equal figures, or with figures of equal commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    values: Vec<f64>,
    start: usize,
    /// The step that began it.
    step: Option<FindingId>,
    /// Whether one of its commits gave two figures.
    is_ambiguous: bool,
}

impl Level {
    fn new(start: usize, value: f64, step: Option<FindingId>) -> Self {
        Self { values: vec![value], start, step, is_ambiguous: false }
    }
}

impl ExactHistory {
    /// An empty history.
    #[must_use]
    pub fn new(series: Key) -> Self {
        Self { series, points: Vec::new(), unit: None, state: ExactState::default() }
    }

    /// The history of `points` as [`ExactHistory::state`] gave it; `None` if the two do not belong together.
    #[must_use]
    pub fn resume(series: Key, points: Vec<Point>, state: ExactState) -> Option<Self> {
        let levels = state.level.iter().chain(&state.before);
        let is_known = |at: usize| at < points.len();
        let is_whole = levels.clone().all(|level| is_known(level.start))
            && state.findings.iter().all(|finding| is_known(finding.at));
        let unit = points.iter().rev().find_map(|point| point.unit);
        is_whole.then_some(Self { series, points, unit, state })
    }

    /// Everything that the next point depends on, besides the points.
    #[must_use]
    pub const fn state(&self) -> &ExactState {
        &self.state
    }

    /// The points so far.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The findings that stand, in order of index.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.state.findings
    }

    /// Adds a point and tells what it changed.
    pub fn append(&mut self, point: Point) -> Vec<Event> {
        let last = self.points.iter().rposition(|point| point.value.is_finite());
        let at = self.points.len();
        self.points.push(point);
        let mut events = Vec::new();
        let old_unit = self.unit;
        self.unit = point.unit.or(old_unit);
        if old_unit.is_some() && self.unit != old_unit {
            self.state.level = None;
            self.state.before = None;
            self.open(detector::relabelled(&self.points, at), &mut events);
        }
        if !point.value.is_finite() {
            return events;
        }
        let Some(mut level) = self.state.level.take() else {
            self.state.level = Some(Level::new(at, point.value, None));
            return events;
        };
        let before = last.and_then(|last| self.points.get(last)).copied().unwrap_or(point);
        if level.values.contains(&point.value) {
            self.state.level = Some(level);
        } else if point.commit.is_some() && point.commit == before.commit {
            if !level.is_ambiguous {
                self.open(draft(Kind::TwoModes, (at, at), (before.value, point.value)), &mut events);
            }
            level.is_ambiguous = true;
            level.values.truncate(VALUES_MAX - 1);
            level.values.push(point.value);
            self.state.level = Some(level);
        } else {
            let first = last.map_or(at, |last| last + 1);
            self.change(level, (first, at), (before.value, point.value), &mut events);
        }
        self.state.findings.sort_by_key(|finding| finding.at);
        events
    }

    /// Ends `level`: by a return to the one before it, or by a new one.
    fn change(&mut self, level: Level, place: (usize, usize), values: (f64, f64), events: &mut Vec<Event>) {
        let at = place.1;
        let is_short =
            self.points[level.start..at].iter().filter(|p| p.value.is_finite()).count() <= BLIP_MAX;
        let old = self.state.before.take_if(|old| is_short && old.values.contains(&values.1));
        if let Some((old, step)) = old.zip(level.step) {
            self.blip(step, at, events);
            self.state.level = Some(old);
            return;
        }
        let id = self.open(draft(Kind::Step, place, values), events);
        self.state.before = Some(level);
        self.state.level = Some(Level::new(at, values.1, Some(id)));
    }

    /// The level that `step` began was over at `end`.
    fn blip(&mut self, step: FindingId, end: usize, events: &mut Vec<Event>) {
        let Some(finding) = self.state.findings.iter_mut().find(|finding| finding.id == step) else { return };
        events.push(Event::Retyped { id: step, from: finding.kind, to: Kind::Blip });
        finding.kind = Kind::Blip;
        finding.location = vec![Span { first: finding.at, last: end - 1 }];
    }

    fn open(&mut self, draft: Draft, events: &mut Vec<Event>) -> FindingId {
        let id = detector::identity(self.series, &self.points, &draft, &self.state.findings);
        let finding = detector::finding(id, draft);
        events.push(Event::Opened(finding.clone()));
        self.state.findings.push(finding);
        id
    }
}

/// A finding between two figures, at the last of the indexes from `place.0` to `place.1`.
fn draft(kind: Kind, place: (usize, usize), (before, after): (f64, f64)) -> Draft {
    let shift = after - before;
    Draft {
        kind,
        certainty: Certainty::Confirmed,
        at: place.1,
        location: vec![Span { first: place.0, last: place.1 }],
        size: Size { before, after, shift, interval: Some(Interval { low: shift, high: shift }) },
        ln_p: None,
        known: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn history(values: &[f64]) -> ExactHistory {
        let mut history = ExactHistory::new(Key(7));
        values.iter().zip(0..).for_each(|(value, commit)| {
            history.append(Point::new(*value).at_commit(Key(commit)));
        });
        history
    }

    fn found(history: &ExactHistory) -> Vec<(Kind, usize)> {
        history.findings().iter().map(|finding| (finding.kind, finding.at)).collect()
    }

    #[test]
    fn one_instruction_more_is_a_step_at_its_first_point() {
        let mut history = history(&[4_612_345.0; 8]);
        let events = history.append(Point::new(4_612_346.0).at_commit(Key(99)));
        let [Event::Opened(step)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((step.kind, step.certainty, step.at), (Kind::Step, Certainty::Confirmed, 8));
        assert_eq!(step.size.interval, Some(Interval { low: 1.0, high: 1.0 }));
        for commit in 100..107 {
            assert_eq!(history.append(Point::new(4_612_346.0).at_commit(Key(commit))), []);
        }
        assert_eq!(found(&history), [(Kind::Step, 8)]);
    }

    #[test]
    fn a_figure_that_is_back_within_three_points_was_a_blip_and_one_that_comes_later_is_a_step() {
        let short = history(&[5.0, 5.0, 7.0, 7.0, 7.0, 5.0, 5.0]);
        assert_eq!(found(&short), [(Kind::Blip, 2)]);
        assert_eq!(short.findings()[0].location, [Span { first: 2, last: 4 }]);
        let long = history(&[5.0, 5.0, 7.0, 7.0, 7.0, 7.0, 5.0]);
        assert_eq!(found(&long), [(Kind::Step, 2), (Kind::Step, 6)]);
        assert_eq!(
            found(&history(&[5.0, 6.0, 7.0, 5.0])),
            [(Kind::Step, 1), (Kind::Step, 2), (Kind::Step, 3)]
        );
    }

    #[test]
    fn two_figures_of_one_commit_are_two_modes_and_no_step() {
        let mut history = history(&[5.0, 5.0]);
        for value in [6.0, 5.0, 6.0] {
            history.append(Point::new(value).at_commit(Key(1)));
        }
        history.append(Point::new(6.0).at_commit(Key(2)));
        assert_eq!(found(&history), [(Kind::TwoModes, 2)]);
        history.append(Point::new(7.0).at_commit(Key(3)));
        assert_eq!(found(&history), [(Kind::TwoModes, 2), (Kind::Step, 6)]);
    }

    #[test]
    fn a_change_after_missing_points_may_have_come_with_any_of_them() {
        let history = history(&[5.0, f64::NAN, f64::INFINITY, 6.0]);
        assert_eq!(history.findings()[0].location, [Span { first: 1, last: 3 }]);
    }

    #[test]
    fn figures_of_two_units_are_not_compared() {
        let mut history = ExactHistory::new(Key(7));
        for (value, unit) in [(5.0, "bytes"), (5.0, "bytes"), (9.0, "instructions"), (9.0, "instructions")] {
            history.append(Point::new(value).in_unit(Key::of(unit)));
        }
        assert_eq!(found(&history), [(Kind::RelabelledUnit, 2)]);
    }

    proptest! {
        #[test]
        fn resuming_after_every_point_changes_nothing(
            points in prop::collection::vec((0u8..4, 0u64..6, prop::option::of(0u64..2)), 0..60),
        ) {
            let (mut whole, mut resumed) = (ExactHistory::new(Key(7)), ExactHistory::new(Key(7)));
            for (value, commit, unit) in points {
                let value = if value == 3 { f64::NAN } else { f64::from(value) };
                let point = Point { value, commit: Some(Key(commit)), unit: unit.map(Key) };
                let text = serde_json::to_string(resumed.state()).expect("JSON");
                let state = serde_json::from_str(&text).expect("the same");
                resumed = ExactHistory::resume(Key(7), resumed.points.clone(), state).expect("it fits");
                prop_assert_eq!(whole.append(point), resumed.append(point));
                prop_assert_eq!(whole.findings(), resumed.findings());
            }
        }
    }
}
