//! A history that grows by one point at a time.

use super::dependence::Dependence;
use super::detector::{self, Detector};
use super::draft::{self, Depth, Draft, Look};
use super::types::{Certainty, Event, Finding, FindingId, Key, Kind, Point, Span};

/// Newest points that every new point is judged with; more only delays, fewer loses slow changes until the next full look.
const WINDOW: usize = 160;

/// Points at the start of the window whose boundaries are left to the full look, for want of points before them.
const WINDOW_EDGE: usize = 24;

/// Points between two looks at everything, at least.
const FULL_EVERY_MIN: usize = 32;

/// A full look comes when the history has grown by this part.
const FULL_PART: usize = 8;

/// Points for which a finding must fail its test before it is withdrawn.
const PATIENCE: usize = 8;

/// Indexes within which a new boundary takes the place of a finding that lost its own.
const MOVE_SLACK: usize = 8;

/// A history, its findings, and what each new point does to them.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) detector: Detector,
    pub(super) series: Key,
    pub(super) points: Vec<Point>,
    pub(super) findings: Vec<Finding>,
    /// Findings that failed their last test, with the number of points since when.
    pub(super) doubts: Vec<(FindingId, usize)>,
    /// Number of points at which everything is looked at again.
    pub(super) full_at: usize,
    /// First index of the newest unit.
    pub(super) unit_start: usize,
    /// The newest unit, once one is known.
    pub(super) unit: Option<Key>,
    /// Dependence at the last look at everything.
    pub(super) dependence: Dependence,
}

impl History {
    /// An empty history.
    #[must_use]
    pub fn new(detector: Detector, series: Key) -> Self {
        Self {
            detector,
            series,
            points: Vec::new(),
            findings: Vec::new(),
            doubts: Vec::new(),
            full_at: draft::POINTS_MIN,
            unit_start: 0,
            unit: None,
            dependence: Dependence::none(),
        }
    }

    /// The points so far.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The findings that stand, in order of index.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Adds a point and tells what it changed; every change of a finding is an event.
    ///
    /// `controls` are as for [`Detector::analyse`]. Most points are judged with the newest ones only; when the history has
    /// grown by an eighth, everything is looked at.
    pub fn append(&mut self, point: Point, controls: &[Span]) -> Vec<Event> {
        let mut events = Vec::new();
        self.points.push(point);
        let count = self.points.len();
        let old_unit = self.unit;
        self.unit = point.unit.or(old_unit);
        if old_unit.is_some() && self.unit != old_unit {
            self.unit_start = count - 1;
            self.open(detector::relabelled(&self.points, count - 1), &mut events);
        }
        let is_full = count >= self.full_at;
        if is_full {
            self.full_at = count + (count / FULL_PART).max(FULL_EVERY_MIN);
        }
        let start = if is_full { self.unit_start } else { self.window_start() };
        self.look(start, if is_full { Depth::Everything } else { Depth::Newest }, controls, &mut events);
        self.findings.sort_by_key(|finding| finding.at);
        events
    }

    /// Start of the window: a level's own start where one is near, so that the first level of the window is pure.
    fn window_start(&self) -> usize {
        let start = self.points.len().saturating_sub(WINDOW).max(self.unit_start);
        self.findings
            .iter()
            .filter(|finding| is_boundary(finding.kind))
            .map(|finding| finding.at)
            .find(|at| *at > start && *at < start + WINDOW_EDGE)
            .unwrap_or(start)
    }

    fn look(&mut self, start: usize, depth: Depth, controls: &[Span], events: &mut Vec<Event>) {
        let edge = if start == self.unit_start { start } else { start + WINDOW_EDGE };
        let mut known: Vec<(usize, FindingId)> = self
            .findings
            .iter()
            .filter(|finding| is_boundary(finding.kind) && finding.at > start)
            .map(|finding| (finding.at, finding.id))
            .collect();
        known.sort_unstable();
        known.dedup_by_key(|(at, _)| *at);
        let indexes: Vec<usize> = known.iter().map(|(at, _)| *at).collect();
        let own = Dependence::none();
        let look = Look {
            stretch: (start, self.points.len()),
            known: &indexes,
            dependence: if depth == Depth::Newest { &self.dependence } else { &own },
            controls,
            strictness: self.detector.live_strictness(),
            depth,
            seen: self.points.len() - self.unit_start,
        };
        let (drafts, dependence) = draft::drafts(&self.points, look);
        if depth == Depth::Everything {
            self.dependence = dependence;
        }
        self.settle(start, events);
        let mut seen = Vec::new();
        let mut fresh = Vec::new();
        for draft in drafts {
            let ids: Vec<FindingId> =
                draft.known.iter().filter_map(|n| known.get(*n)).map(|(_, id)| *id).collect();
            if let Some((leader, merged)) = ids.split_first() {
                seen.extend(ids.iter().copied());
                self.merge(*leader, merged, events);
                self.update(*leader, draft, events);
            } else if draft.at >= edge {
                fresh.push(draft);
            }
        }
        for draft in fresh {
            match self.successor(&draft, &seen, start) {
                Some(id) => {
                    seen.push(id);
                    self.update(id, draft, events);
                }
                None => seen.push(self.open(draft, events)),
            }
        }
        self.doubt(&seen, edge, depth, events);
    }

    /// The finding that a fresh draft continues: of its kind, or one whose boundary was not found again.
    fn successor(&self, draft: &Draft, seen: &[FindingId], start: usize) -> Option<FindingId> {
        let reach = if is_boundary(draft.kind) { MOVE_SLACK } else { 1 };
        self.findings
            .iter()
            .filter(|finding| finding.at >= start && !seen.contains(&finding.id))
            .filter(|finding| may_become(finding.kind, draft.kind))
            .filter(|finding| {
                let is_close = finding.at.abs_diff(draft.at) <= reach;
                is_close || finding.location.iter().any(|a| draft.location.iter().any(|b| a.is_near(*b, 0)))
            })
            .min_by_key(|finding| finding.at.abs_diff(draft.at))
            .map(|finding| finding.id)
    }

    fn open(&mut self, draft: Draft, events: &mut Vec<Event>) -> FindingId {
        let id = detector::identity(self.series, &self.points, &draft, &self.findings);
        let finding = detector::finding(id, draft);
        events.push(Event::Opened(finding.clone()));
        self.findings.push(finding);
        id
    }

    fn merge(&mut self, into: FindingId, merged: &[FindingId], events: &mut Vec<Event>) {
        events.extend(merged.iter().map(|id| Event::Merged { id: *id, into }));
        self.findings.retain(|finding| !merged.contains(&finding.id));
    }

    fn update(&mut self, id: FindingId, draft: Draft, events: &mut Vec<Event>) {
        self.doubts.retain(|(doubted, _)| *doubted != id);
        let Some(finding) = self.findings.iter_mut().find(|finding| finding.id == id) else { return };
        if finding.kind != draft.kind {
            events.push(Event::Retyped { id, from: finding.kind, to: draft.kind });
        }
        if finding.at != draft.at {
            events.push(Event::Moved { id, from: finding.at, to: draft.at });
        }
        let is_surer = surer(draft.certainty, finding.certainty);
        if is_surer {
            events.push(Event::Confirmed { id, certainty: draft.certainty });
        }
        let certainty = if is_surer { draft.certainty } else { finding.certainty };
        *finding = Finding { certainty, ..detector::finding(id, draft) };
    }

    /// Ends the finding that there are too few points in all, once there are enough.
    fn settle(&mut self, start: usize, events: &mut Vec<Event>) {
        let finite = self.points[start..].iter().filter(|point| point.value.is_finite()).count();
        if finite < draft::POINTS_MIN {
            return;
        }
        events.extend(
            self.findings.iter().filter(|f| f.is_of_short_history()).map(|f| Event::Settled { id: f.id }),
        );
        self.findings.retain(|finding| !finding.is_of_short_history());
    }

    /// Withdraws what failed its test for long enough.
    fn doubt(&mut self, seen: &[FindingId], edge: usize, depth: Depth, events: &mut Vec<Event>) {
        let count = self.points.len();
        let mut gone = Vec::new();
        for finding in &mut self.findings {
            if finding.kind == Kind::TooFewPoints && finding.size.shift != 0.0 && !seen.contains(&finding.id)
            {
                // The level is back, whatever the newer points have done to the idea of what is far.
                events.push(Event::Retyped { id: finding.id, from: finding.kind, to: Kind::Blip });
                finding.kind = Kind::Blip;
            }
            let is_tested = match finding.kind {
                // A blip is a fact about its points; it only goes when a level change takes its place.
                Kind::Blip => false,
                Kind::RelabelledUnit if finding.ln_p.is_none() => false,
                Kind::WiderNoise | Kind::TwoModes => {
                    depth == Depth::Everything && finding.at >= self.unit_start
                }
                _ => finding.at >= edge,
            };
            if !is_tested || seen.contains(&finding.id) {
                continue;
            }
            match self.doubts.iter().find(|(id, _)| *id == finding.id) {
                None => self.doubts.push((finding.id, count)),
                Some((_, since)) if count - since >= PATIENCE => gone.push(finding.id),
                Some(_) => {}
            }
        }
        for id in gone {
            self.doubts.retain(|(doubted, _)| *doubted != id);
            if let Some(place) = self.findings.iter().position(|finding| finding.id == id) {
                events.push(Event::Withdrawn { finding: self.findings.remove(place) });
            }
        }
    }
}

/// Whether a finding of this kind stands at a boundary between levels.
const fn is_boundary(kind: Kind) -> bool {
    matches!(kind, Kind::Step | Kind::Environment | Kind::RelabelledUnit | Kind::Drift)
}

/// Whether a finding of one kind may turn out to be one of another.
fn may_become(from: Kind, to: Kind) -> bool {
    match from {
        Kind::TooFewPoints => matches!(to, Kind::Blip | Kind::TooFewPoints) || is_boundary(to),
        Kind::Blip => is_boundary(to) || matches!(to, Kind::Blip | Kind::TooFewPoints),
        _ if is_boundary(from) => is_boundary(to) || to == Kind::Blip,
        _ => from == to,
    }
}

const fn surer(new: Certainty, old: Certainty) -> bool {
    matches!(
        (old, new),
        (Certainty::Suspected, Certainty::Found | Certainty::Confirmed)
            | (Certainty::Found, Certainty::Confirmed)
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::noise::Noise;
    use super::*;
    use proptest::prelude::*;

    fn history() -> History {
        History::new(Detector::with_rate(1e-4), Key(7))
    }

    /// What somebody who only reads the events believes.
    fn replay(book: &mut BTreeMap<FindingId, (Kind, Certainty, usize)>, event: &Event) {
        match event {
            Event::Opened(finding) => {
                let old = book.insert(finding.id, (finding.kind, finding.certainty, finding.at));
                assert_eq!(old, None, "an open finding was opened again");
            }
            Event::Confirmed { id, certainty } => book.get_mut(id).expect("open").1 = *certainty,
            Event::Moved { id, from, to } => {
                let at = &mut book.get_mut(id).expect("open").2;
                assert_eq!(*at, *from);
                *at = *to;
            }
            Event::Retyped { id, from, to } => {
                let kind = &mut book.get_mut(id).expect("open").0;
                assert_eq!(*kind, *from);
                *kind = *to;
            }
            Event::Merged { id, .. } | Event::Settled { id } => assert!(book.remove(id).is_some()),
            Event::Withdrawn { finding } => assert!(book.remove(&finding.id).is_some()),
        }
    }

    fn believed(history: &History) -> BTreeMap<FindingId, (Kind, Certainty, usize)> {
        history.findings().iter().map(|f| (f.id, (f.kind, f.certainty, f.at))).collect()
    }

    #[test]
    fn a_step_is_opened_within_a_few_points_and_confirmed_under_the_same_id() {
        let (mut noise, mut history) = (Noise::new(41), history());
        let mut opened = None;
        for i in 0..140u32 {
            let value = noise.normal() + if i >= 100 { 8.0 } else { 0.0 };
            for event in history.append(Point::new(value), &[]) {
                match event {
                    Event::Opened(finding) if i >= 100 => opened = opened.or(Some((finding.id, i))),
                    Event::Withdrawn { finding } => panic!("withdrawn: {finding:?}"),
                    _ => {}
                }
            }
        }
        let (id, when) = opened.expect("opened");
        assert!(when <= 104, "{when}");
        let finding = history.findings().iter().find(|finding| finding.id == id).expect("still there");
        assert_eq!((finding.kind, finding.certainty, finding.at), (Kind::Step, Certainty::Confirmed, 100));
    }

    #[test]
    fn the_excursion_that_ends_after_two_points_becomes_a_blip() {
        let (mut noise, mut history) = (Noise::new(42), history());
        let mut kinds = Vec::new();
        for i in 0..80 {
            let value = noise.normal() + if (60..62).contains(&i) { 50.0 } else { 0.0 };
            for event in history.append(Point::new(value), &[]) {
                match event {
                    Event::Opened(finding) if i >= 60 => kinds.push(finding.kind),
                    Event::Retyped { to, .. } => kinds.push(to),
                    _ => {}
                }
            }
        }
        // In between chance may make it look like the start of a step.
        assert!(kinds.starts_with(&[Kind::TooFewPoints, Kind::Blip]), "{kinds:?}");
        assert_eq!(kinds.last(), Some(&Kind::Blip));
    }

    #[test]
    fn a_control_that_changes_too_makes_it_the_environment() {
        let (mut noise, mut history) = (Noise::new(43), history());
        let control = [Span { first: 60, last: 60 }];
        for i in 0..100u32 {
            let value = noise.normal() + if i >= 60 { 9.0 } else { 0.0 };
            history.append(Point::new(value), if i >= 60 { &control } else { &[] });
        }
        let kinds: Vec<Kind> =
            history.findings().iter().filter(|f| f.kind.is_new_level()).map(|f| f.kind).collect();
        assert_eq!(kinds, [Kind::Environment]);
    }

    #[test]
    fn a_change_of_unit_is_told_at_once() {
        let mut history = history();
        let (ns, us) = (Key::of("ns"), Key::of("us"));
        for _ in 0..20 {
            history.append(Point::new(5.0).in_unit(ns), &[]);
        }
        let events = history.append(Point::new(0.005).in_unit(us), &[]);
        assert!(matches!(&events[0], Event::Opened(finding) if finding.kind == Kind::RelabelledUnit));
    }

    #[test]
    fn wandering_noise_in_short_histories_keeps_the_budget_though_it_is_suspected() {
        let (mut noise, rate) = (Noise::new(44), 1e-3);
        let (mut found, mut suspected) = (BTreeSet::new(), BTreeSet::new());
        for series in 0..120 {
            let mut history = History::new(Detector::with_rate(rate), Key(series));
            let mut state = noise.normal() / 0.75_f64.sqrt();
            for _ in 0..80 {
                state = 0.5 * state + noise.normal();
                history.append(Point::new(state), &[]);
                for finding in history.findings().iter().filter(|finding| finding.kind.is_new_level()) {
                    suspected.insert(finding.id);
                    if finding.certainty != Certainty::Suspected {
                        found.insert(finding.id);
                    }
                }
            }
        }
        // Budgeted 9.6 in 9,600 points.
        assert!(found.len() < 10 && suspected.len() > found.len(), "{} {}", found.len(), suspected.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn nothing_changes_without_an_event(
            levels in prop::collection::vec((1usize..40, -30.0..30.0f64), 1..9),
            seed in 1u64..1000,
            run in 1usize..4,
            gaps in any::<bool>(),
        ) {
            let (mut noise, mut history) = (Noise::new(seed), history());
            let mut book = BTreeMap::new();
            let mut index = 0;
            for (count, level) in levels {
                for _ in 0..count {
                    let is_missing = gaps && noise.uniform() < 0.1;
                    let value = if is_missing { f64::NAN } else { level + noise.normal() };
                    let point = Point::new(value).at_commit(Key((index / run) as u64));
                    index += 1;
                    for event in history.append(point, &[]) {
                        replay(&mut book, &event);
                    }
                    prop_assert_eq!(&book, &believed(&history));
                }
            }
        }
    }
}
