//! Whether a run may be pinned.

use std::collections::BTreeMap;

use perf_kernel::wire::{Mode, Status};

use super::{BootFigures, atypical, complaints};
use crate::analysis::{Figures, median};
use crate::store::Run;

/// Why `run` should not be pinned, each a clause that reads after "it"; nothing if it may be. `others` are boots of
/// other runs of its machine.
///
/// In exact mode figures follow from the image alone, so that a run is healthy or not, and never atypical.
#[must_use]
pub fn refusals(run: &Run, others: &[BootFigures]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for stored in &run.boots {
        let boot = &stored.boot;
        let complaints = complaints(boot.end, boot.clock.as_ref(), &boot.damage, boot.ledger.as_ref());
        found.extend(
            complaints.iter().map(|complaint| format!("has a boot {} that {complaint}", stored.number)),
        );
    }
    if run.mode() != Some(Mode::Icount) {
        let healthy: Vec<&BootFigures> = others.iter().filter(|boot| boot.complaints.is_empty()).collect();
        let unlike = atypical(&medians(run), &healthy);
        found.extend(unlike.map(|unlike| format!("is atypical: {unlike}")));
    }
    found
}

/// The median over boots of each bench's boot medians, of valid measurements only.
fn medians(run: &Run) -> BTreeMap<String, f64> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for boot in run.boots.iter().map(|stored| &stored.boot) {
        for record in boot.benches.iter().filter(|record| record.status == Status::Measured) {
            let figures = boot.clock.as_ref().and_then(|clock| Figures::of(record, clock));
            found.entry(record.id.clone()).or_default().extend(figures.map(|figures| figures.p50));
        }
    }
    found.into_iter().filter_map(|(id, values)| Some((id, median(values)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Complaint;
    use crate::collect::BootEnd;
    use crate::samples;
    use crate::store::samples::{boot, run};

    fn a_run(mode: Mode, ticks: &[u64]) -> Run {
        let benches = |ticks: &u64| vec![samples::bench("env/pause", *ticks, 1)];
        run("3f2a91bc", ticks.iter().map(|ticks| boot(mode, benches(ticks))).collect())
    }

    /// Boots of eight other runs, in which `env/pause` takes 100 ns.
    fn others() -> Vec<BootFigures> {
        let of = |place: u32| BootFigures {
            run: format!("aa00000{place}"),
            number: 1,
            complaints: Vec::new(),
            medians: BTreeMap::from([("env/pause".to_owned(), 100.0 + f64::from(place % 3) * 0.1)]),
        };
        (0..8).map(of).collect()
    }

    #[test]
    fn a_healthy_run_like_the_others_may_be_pinned() {
        assert_eq!(refusals(&a_run(Mode::Hosted, &[200, 200]), &others()), Vec::<String>::new());
        assert_eq!(refusals(&a_run(Mode::Hosted, &[900]), &[]), Vec::<String>::new(), "nothing to judge by");
    }

    #[test]
    fn one_odd_boot_of_many_does_not_make_a_run_atypical() {
        assert_eq!(refusals(&a_run(Mode::Hosted, &[200, 900, 200]), &others()), Vec::<String>::new());
    }

    #[test]
    fn an_atypical_or_unhealthy_run_is_refused_with_each_reason() {
        let mut run = a_run(Mode::Hosted, &[300, 300]);
        run.boots[1].boot.end = BootEnd::Hung;
        let found = refusals(&run, &others());
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "has a boot 2 that hung");
        assert!(found[1].contains("env/pause +50.0 %") || found[1].contains("env/pause +49."), "{found:?}");
    }

    #[test]
    fn unhealthy_boots_of_others_are_nothing_to_judge_by() {
        let mut others = others();
        others.iter_mut().skip(4).for_each(|boot| boot.complaints = vec![Complaint::Clock]);
        assert_eq!(refusals(&a_run(Mode::Hosted, &[300]), &others), Vec::<String>::new());
    }

    #[test]
    fn an_exact_run_is_never_atypical() {
        assert_eq!(refusals(&a_run(Mode::Icount, &[900]), &others()), Vec::<String>::new());
    }
}
