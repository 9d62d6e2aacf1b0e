//! The noise of a history.

use crate::analysis::median;
use crate::history::{Certainty, Detector, Key, Kind, Point};

/// Points that a history must have to be audited.
pub const POINTS_MIN: usize = 30;

/// Newest points that noise is taken from.
const POINTS_MAX: usize = 400;

/// A history without its levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    /// Its points, as they are.
    pub points: Vec<Point>,
    /// Median of the newest level.
    pub level: f64,
    /// Relative distance of each of the newest points from the median of its level, in order.
    pub noise: Vec<f64>,
    /// Robust standard deviation of the noise; 0 if most of it is.
    pub scale: f64,
}

impl Material {
    /// The noise of a history; `None` if it has fewer than [`POINTS_MIN`] finite points of its newest unit, or levels that are not
    /// positive, of which no relative noise can be had.
    #[must_use]
    pub fn of(points: &[Point]) -> Option<Self> {
        let unit = points.iter().rev().find_map(|point| point.unit);
        let start = points
            .iter()
            .rposition(|point| point.unit.is_some() && point.unit != unit)
            .map_or(0, |at| at + 1);
        let newest: Vec<Point> =
            points[start..].iter().filter(|point| point.value.is_finite()).copied().collect();
        let newest = &newest[newest.len().saturating_sub(POINTS_MAX)..];
        if newest.len() < POINTS_MIN {
            return None;
        }
        let findings = Detector::default().analyse(Key(0), newest, &[]);
        let mut starts: Vec<usize> = findings
            .iter()
            .filter(|finding| finding.certainty != Certainty::Suspected)
            .filter(|finding| finding.kind.is_new_level() || finding.kind == Kind::Drift)
            .flat_map(|finding| {
                let last = finding.location.iter().map(|span| span.last).max();
                // The far end of a drift begins a level of its own.
                [Some(finding.at), last.filter(|_| finding.kind == Kind::Drift)]
            })
            .flatten()
            .collect();
        starts.extend([0, newest.len()]);
        starts.sort_unstable();
        starts.dedup();
        let mut noise = Vec::with_capacity(newest.len());
        let mut level = 0.0;
        for ends in starts.windows(2) {
            let values = newest[ends[0]..ends[1]].iter().map(|point| point.value);
            level = median(values.clone()).filter(|level| *level > 0.0)?;
            noise.extend(values.map(|value| value / level - 1.0));
        }
        let scale = 1.4826 * median(noise.iter().map(|value| value.abs()))?;
        Some(Self { points: points.to_vec(), level, noise, scale })
    }

    /// Points of the newest level with this noise.
    pub(super) fn points_with(&self, noise: &[f64]) -> Vec<Point> {
        noise.iter().map(|part| Point::new(self.level * (1.0 + part))).collect()
    }

    /// Whether the noise has a spread that steps can be measured in.
    pub(super) fn is_noisy(&self) -> bool {
        self.scale > 0.0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::random::Random;
    use super::*;

    /// A history of `count` points about 1,000 with a spread of 1 % and a step of a tenth in the middle.
    pub(in super::super) fn stepped(count: usize, seed: u64) -> Vec<Point> {
        let mut random = Random::new(seed);
        let mut noise = || (0..6).map(|_| random.uniform() - 0.5).sum::<f64>() * 0.014;
        (0..count)
            .map(|i| Point::new(1_000.0 * (1.0 + noise()) * if i < count / 2 { 1.0 } else { 1.1 }))
            .collect()
    }

    #[test]
    fn noise_has_no_levels() {
        let material = Material::of(&stepped(200, 4)).expect("enough");
        assert!((0.006..0.014).contains(&material.scale), "{}", material.scale);
        let half = |part: &[f64]| median(part.iter().copied()).expect("points");
        assert!((half(&material.noise[..100]) - half(&material.noise[100..])).abs() < 0.002);
        assert!((material.level - 1_100.0).abs() < 5.0, "{}", material.level);
    }

    #[test]
    fn short_missing_and_unsigned_histories_are_refused() {
        assert_eq!(Material::of(&stepped(POINTS_MIN - 1, 1)), None);
        assert_eq!(Material::of(&[Point::new(f64::NAN); 99]), None);
        assert_eq!(Material::of(&[Point::new(0.0); 99]), None);
        assert_eq!(Material::of(&[Point::new(-4.0); 99]), None);
        assert_eq!(Material::of(&[]), None);
        assert!(!Material::of(&[Point::new(7.0); 99]).expect("constant").is_noisy());
    }

    #[test]
    fn only_the_newest_unit_counts() {
        let (ns, us) = (Key::of("ns"), Key::of("us"));
        let points: Vec<Point> = (0..100)
            .map(|i| if i < 60 { Point::new(5.0).in_unit(ns) } else { Point::new(9.0).in_unit(us) })
            .collect();
        assert_eq!(Material::of(&points).expect("40 points").noise.len(), 40);
    }
}
