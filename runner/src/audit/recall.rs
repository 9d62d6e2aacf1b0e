//! Steps put into noise, and how many are found.

use super::material::Material;
use super::random::Random;
use super::results::{Recall, StepSize};
use crate::analysis::median;
use crate::history::{Detector, Finding, Interval, Key, Point};

/// Sizes that are tried.
pub(super) const SIZES: [StepSize; 8] = [
    StepSize::Noise(0.5),
    StepSize::Noise(1.0),
    StepSize::Noise(2.0),
    StepSize::Noise(3.0),
    StepSize::Part(0.01),
    StepSize::Part(0.02),
    StepSize::Part(0.05),
    StepSize::Part(0.1),
];

/// Neighbours that stay together in the noise.
const BLOCK: usize = 12;

/// Points from the true place within which a step counts as found.
const MARGIN: usize = 5;

/// Fewest points before a step and after one that is not late.
const EDGE: usize = 10;

/// Longest delay that is measured.
const DELAY_MAX: usize = 20;

/// Puts `replicates` steps of a size into histories and looks for them. There must be a history.
pub(super) fn recall(
    materials: &[&Material],
    detector: Detector,
    (size, is_late): (StepSize, bool),
    replicates: usize,
    random: &mut Random,
) -> Recall {
    let (mut found, mut delays, mut errors) = (0, Vec::new(), Vec::new());
    for replicate in 0..replicates {
        let material = materials[replicate % materials.len()];
        let noise = random.shuffle_blocks(&material.noise, BLOCK);
        let count = noise.len();
        let at = if is_late { count - 3 - random.below(6) } else { EDGE + random.below(count - 2 * EDGE) };
        let part = match size {
            StepSize::Noise(units) => units * material.scale,
            StepSize::Part(part) => part,
        };
        let ratio = if random.uniform() < 0.5 { 1.0 + part } else { 1.0 / (1.0 + part) };
        let mut points = material.points_with(&noise);
        points[at..].iter_mut().for_each(|point| point.value *= ratio);
        let Some(finding) = step_near(detector, &points, at) else { continue };
        found += 1;
        let truth = (ratio - 1.0) * material.level;
        errors.push(((finding.size.shift - truth) / truth).abs());
        delays.extend(delay(detector, &points, at));
    }
    Recall {
        size,
        is_late,
        injected: replicates,
        found,
        interval: wilson(found, replicates),
        delay_points_median: median(delays),
        size_error_median: median(errors),
    }
}

fn step_near(detector: Detector, points: &[Point], at: usize) -> Option<Finding> {
    let findings = detector.analyse(Key(0), points, &[]);
    findings.into_iter().find(|finding| finding.kind.is_new_level() && finding.at.abs_diff(at) <= MARGIN)
}

/// Points after the first one until the step is seen; `None` if it takes longer than is measured.
fn delay(detector: Detector, points: &[Point], at: usize) -> Option<f64> {
    let ends = (at + 1..=points.len().min(at + DELAY_MAX))
        .find(|end| step_near(detector, &points[..*end], at).is_some());
    ends.map(|end| (end - at - 1) as f64)
}

/// Interval of a probability with 95 % confidence (Wilson 1927).
fn wilson(successes: usize, trials: usize) -> Interval {
    if trials == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (z, n) = (1.96, trials as f64);
    let p = successes as f64 / n;
    let middle = p + z * z / (2.0 * n);
    let width = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    Interval { low: ((middle - width) / scale).max(0.0), high: ((middle + width) / scale).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::super::material::tests::stepped;
    use super::*;

    #[test]
    fn a_probability_has_the_interval_of_the_formula() {
        let half = wilson(50, 100);
        assert!((half.low - 0.4038).abs() < 1e-3 && (half.high - 0.5962).abs() < 1e-3, "{half:?}");
        assert!(wilson(0, 10).low.abs() < 1e-12 && wilson(10, 10).high > 0.999);
    }

    #[test]
    fn large_steps_are_found_soon_and_about_as_large_as_they_are() {
        let material = Material::of(&stepped(150, 6)).expect("enough");
        let large = |is_late| {
            let detector = Detector::with_rate(1e-4);
            recall(&[&material], detector, (StepSize::Part(0.1), is_late), 20, &mut Random::new(3))
        };
        let found = large(false);
        assert!(found.found >= 18, "{found:?}");
        assert!(found.delay_points_median.expect("found") <= 6.0, "{found:?}");
        assert!(found.size_error_median.expect("found") < 0.1, "{found:?}");
        assert!(large(true).found < found.found);
    }
}
