//! The detector: a whole history at once.

use super::budget::{Budget, SUSPICION_LIVE, SUSPICION_ONCE, Strictness};
use super::dependence::Dependence;
use super::draft::{self, Depth, Draft, Look};
use super::series;
use super::types::{Certainty, Finding, FindingId, Key, Kind, Point, Size, Span};

/// How many times the alarms of one test a history raises that is looked at again with every point.
///
/// Every place is tested again as points come after it, and stays found once it was. Set by replaying independent noise
/// (docs/methodology-history.md): 6 to 8 times for 300 to 1,000 points. One look at a whole history keeps the same limit, so that it
/// finds what a growing history finds; what it saves goes to the dependence that noise of real machines has.
const LOOKS: f64 = 8.0;

/// Finds what happened in a history.
#[derive(Clone, Copy, Debug)]
pub struct Detector {
    alarms_per_point: f64,
}

impl Default for Detector {
    fn default() -> Self {
        Self::new(&Budget::default())
    }
}

impl Detector {
    /// Finite points that a history needs before anything can be said of it.
    pub const POINTS_MIN: usize = draft::POINTS_MIN;

    /// A detector that keeps a false-alarm budget.
    #[must_use]
    pub fn new(budget: &Budget) -> Self {
        Self::with_rate(budget.alarms_per_point())
    }

    /// A detector with a rate of false alarms per point, clamped to between 1e-9 and 1e-2.
    #[must_use]
    pub fn with_rate(alarms_per_point: f64) -> Self {
        let rate = if alarms_per_point.is_finite() { alarms_per_point } else { 1e-4 };
        Self { alarms_per_point: rate.clamp(1e-9, 1e-2) }
    }

    /// Everything that happened in the history of `series`, in order of index.
    ///
    /// `controls` are the places, as indexes of this history, of changes in benches that no code under test can reach
    /// (see [`changes`]): a step that is also there came from the environment.
    #[must_use]
    pub fn analyse(&self, series: Key, points: &[Point], controls: &[Span]) -> Vec<Finding> {
        let starts = series::unit_starts(points);
        let mut found = Vec::new();
        for (number, start) in starts.iter().copied().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(points.len());
            if number > 0 {
                found.push(relabelled(points, start));
            }
            let look = Look {
                stretch: (start, end),
                known: &[],
                dependence: &Dependence::none(),
                controls,
                strictness: self.strictness(),
                depth: Depth::Everything,
                seen: end - start,
            };
            found.extend(draft::drafts(points, look).0);
        }
        let mut findings: Vec<Finding> = Vec::new();
        for draft in found {
            let id = identity(series, points, &draft, &findings);
            findings.push(finding(id, draft));
        }
        findings
    }

    /// False alarms per point that it allows.
    #[must_use]
    pub const fn alarms_per_point(&self) -> f64 {
        self.alarms_per_point
    }

    /// The limits that the budget implies for one look at a whole history.
    pub(super) const fn strictness(&self) -> Strictness {
        Strictness::new(self.alarms_per_point / LOOKS, SUSPICION_ONCE)
    }

    /// The limits for a history that is looked at again with every point.
    pub(super) const fn live_strictness(&self) -> Strictness {
        Strictness::new(self.alarms_per_point / LOOKS, SUSPICION_LIVE)
    }
}

/// Places of the level changes among findings, to pass as controls of another series with the same indexes.
#[must_use]
pub fn changes(findings: &[Finding]) -> Vec<Span> {
    findings
        .iter()
        .filter(|finding| finding.kind.is_new_level())
        .flat_map(|finding| finding.location.iter().copied())
        .collect()
}

/// The change of a unit's label before the point at `start`.
pub(super) fn relabelled(points: &[Point], start: usize) -> Draft {
    let is_measured = |value: &f64| value.is_finite();
    let start = start.min(points.len());
    let before = points[..start].iter().rev().map(|point| point.value).find(is_measured);
    let after = points[start..].iter().map(|point| point.value).find(is_measured);
    // Where one side has no figure yet, nothing is known of the shift.
    let (before, after) = (before.or(after).unwrap_or(0.0), after.or(before).unwrap_or(0.0));
    Draft {
        kind: Kind::RelabelledUnit,
        certainty: Certainty::Confirmed,
        at: start,
        location: vec![Span { first: start, last: start }],
        size: Size { before, after, shift: after - before, interval: None },
        ln_p: None,
        known: Vec::new(),
    }
}

/// The identity of a draft: the series and the commit, or else the index, where it was first seen.
pub(super) fn identity(series: Key, points: &[Point], draft: &Draft, others: &[Finding]) -> FindingId {
    let place =
        points.get(draft.at).and_then(|point| point.commit).map_or(draft.at as u64, |commit| commit.0);
    let mut bytes = [0u8; 16];
    bytes[..8].copy_from_slice(&series.0.to_le_bytes());
    bytes[8..].copy_from_slice(&place.to_le_bytes());
    let mut id = FindingId(xxhash_rust::xxh3::xxh3_64(&bytes));
    // A second finding at one place, such as wider noise from a step on.
    while others.iter().any(|other| other.id == id) {
        id = FindingId(xxhash_rust::xxh3::xxh3_64(&id.0.to_le_bytes()));
    }
    id
}

/// A draft with an identity.
pub(super) fn finding(id: FindingId, draft: Draft) -> Finding {
    let Draft { kind, certainty, at, location, size, ln_p, known: _ } = draft;
    Finding { id, kind, certainty, at, location, size, ln_p }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;
    use proptest::prelude::*;

    fn points(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
        values.into_iter().map(Point::new).collect()
    }

    fn analyse(points: &[Point]) -> Vec<Finding> {
        Detector::with_rate(1e-4).analyse(Key(7), points, &[])
    }

    fn of_kind(findings: &[Finding], kind: Kind) -> Vec<usize> {
        findings.iter().filter(|finding| finding.kind == kind).map(|finding| finding.at).collect()
    }

    fn stepped(seed: u64, count: usize, at: usize, size: f64) -> Vec<Point> {
        let mut noise = Noise::new(seed);
        points((0..count).map(|i| 100.0 + noise.normal() + if i >= at { size } else { 0.0 }))
    }

    #[test]
    fn a_step_is_found_with_its_place_size_and_certainty() {
        let findings = analyse(&stepped(1, 120, 60, 6.0));
        let step = findings.iter().find(|finding| finding.kind == Kind::Step).expect("a step");
        assert_eq!((step.at, step.certainty), (60, Certainty::Confirmed));
        let interval = step.size.interval.expect("an interval");
        assert!(interval.low < 6.0 && 6.0 < interval.high, "{interval:?}");
        assert!(step.location.iter().any(|span| span.first <= 60 && 60 <= span.last));
    }

    #[test]
    fn a_step_of_five_points_is_found_and_one_outlier_at_the_end_waits() {
        assert_eq!(of_kind(&analyse(&stepped(2, 105, 100, 8.0)), Kind::Step), [100]);
        let findings = analyse(&stepped(2, 101, 100, 40.0));
        assert_eq!(of_kind(&findings, Kind::Step), [0_usize; 0]);
        assert_eq!(of_kind(&findings, Kind::TooFewPoints), [100]);
    }

    #[test]
    fn three_points_far_out_are_a_blip() {
        let mut points = stepped(3, 100, 100, 0.0);
        points[50..53].iter_mut().for_each(|point| point.value += 60.0);
        let findings = analyse(&points);
        assert_eq!(of_kind(&findings, Kind::Blip), [50]);
        assert_eq!(of_kind(&findings, Kind::Step), [0_usize; 0]);
    }

    #[test]
    fn a_slow_ramp_is_a_drift_and_no_step() {
        let mut noise = Noise::new(4);
        let ramp = |i: u32| 20.0 * (f64::from(i.clamp(100, 400)) - 100.0) / 300.0;
        let findings = analyse(&points((0..500).map(|i| 100.0 + noise.normal() + ramp(i))));
        assert_eq!(of_kind(&findings, Kind::Step), [0_usize; 0]);
        assert_eq!(of_kind(&findings, Kind::Drift).len(), 1);
    }

    #[test]
    fn a_staircase_is_steps_and_no_drift() {
        let mut noise = Noise::new(5);
        let findings = analyse(&points((0..200).map(|i| 100.0 + noise.normal() + f64::from(i / 50) * 8.0)));
        assert_eq!(of_kind(&findings, Kind::Step), [50, 100, 150]);
        assert_eq!(of_kind(&findings, Kind::Drift), [0_usize; 0]);
    }

    #[test]
    fn noise_that_widens_is_no_step() {
        let mut noise = Noise::new(6);
        let findings =
            analyse(&points((0..300).map(|i| 100.0 + noise.normal() * if i >= 150 { 4.0 } else { 1.0 })));
        assert_eq!(of_kind(&findings, Kind::Step), [0_usize; 0]);
        let wider = of_kind(&findings, Kind::WiderNoise);
        assert!(wider.len() == 1 && wider[0].abs_diff(150) < 20, "{wider:?}");
    }

    #[test]
    fn two_modes_are_no_step() {
        let mut noise = Noise::new(7);
        let findings = analyse(&points(
            (0..300).map(|_| noise.normal() + if noise.uniform() < 0.3 { 20.0 } else { 0.0 }),
        ));
        assert_eq!(of_kind(&findings, Kind::Step), [0_usize; 0]);
        assert_eq!(of_kind(&findings, Kind::TwoModes), [0]);
    }

    #[test]
    fn a_step_that_a_control_shares_comes_from_the_environment() {
        let series = stepped(8, 120, 60, 6.0);
        let control = analyse(&stepped(9, 120, 60, 9.0));
        let findings = Detector::with_rate(1e-4).analyse(Key(7), &series, &changes(&control));
        assert_eq!(of_kind(&findings, Kind::Environment), [60]);
        assert_eq!(of_kind(&findings, Kind::Step), [0_usize; 0]);
    }

    #[test]
    fn a_factor_between_units_is_a_label_and_a_real_doubling_is_not() {
        let scaled = |factor: f64| {
            let mut noise = Noise::new(10);
            points((0..80).map(|i| (100.0 + 0.1 * noise.normal()) * if i >= 40 { factor } else { 1.0 }))
        };
        assert_eq!(of_kind(&analyse(&scaled(1000.0)), Kind::RelabelledUnit), [40]);
        assert_eq!(of_kind(&analyse(&scaled(0.001)), Kind::RelabelledUnit), [40]);
        assert_eq!(of_kind(&analyse(&scaled(2.0)), Kind::Step), [40]);
    }

    #[test]
    fn levels_of_two_units_are_not_compared() {
        let mut points = stepped(11, 100, 50, 30.0);
        let (ns, us) = (Key::of("ns"), Key::of("us"));
        points
            .iter_mut()
            .enumerate()
            .for_each(|(i, point)| *point = point.in_unit(if i < 50 { ns } else { us }));
        let findings = analyse(&points);
        assert_eq!(of_kind(&findings, Kind::RelabelledUnit), [50]);
        assert_eq!(of_kind(&findings, Kind::Step), [0_usize; 0]);
    }

    #[test]
    fn odd_histories_give_no_alarm() {
        let alternating = (0..50).map(|i| if i % 2 == 0 { f64::NAN } else { -3.0 });
        let odd = [
            points([]),
            points([1.0]),
            points([5.0; 200]),
            points([0.0; 60]),
            points([f64::NAN; 60]),
            points(alternating),
            points([f64::MAX, f64::MIN].repeat(40)),
            points([f64::INFINITY; 30]),
        ];
        for points in odd {
            let findings = analyse(&points);
            assert!(!findings.iter().any(|finding| finding.kind.is_new_level()), "{findings:?}");
        }
    }

    #[test]
    fn a_constant_history_that_changes_its_constant_is_a_step() {
        let values = (0..60).map(|i| if i < 30 { 41_000.0 } else { 41_007.0 });
        assert_eq!(of_kind(&analyse(&points(values)), Kind::Step), [30]);
    }

    #[test]
    fn independent_noise_stays_within_the_budget() {
        let rate = 3e-4;
        let (mut alarms, mut looked_at) = (0, 0);
        let mut noise = Noise::new(12);
        for round in 0..240 {
            let count = [60, 120, 300][round % 3];
            // Ties, two modes and heavy tails by turns: the test does not depend on the law of the noise.
            let values = (0..count).map(|_| match round % 4 {
                0 => noise.normal(),
                1 => (2.0 * noise.normal()).round(),
                2 => noise.normal() + if noise.uniform() < 0.3 { 30.0 } else { 0.0 },
                _ => 1.0 / (noise.uniform() + 1e-3),
            });
            let findings =
                Detector::with_rate(rate).analyse(Key(7), &points(values.collect::<Vec<f64>>()), &[]);
            alarms += findings.iter().filter(|finding| finding.kind.is_new_level()).count();
            looked_at += count;
        }
        // Budgeted mean 11.5, of a count that comes in pairs.
        assert!(
            f64::from(u32::try_from(alarms).expect("few")) < 20.0,
            "{alarms} alarms in {looked_at} points"
        );
    }

    proptest! {
        #[test]
        fn no_boundary_falls_between_runs_of_one_commit(
            values in prop::collection::vec(prop_oneof![Just(0.0), Just(9.0), -2.0..2.0f64], 8..120),
            run in 2usize..7,
        ) {
            let commit = |index: usize| Key((index / run) as u64);
            let points: Vec<Point> =
                values.iter().enumerate().map(|(i, v)| Point::new(*v).at_commit(commit(i))).collect();
            for finding in analyse(&points).iter().filter(|finding| finding.kind.is_new_level()) {
                prop_assert_eq!(finding.at % run, 0);
                prop_assert!(finding.location.iter().all(|span| span.first % run == 0));
            }
        }

        #[test]
        fn any_values_are_survived(values in prop::collection::vec(any::<f64>(), 0..200)) {
            let findings = analyse(&points(values));
            let mut ids: Vec<FindingId> = findings.iter().map(|finding| finding.id).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), findings.len());
        }
    }
}
