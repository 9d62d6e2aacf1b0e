//! An audit from histories to figures.

use super::alarms::alarms;
use super::material::Material;
use super::random::Random;
use super::recall::{SIZES, recall};
use super::replay::replay;
use super::results::{Audit, Outlived, Shuffling};
use crate::history::{Detector, Point};

/// Shuffled histories for each one with a step: alarms are rarer than steps.
const SHUFFLED: usize = 10;

/// What an audit is to do.
#[derive(Clone, Copy, Debug)]
pub struct Study {
    /// The detector.
    pub detector: Detector,
    /// Steps of each size that are put in; ten times as many histories are shuffled.
    pub replicates: usize,
    /// Where random numbers start.
    pub seed: u64,
}

/// Audits a detector on histories; the same seed and histories give the same figures.
#[must_use]
pub fn study(histories: &[Vec<Point>], study: Study) -> Audit {
    let materials: Vec<Material> = histories.iter().filter_map(|points| Material::of(points)).collect();
    let noisy: Vec<&Material> = materials.iter().filter(|material| material.is_noisy()).collect();
    let mut random = Random::new(study.seed);
    let mut found = Audit {
        histories: materials.len(),
        noisy: noisy.len(),
        left_out: histories.len() - materials.len(),
        alarms: Vec::new(),
        recall: Vec::new(),
        replay: Outlived::default(),
    };
    if !noisy.is_empty() {
        for shuffling in [Shuffling::Points, Shuffling::Blocks] {
            let replicates = SHUFFLED * study.replicates;
            found.alarms.push(alarms(&noisy, study.detector, shuffling, replicates, &mut random));
        }
        for is_late in [false, true] {
            for size in SIZES {
                found.recall.push(recall(
                    &noisy,
                    study.detector,
                    (size, is_late),
                    study.replicates,
                    &mut random,
                ));
            }
        }
    }
    for material in &materials {
        replay(&material.points, study.detector, &mut found.replay);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::material::tests::stepped;
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_audit_and_short_histories_are_counted() {
        let histories = [stepped(60, 1), stepped(40, 2), stepped(5, 3), vec![Point::new(9.0); 50]];
        let of = |seed| study(&histories, Study { detector: Detector::with_rate(1e-4), replicates: 3, seed });
        let audit = of(5);
        assert_eq!(audit, of(5));
        assert_eq!((audit.histories, audit.noisy, audit.left_out), (3, 2, 1));
        assert_eq!((audit.alarms.len(), audit.recall.len(), audit.replay.histories), (2, 16, 3));
    }

    #[test]
    fn without_noise_nothing_is_said_of_alarms_and_recall() {
        let audit = study(
            &[vec![Point::new(9.0); 50]],
            Study { detector: Detector::default(), replicates: 3, seed: 1 },
        );
        assert!(audit.alarms.is_empty() && audit.recall.is_empty());
        assert_eq!(study(&[], Study { detector: Detector::default(), replicates: 3, seed: 1 }).histories, 0);
    }
}
