//! What a growing history must remember from one process to the next.

use serde::{Deserialize, Serialize};

use super::History;
use super::dependence::Dependence;
use super::detector::Detector;
use super::series;
use super::types::{Finding, FindingId, Key, Point};

/// Everything that a [`History`] knows besides its points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryState {
    alarms_per_point: f64,
    findings: Vec<Finding>,
    doubts: Vec<(FindingId, usize)>,
    full_at: usize,
    dependence: Dependence,
}

impl History {
    /// Everything that the next point depends on, besides the points.
    #[must_use]
    pub fn state(&self) -> HistoryState {
        HistoryState {
            alarms_per_point: self.detector.alarms_per_point(),
            findings: self.findings.clone(),
            doubts: self.doubts.clone(),
            full_at: self.full_at,
            dependence: self.dependence.clone(),
        }
    }

    /// The history of `points` as [`History::state`] gave it: what follows is as if it had never been put away. `None` if
    /// the two do not belong together.
    #[must_use]
    pub fn resume(series: Key, points: Vec<Point>, state: HistoryState) -> Option<Self> {
        let HistoryState { alarms_per_point, findings, doubts, full_at, dependence } = state;
        let is_known = |finding: &Finding| {
            finding.at < points.len() && finding.location.iter().all(|span| span.last < points.len())
        };
        let is_whole = findings.iter().all(is_known)
            && doubts.iter().all(|(_, since)| *since <= points.len())
            && dependence.is_plausible();
        let unit_start = series::unit_starts(&points).last().copied().unwrap_or(0);
        let unit = points.iter().rev().find_map(|point| point.unit);
        let fresh = Self::new(Detector::with_rate(alarms_per_point), series);
        is_whole.then_some(Self { points, findings, doubts, full_at, unit_start, unit, dependence, ..fresh })
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::super::types::Kind;
    use super::*;
    use proptest::prelude::*;

    fn put_away_and_back(history: &History) -> History {
        let text = serde_json::to_string(&history.state()).expect("JSON");
        let state = serde_json::from_str(&text).expect("the same");
        History::resume(Key(7), history.points().to_vec(), state).expect("it fits")
    }

    #[test]
    fn a_state_of_other_points_is_refused() {
        let mut history = History::new(Detector::default(), Key(7));
        for i in 0..40 {
            history.append(Point::new(if i < 20 { 5.0 } else { 6.0 }), &[]);
        }
        assert!(history.findings().iter().any(|finding| finding.kind == Kind::Step));
        assert_eq!(History::resume(Key(7), vec![Point::new(5.0); 10], history.state()).map(drop), None);
    }

    #[test]
    fn a_doubt_outlives_the_process_so_that_what_fails_is_withdrawn() {
        let mut noise = Noise::new(5);
        let mut withdrawn = 0;
        for _ in 0..12 {
            let mut history = History::new(Detector::with_rate(1e-2), Key(7));
            let mut level = 0.0;
            for _ in 0..160 {
                level = 0.9 * level + noise.normal();
                history = put_away_and_back(&history);
                let events = history.append(Point::new(level), &[]);
                withdrawn +=
                    events.iter().filter(|e| matches!(e, super::super::Event::Withdrawn { .. })).count();
            }
        }
        assert!(withdrawn > 0, "wandering noise at a loose rate has findings that do not last");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn resuming_after_every_point_changes_nothing(
            levels in prop::collection::vec((1usize..40, -12.0..12.0f64), 1..9),
            seed in 1u64..1000,
            run in 1usize..4,
        ) {
            let mut noise = Noise::new(seed);
            let mut whole = History::new(Detector::with_rate(1e-3), Key(7));
            let mut resumed = whole.clone();
            let mut index = 0;
            for (count, level) in levels {
                for _ in 0..count {
                    let value = level + noise.normal();
                    let point = Point::new(value).at_commit(Key((index / run) as u64));
                    index += 1;
                    resumed = put_away_and_back(&resumed);
                    prop_assert_eq!(whole.append(point, &[]), resumed.append(point, &[]));
                    prop_assert_eq!(whole.state(), resumed.state());
                }
            }
        }
    }
}
