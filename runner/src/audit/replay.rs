//! Stored histories again, point by point.

use std::collections::BTreeSet;

use super::results::Outlived;
use crate::history::{Certainty, Detector, Event, FindingId, History, Key, Kind, Point};

/// Follows a history from its first point and counts what becomes of its new levels.
pub(super) fn replay(points: &[Point], detector: Detector, outlived: &mut Outlived) {
    let mut history = History::new(detector, Key(0));
    let mut found = BTreeSet::<FindingId>::new();
    let (mut withdrawn, mut blips, mut merged) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for point in points {
        for event in history.append(*point, &[]) {
            match event {
                Event::Withdrawn { finding } => drop(withdrawn.insert(finding.id)),
                Event::Retyped { id, to: Kind::Blip, .. } => drop(blips.insert(id)),
                Event::Merged { id, .. } => drop(merged.insert(id)),
                _ => {}
            }
        }
        let levels = history
            .findings()
            .iter()
            .filter(|finding| finding.kind.is_new_level() && finding.certainty != Certainty::Suspected);
        for finding in levels {
            found.insert(finding.id);
            // What came back counts by how it stands now.
            withdrawn.remove(&finding.id);
            blips.remove(&finding.id);
        }
    }
    outlived.histories += 1;
    outlived.points += points.len();
    outlived.found += found.len();
    outlived.withdrawn += found.intersection(&withdrawn).count();
    outlived.blips += found.intersection(&blips).count();
    outlived.merged += found.intersection(&merged).count();
}

#[cfg(test)]
mod tests {
    use super::super::material::tests::stepped;
    use super::*;

    #[test]
    fn a_step_that_lasts_is_found_and_not_withdrawn() {
        let mut outlived = Outlived::default();
        replay(&stepped(120, 4), Detector::with_rate(1e-4), &mut outlived);
        assert_eq!((outlived.histories, outlived.points, outlived.found, outlived.withdrawn), (1, 120, 1, 0));
        assert_eq!(outlived.withdrawn_part(), Some(0.0));
        assert_eq!(Outlived::default().withdrawn_part(), None);
    }
}
