//! Whether the figures of a boot may stand for its machine.

use std::fmt;

use perf_kernel::units::PartsPerMillion;
use perf_kernel::wire::{Clock, Interference, Mode};

use crate::analysis::count;
use crate::collect::{BootEnd, Damage};

/// The drift of a probe from which the kernel warns, 5 %.
const DRIFT_MAX: PartsPerMillion = PartsPerMillion(50_000);

/// Something that is wrong with a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// It did not end well.
    Ended(BootEnd),
    /// It does not tell how its ticks become time, or its clocks disagree.
    Clock,
    /// That many frames, or an unknown number of them, never arrived.
    Missing(Option<usize>),
    /// A probe was another at the end than at the start.
    Drifted {
        /// The bench whose work the probe is.
        probe: String,
        /// How far, as a share of the start.
        drift: PartsPerMillion,
    },
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(BootEnd::Done) => f.write_str("ended well"),
            Self::Ended(BootEnd::FailedBenches) => f.write_str("has benches that failed or are invalid"),
            Self::Ended(BootEnd::Crashed) => f.write_str("crashed"),
            Self::Ended(BootEnd::Hung) => f.write_str("hung"),
            Self::Ended(BootEnd::PowerLost) => f.write_str("lost its power or its line"),
            Self::Ended(BootEnd::Refused) => f.write_str("refused its plan"),
            Self::Ended(BootEnd::Interrupted) => f.write_str("was interrupted"),
            Self::Clock => f.write_str("has no valid clock"),
            Self::Missing(Some(frames)) => write!(f, "lacks {frames} frames that never arrived"),
            Self::Missing(None) => f.write_str("sent more than arrived"),
            Self::Drifted { probe, drift } => {
                write!(f, "changed while it ran: {probe} drifted by {:.1} %", count(drift.0) / 10_000.0)
            }
        }
    }
}

/// What is wrong with a boot that ended in `end`; nothing if it is healthy.
#[must_use]
pub fn complaints(
    end: BootEnd,
    clock: Option<&Clock>,
    damage: &Damage,
    ledger: Option<&Interference>,
) -> Vec<Complaint> {
    let mut found = Vec::new();
    if end != BootEnd::Done {
        found.push(Complaint::Ended(end));
    }
    if clock.is_none_or(|clock| !clock.is_valid) {
        found.push(Complaint::Clock);
    }
    if !damage.frames_missing.is_empty() {
        found.push(Complaint::Missing(Some(damage.frames_missing.len())));
    } else if damage.is_manifest_kept == Some(false) {
        found.push(Complaint::Missing(None));
    }
    // An emulator without instruction counting has no steady speed; the kernel does not warn of it either.
    let is_steady = clock.is_none_or(|clock| clock.mode != Mode::Tcg);
    let probes = ledger.into_iter().flat_map(|ledger| &ledger.probes);
    let drifted = probes.filter(|probe| is_steady && probe.drift > DRIFT_MAX);
    found.extend(drifted.map(|probe| Complaint::Drifted { probe: probe.id.clone(), drift: probe.drift }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::boot;
    use perf_kernel::wire::Probe;

    fn of(boot: &crate::collect::Boot) -> Vec<Complaint> {
        complaints(boot.end, boot.clock.as_ref(), &boot.damage, boot.ledger.as_ref())
    }

    #[test]
    fn a_boot_that_ended_well_has_nothing_to_complain_of() {
        assert_eq!(of(&boot(Mode::Hosted, vec![samples::bench("env/pause", 100, 1)])), []);
    }

    #[test]
    fn every_trouble_of_a_boot_is_named() {
        let mut bad = boot(Mode::Kvm, Vec::new());
        bad.end = BootEnd::FailedBenches;
        bad.clock.as_mut().expect("there").is_valid = false;
        bad.damage.frames_missing = vec![3, 4];
        let probe = Probe {
            id: "env/l1-load".into(),
            start_milliticks: 1_000,
            end_milliticks: 1_060,
            drift: PartsPerMillion(60_000),
        };
        bad.ledger = Some(Interference { probes: vec![probe], ..Interference::default() });
        let words: Vec<String> = of(&bad).iter().map(ToString::to_string).collect();
        assert_eq!(words.len(), 4, "{words:?}");
        assert!(words[2].contains("2 frames") && words[3].contains("env/l1-load"), "{words:?}");
        bad.clock = Some(samples::clock(Mode::Tcg));
        assert!(!of(&bad).iter().any(|complaint| matches!(complaint, Complaint::Drifted { .. })));
    }

    #[test]
    fn a_boot_without_a_clock_is_not_healthy() {
        let mut bad = boot(Mode::Kvm, Vec::new());
        bad.clock = None;
        assert_eq!(of(&bad), [Complaint::Clock]);
    }
}
