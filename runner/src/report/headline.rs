//! What a run says in a sentence or two.

use std::collections::BTreeSet;

use perf_kernel::wire::Status;

use crate::analysis::{BenchVerdict, MergedBench, Verdict};
use crate::assess::Assessment;
use crate::collect::BootEnd;
use crate::tracking::{FindingState, TrackedFinding};

/// The verdicts of `assessment`.
pub(super) fn verdicts(assessment: &Assessment) -> &[BenchVerdict] {
    assessment.comparison.as_ref().map_or(&[], |comparison| &comparison.benches)
}

/// How many of `verdicts` are `verdict`.
pub(super) fn tally(verdicts: &[BenchVerdict], verdict: Verdict) -> usize {
    verdicts.iter().filter(|bench| bench.verdict == verdict).count()
}

/// The answer to "did it get slower?"; without a reference, how much there is to read.
pub(super) fn answer(assessment: &Assessment, merged: &[MergedBench<'_>]) -> String {
    let Some(comparison) = &assessment.comparison else {
        let measured = merged.iter().filter(|bench| bench.status == Status::Measured).count();
        return format!("{} measured", benches(measured));
    };
    if !comparison.differences().is_empty() {
        return "Not comparable with its reference".to_owned();
    }
    let verdicts = verdicts(assessment);
    let number = |verdict| tally(verdicts, verdict);
    let (worse, better) = (number(Verdict::Regressed), number(Verdict::Improved));
    match (worse, better) {
        (0, 0) if number(Verdict::Equivalent) == 0 && number(Verdict::Undecided) == 0 => {
            "No bench could be compared".to_owned()
        }
        (0, 0) if number(Verdict::Equivalent) == 0 => "Undecided: too few boots to tell".to_owned(),
        (0, 0) => "No regression".to_owned(),
        (0, _) => format!("No regression, {better} improved"),
        (_, 0) => format!("{} regressed", benches(worse)),
        _ => format!("{} regressed, {better} improved", benches(worse)),
    }
}

/// `number` of benches.
pub(super) fn benches(number: usize) -> String {
    if number == 1 { "1 bench".to_owned() } else { format!("{number} benches") }
}

/// What a reader must know besides: benches and boots without a usable result; empty if all is well.
pub(super) fn troubles(assessment: &Assessment, merged: &[MergedBench<'_>]) -> Vec<String> {
    let number = |status| merged.iter().filter(|bench| bench.status == status).count();
    let mut lines = Vec::new();
    if number(Status::Failed) > 0 {
        lines.push(format!("{} failed", benches(number(Status::Failed))));
    }
    match number(Status::Invalid) {
        0 => {}
        1 => lines.push("1 bench is invalid".to_owned()),
        many => lines.push(format!("{many} benches are invalid")),
    }
    let bad_ends = assessment
        .run
        .boots
        .iter()
        .filter(|stored| !matches!(stored.boot.end, BootEnd::Done | BootEnd::FailedBenches));
    let ends: BTreeSet<String> = bad_ends
        .map(|stored| {
            format!(
                "boot {} ended as \u{201c}{}\u{201d}",
                stored.number,
                super::header::end_name(stored.boot.end)
            )
        })
        .collect();
    lines.extend(ends);
    let disagree = assessment.run.boots.iter().filter_map(|stored| stored.boot.clock.as_ref());
    if disagree.into_iter().any(|clock| !clock.is_valid) {
        lines.push("the clocks disagree, so that no time can be trusted".to_owned());
    }
    lines
}

/// The findings that stand and that nobody has acknowledged.
pub(super) fn open_findings(assessment: &Assessment) -> Vec<&TrackedFinding> {
    let all = assessment.courses.iter().flat_map(|course| &course.findings);
    all.filter(|tracked| tracked.state == FindingState::Standing && tracked.acknowledgement.is_none())
        .collect()
}

/// Targets met, missed and not judged.
pub(super) fn targets(assessment: &Assessment) -> (usize, usize, usize) {
    let number = |is_met| assessment.targets.iter().filter(|target| target.is_met == is_met).count();
    (number(Some(true)), number(Some(false)), number(None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Outcome, merge};
    use crate::assess::samples;

    #[test]
    fn the_answer_says_what_changed() {
        let mut assessment = samples::assessment();
        let said = |assessment: &Assessment| {
            answer(assessment, &merge(assessment.run.boots.iter().map(|stored| &stored.boot)))
        };
        assert_eq!(said(&assessment), "1 bench regressed, 1 improved");
        let benches = &mut assessment.comparison.as_mut().expect("compared").benches;
        benches.retain(|bench| bench.verdict == Verdict::Equivalent);
        assert_eq!(said(&assessment), "No regression");
        assessment.comparison.as_mut().expect("compared").benches.clear();
        assert_eq!(said(&assessment), "No bench could be compared");
        assessment.comparison.as_mut().expect("compared").outcome =
            Outcome::NotComparable(vec![crate::analysis::Difference {
                field: "mode".into(),
                a: "tcg".into(),
                b: "icount".into(),
            }]);
        assert_eq!(said(&assessment), "Not comparable with its reference");
        assessment.comparison = None;
        assert_eq!(said(&assessment), "3 benches measured");
    }
}
