//! False alarms in noise that holds no change.

use std::collections::BTreeSet;

use super::material::Material;
use super::random::Random;
use super::results::{AlarmRate, Shuffling};
use crate::history::{Certainty, Detector, FindingId, History, Interval, Key, Point};

/// Neighbours that stay together in a shuffle by blocks.
const BLOCK: usize = 12;

/// Counts above this have intervals by the normal law.
const EXACT_MAX: usize = 400;

/// Lets `replicates` shuffled histories grow and counts what is found in them. There must be a history.
pub(super) fn alarms(
    materials: &[&Material],
    detector: Detector,
    shuffling: Shuffling,
    replicates: usize,
    random: &mut Random,
) -> AlarmRate {
    let (mut points, mut alarms, mut suspicions) = (0, 0, 0);
    for replicate in 0..replicates {
        let material = materials[replicate % materials.len()];
        let noise = match shuffling {
            Shuffling::Points => {
                let mut noise = material.noise.clone();
                random.shuffle(&mut noise);
                noise
            }
            Shuffling::Blocks => random.shuffle_blocks(&material.noise, BLOCK),
        };
        let (found, suspected) = found_in(detector, &material.points_with(&noise));
        points += noise.len();
        alarms += found;
        suspicions += suspected;
    }
    let per = |count: f64| 1_000.0 * count / points.max(1) as f64;
    let (low, high) = poisson_interval(alarms);
    AlarmRate {
        shuffling,
        points,
        alarms,
        suspicions,
        per_thousand: per(alarms as f64),
        interval: Interval { low: per(low), high: per(high) },
        budget: 1_000.0 * detector.alarms_per_point(),
    }
}

/// New levels that a growing history finds, and those that it suspects at least.
fn found_in(detector: Detector, points: &[Point]) -> (usize, usize) {
    let mut history = History::new(detector, Key(0));
    let (mut found, mut suspected) = (BTreeSet::<FindingId>::new(), BTreeSet::new());
    for point in points {
        if history.append(*point, &[]).is_empty() {
            continue;
        }
        for finding in history.findings().iter().filter(|finding| finding.kind.is_new_level()) {
            suspected.insert(finding.id);
            if finding.certainty != Certainty::Suspected {
                found.insert(finding.id);
            }
        }
    }
    (found.len(), suspected.len())
}

/// The means of a Poisson law under which a count this small, or this large, has a probability of 2.5 % (Garwood 1936).
fn poisson_interval(count: usize) -> (f64, f64) {
    let mean = count as f64;
    if count > EXACT_MAX {
        return (mean - 1.96 * mean.sqrt(), mean + 1.96 * mean.sqrt());
    }
    let high = bisect(mean, 2.0 * mean + 12.0, |candidate| poisson_up_to(count, candidate) > 0.025);
    let low = match count.checked_sub(1) {
        None => 0.0,
        Some(before) => bisect(0.0, mean, |candidate| 1.0 - poisson_up_to(before, candidate) < 0.025),
    };
    (low, high)
}

/// Where `is_below` turns from true to false.
fn bisect(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if is_below(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Probability of at most `count` under a Poisson law with this mean.
fn poisson_up_to(count: usize, mean: f64) -> f64 {
    let mut term = -mean;
    let mut sum = term.exp();
    for k in 1..=count {
        term += (mean / k as f64).ln();
        sum += term.exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::material::tests::stepped;
    use super::*;

    #[test]
    fn poisson_intervals_are_those_of_the_tables() {
        for (count, low, high) in
            [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.63)]
        {
            let found = poisson_interval(count);
            assert!(
                (found.0 - low).abs() < 0.01 * low.max(1.0) && (found.1 - high).abs() < 0.01 * high,
                "{found:?}"
            );
        }
    }

    #[test]
    fn noise_without_changes_gives_few_alarms_and_the_same_seed_the_same_ones() {
        let material = Material::of(&stepped(120, 5)).expect("enough");
        let rate = |seed| {
            let detector = Detector::with_rate(1e-4);
            alarms(&[&material], detector, Shuffling::Points, 30, &mut Random::new(seed))
        };
        assert_eq!(rate(7), rate(7));
        assert_eq!(rate(7).points, 3_600);
        assert!(rate(7).alarms <= 4 && rate(7).interval.low <= rate(7).budget, "{:?}", rate(7));
    }
}
