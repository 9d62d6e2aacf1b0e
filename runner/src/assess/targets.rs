//! The targets of the catalogue, held against what a run measured.

use perf_kernel::suites::Limit;
use perf_kernel::wire::{Mode, Status};

use super::TargetVerdict;
use crate::analysis::{Judgement, MergedBench, catalogue, judge, merge};
use crate::store::Run;

/// Every target of the catalogue for every bench that `run` has a record of, in the order of the run and of the
/// catalogue. Figures are those over all boots. A target is not judged, with its reason, where the bench was not measured
/// in all boots that tell of it, or where time says nothing about speed.
#[must_use]
pub fn targets(run: &Run) -> Vec<TargetVerdict> {
    let catalogue = catalogue();
    let mode = run.mode();
    let mut verdicts = Vec::new();
    for bench in merge(run.boots.iter().map(|stored| &stored.boot)) {
        let Some(selected) = catalogue.get(bench.id) else { continue };
        verdicts.extend(selected.limits().map(|limit| verdict(&bench, limit, mode)));
    }
    verdicts
}

fn verdict(bench: &MergedBench<'_>, limit: &Limit, mode: Option<Mode>) -> TargetVerdict {
    let (is_met, reason) = match judged(bench, limit, mode) {
        Judgement::Met => (Some(true), None),
        Judgement::Missed => (Some(false), None),
        Judgement::NotJudged(reason) => (None, Some(reason)),
    };
    TargetVerdict { bench: bench.id.to_owned(), target: limit.to_string(), is_met, reason }
}

fn judged(bench: &MergedBench<'_>, limit: &Limit, mode: Option<Mode>) -> Judgement {
    let word = match bench.status {
        Status::Measured => None,
        Status::Skipped => Some("skipped"),
        Status::Failed => Some("failed"),
        Status::Invalid => Some("invalid"),
    };
    let Some(record) = bench.worst() else { return Judgement::NotJudged("no record".to_owned()) };
    if let Some(word) = word {
        let why = record.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        return Judgement::NotJudged(format!("{word}{why}"));
    }
    match bench.figures.as_ref().zip(mode) {
        Some((figures, mode)) => judge(limit, record, figures, mode),
        None => Judgement::NotJudged("no figures".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use perf_kernel::units::Bytes;
    use perf_kernel::wire::BenchRecord;

    use super::*;
    use crate::samples::{bench, skipped};
    use crate::store::samples::{boot, run};

    fn of(mode: Mode, boots: Vec<Vec<BenchRecord>>) -> Vec<TargetVerdict> {
        targets(&run("3f2a91bc", boots.into_iter().map(|benches| boot(mode, benches)).collect()))
    }

    #[test]
    fn boots_are_judged_together() {
        // P99 is one and a half times the median: 0.9, 0.9 and 3 us against a target of 1 us.
        let boots = [1_200, 1_200, 4_000].map(|ticks| vec![bench("memory/alloc-small/64", ticks, 1)]);
        let found = of(Mode::Hosted, boots.into());
        let expected = TargetVerdict {
            bench: "memory/alloc-small/64".into(),
            target: "p99 <= 1 us".into(),
            is_met: Some(true),
            reason: None,
        };
        assert_eq!(found, [expected]);
        let slow = of(Mode::Hosted, vec![vec![bench("memory/alloc-small/64", 4_000, 1)]]);
        assert_eq!(slow[0].is_met, Some(false));
    }

    #[test]
    fn what_cannot_be_judged_says_why() {
        let benches = || {
            vec![bench("memory/alloc-small/64", 4_000, 1), skipped("memory/fragmentation", "not built yet")]
        };
        let reasons = |mode| {
            let found = of(mode, vec![benches()]);
            found.into_iter().map(|verdict| verdict.reason.unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(reasons(Mode::Hosted), ["", "skipped: not built yet"]);
        assert_eq!(reasons(Mode::Icount), ["icount", "skipped: not built yet"]);
    }

    #[test]
    fn benches_without_targets_or_outside_the_catalogue_have_no_verdict() {
        assert_eq!(
            of(Mode::Kvm, vec![vec![bench("memory/realloc/64", 100, 1), bench("gone/away", 100, 1)]]),
            []
        );
    }

    #[test]
    fn a_target_for_each_kib_takes_the_bench_s_data() {
        let mut seal = bench("security/seal-aes256gcm/16ki", 20_000_000, 1);
        seal.bytes = Some(Bytes(16 << 10));
        assert_eq!(of(Mode::Hardware, vec![vec![seal]])[0].is_met, Some(true));
    }
}
