//! Which boots a rolling baseline consists of.

use perf_kernel::wire::Mode;

use super::{BootFigures, atypical};
use crate::analysis::Fingerprint;

/// Boots that a boot is judged by, at least.
const POPULATION_MIN: u32 = 20;

/// The boots of a rolling baseline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Run and number of each, the newest first.
    pub chosen: Vec<(String, u32)>,
    /// Boots that are newer than the oldest chosen one and were left out, the newest first.
    pub left_out: Vec<LeftOut>,
}

/// A boot that is no part of a rolling baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its run.
    pub run: String,
    /// Its place in the run.
    pub number: u32,
    /// Why, to be read after "it".
    pub why: String,
}

/// How many of the newest boots to look at for a window of `boots`: some are left out, and each is judged by the rest.
#[must_use]
pub fn population_boots(boots: u32) -> u32 {
    boots.saturating_mul(2).max(POPULATION_MIN)
}

/// The newest `boots` of `population` that are healthy and like the rest of it; fewer if there are fewer.
///
/// `population` begins with the newest and is all of `machine`. In exact mode a boot is healthy or not, and equal to others of its image.
#[must_use]
pub fn window(population: &[BootFigures], boots: u32, machine: &Fingerprint) -> Window {
    let is_exact = machine.0.get("mode").is_some_and(|mode| mode == Mode::Icount.name());
    let healthy: Vec<&BootFigures> = population.iter().filter(|boot| boot.complaints.is_empty()).collect();
    let others = |boot: &BootFigures| -> Vec<&BootFigures> {
        let is_other = |other: &&BootFigures| (&other.run, other.number) != (&boot.run, boot.number);
        healthy.iter().copied().filter(is_other).collect()
    };
    let mut found = Window::default();
    let mut left_out = Vec::new();
    for boot in population {
        if found.chosen.len() >= usize::try_from(boots).unwrap_or(usize::MAX) {
            break;
        }
        let complaint = boot.complaints.first().map(ToString::to_string);
        let is_judged = complaint.is_none() && !is_exact;
        let unlike = is_judged.then(|| atypical(&boot.medians, &others(boot))).flatten();
        match complaint.or_else(|| unlike.map(|unlike| format!("is atypical: {unlike}"))) {
            Some(why) => left_out.push(LeftOut { run: boot.run.clone(), number: boot.number, why }),
            None => {
                found.left_out.append(&mut left_out);
                found.chosen.push((boot.run.clone(), boot.number));
            }
        }
    }
    if found.chosen.is_empty() {
        found.left_out = left_out;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Complaint;
    use crate::collect::BootEnd;

    fn boot(number: u32, value: f64) -> BootFigures {
        let wobble = f64::from(number % 5) * 0.1;
        let medians = ["env/pause", "env/l1-load", "memory/alloc-small/64"];
        BootFigures {
            run: format!("{:08x}", number / 2),
            number,
            complaints: Vec::new(),
            medians: medians.into_iter().map(|id| (id.to_owned(), value + wobble)).collect(),
        }
    }

    fn machine(mode: Mode) -> Fingerprint {
        Fingerprint::of(None, Some(mode), None, None)
    }

    fn numbers(window: &Window) -> Vec<u32> {
        window.chosen.iter().map(|(_, number)| *number).collect()
    }

    #[test]
    fn a_window_holds_the_newest_boots() {
        let boots: Vec<_> = (0..20).rev().map(|number| boot(number, 100.0)).collect();
        let found = window(&boots, 3, &machine(Mode::Kvm));
        assert_eq!((numbers(&found), found.left_out.len()), (vec![19, 18, 17], 0));
    }

    #[test]
    fn atypical_and_unhealthy_boots_are_left_out_with_the_reason() {
        let mut boots: Vec<_> = (0..20).rev().map(|number| boot(number, 100.0)).collect();
        boots[0] = boot(19, 140.0);
        boots[2].complaints = vec![Complaint::Ended(BootEnd::Hung)];
        boots[9].complaints = vec![Complaint::Clock];
        let found = window(&boots, 3, &machine(Mode::Kvm));
        assert_eq!(numbers(&found), [18, 16, 15]);
        let left_out: Vec<_> = found.left_out.iter().map(|boot| (boot.number, boot.why.as_str())).collect();
        assert_eq!(left_out.len(), 2, "{left_out:?}");
        assert!(left_out[0].0 == 19 && left_out[0].1.starts_with("is atypical: 3 of 3 benches"));
        assert_eq!(left_out[1], (17, "hung"));
    }

    #[test]
    fn exact_boots_of_another_image_are_not_atypical() {
        let mut boots: Vec<_> = (0..20).rev().map(|number| boot(number, 100.0)).collect();
        boots[0] = boot(19, 140.0);
        assert_eq!(numbers(&window(&boots, 1, &machine(Mode::Icount))), [19]);
    }

    #[test]
    fn a_window_that_follows_a_change_moves_once_most_boots_have_it() {
        let changed = |newest: usize| -> Vec<_> {
            let value = |place: usize| if place < newest { 80.0 } else { 100.0 };
            (0_u32..20).map(|place| boot(100 - place, value(usize::try_from(place).expect("few")))).collect()
        };
        assert_eq!(numbers(&window(&changed(3), 2, &machine(Mode::Kvm))), [97, 96]);
        assert_eq!(numbers(&window(&changed(12), 2, &machine(Mode::Kvm))), [100, 99]);
    }

    #[test]
    fn without_healthy_boots_the_window_is_empty_and_says_why() {
        let mut only = boot(1, 100.0);
        only.complaints = vec![Complaint::Ended(BootEnd::Crashed)];
        let found = window(&[only], 5, &Fingerprint::default());
        assert_eq!((found.chosen.len(), found.left_out.len()), (0, 1));
    }
}
