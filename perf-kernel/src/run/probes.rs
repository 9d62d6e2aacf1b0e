//! Two benches of `env`, measured briefly before the first bench and after the last, whatever the plan selects.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::note::Note;
use crate::measure::{Conditions, Expected, probe};
use crate::suites::probes::{Chain, REFERENCE_RESULT, reference_loop};
use crate::units::PartsPerMillion;
use crate::wire::Probe;

/// A drift above this, 5 %, is worth a warning.
pub(super) const DRIFT_MAX: PartsPerMillion = PartsPerMillion(50_000);

const NAMES: [&str; 2] = ["env/reference-loop", "env/l1-load"];

/// What the probes cost at one end of a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Probing(Vec<(&'static str, u64)>);

impl Probing {
    /// Measures now.
    pub(super) fn now(conditions: &Conditions<'_>) -> Self {
        let mut chain = Chain::new();
        let loop_milliticks = probe(conditions, Expected::Each(REFERENCE_RESULT), reference_loop);
        let load_milliticks = probe(conditions, Expected::Each(Chain::RESULT), || chain.walk());
        let found = NAMES.into_iter().zip([loop_milliticks, load_milliticks]);
        Self(found.filter_map(|(id, milliticks)| Some((id, milliticks?))).collect())
    }

    /// What the probes cost at the start of a boot, as its note says.
    pub(super) fn of_note(note: &Note) -> Self {
        let cost = |name| note.probes().iter().find(|(id, _)| id == name).map(|(_, cost)| (name, *cost));
        Self(NAMES.into_iter().filter_map(cost).collect())
    }

    /// What each probe costs.
    pub(super) fn costs(&self) -> &[(&'static str, u64)] {
        &self.0
    }

    /// How far each probe is at the `end` from where it was.
    pub(super) fn drift(&self, end: &Self) -> Vec<Probe> {
        let probe = |(id, start): &(&'static str, u64)| {
            let (_, end) = end.0.iter().find(|(other, _)| other == id)?;
            let drift = PartsPerMillion::of(end.abs_diff(*start), *start)?;
            Some(Probe { id: id.to_string(), start_milliticks: *start, end_milliticks: *end, drift })
        };
        self.0.iter().filter_map(probe).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drift_is_the_distance_from_the_start() {
        let start = Probing(Vec::from([("env/reference-loop", 1_000), ("env/l1-load", 0)]));
        let end = Probing(Vec::from([("env/reference-loop", 950), ("env/l1-load", 5)]));
        let probes = start.drift(&end);
        assert_eq!(probes.len(), 1, "a share of nothing is absent");
        assert_eq!(probes[0].drift, PartsPerMillion(50_000));
    }
}
