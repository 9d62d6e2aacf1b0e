//! A run as test cases: what reports for test tools are made of.

use std::collections::HashMap;

use perf_kernel::wire::Status;

use super::clean::clean;
use super::concern::{Concern, in_words};
use super::rule::Rule;
use crate::analysis::{
    BenchVerdict, Figures, MergedBench, bench_of, cold_key, count, merge, nanoseconds, suite_of,
};
use crate::assess::Assessment;
use crate::collect::{Boot, BootEnd};
use crate::store::StoredBoot;

/// The name of the suite of boots, which no suite of benches has.
pub(super) const BOOTS: &str = "boots";

/// Cases that belong together.
pub(super) struct Suite<'a> {
    /// Its name.
    pub(super) name: String,
    /// Its cases, in the order in which they ran.
    pub(super) cases: Vec<Case<'a>>,
}

/// A bench, or a boot.
pub(super) struct Case<'a> {
    /// Bench id with its scale, as the kernel sent it; the key of cold figures; of a boot `boot 1`.
    pub(super) id: String,
    /// The bench over all boots; `None` for a boot, and for a bench that only the reference has.
    pub(super) bench: Option<MergedBench<'a>>,
    /// Its median in each boot that has one, in boot order.
    pub(super) medians: Vec<f64>,
    /// How long it was measured in all boots together, in seconds; `None` if the clock does not tell.
    pub(super) seconds: Option<f64>,
    /// What the comparison says of it.
    pub(super) verdict: Option<&'a BenchVerdict>,
    /// Why somebody should look at that.
    pub(super) concern: Option<Concern>,
    /// What came of it.
    pub(super) result: CaseResult,
}

impl Case<'_> {
    /// The figures of a bench that was measured; a bench that failed has no timing, whatever came with it.
    pub(super) fn figures(&self) -> Option<&Figures> {
        let bench = self.bench.as_ref().filter(|bench| bench.status == Status::Measured)?;
        bench.figures.as_ref()
    }
}

/// What came of a case. Texts hold nothing that a terminal could obey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CaseResult {
    /// It was measured, and nothing is wrong with it.
    Passed,
    /// It did not run, for this reason.
    Skipped(String),
    /// What is wrong with it, the gravest first; at least one.
    Failed(Vec<(Rule, String)>),
}

/// The run of `assessment` as suites: first its boots, then its benches by suite.
pub(super) fn suites(assessment: &Assessment) -> Vec<Suite<'_>> {
    let run = &assessment.run;
    let mut suites = vec![Suite { name: BOOTS.to_owned(), cases: run.boots.iter().map(boot_case).collect() }];
    let mut measurements = measurements(assessment);
    let verdicts = assessment.comparison.iter().flat_map(|comparison| &comparison.benches);
    let verdicts: HashMap<&str, &BenchVerdict> =
        verdicts.map(|verdict| (verdict.id.as_str(), verdict)).collect();
    let merged = merge(run.boots.iter().map(|stored| &stored.boot));
    let ran: Vec<&str> = merged.iter().map(|bench| bench.id).collect();
    for bench in merged {
        let verdict = verdicts.get(bench.id).copied();
        let concern = verdict.and_then(|verdict| concern_of(verdict, assessment));
        let result = result_of(&bench, verdict.zip(concern), assessment);
        let (medians, seconds) = measurements.remove(bench.id).unwrap_or_default();
        let id = bench.id.to_owned();
        let cold = cold_case(&bench, &verdicts, assessment);
        let case = Case { id, bench: Some(bench), medians, seconds, verdict, concern, result };
        add(&mut suites, case);
        cold.into_iter().for_each(|case| add(&mut suites, case));
    }
    let gone = assessment.comparison.iter().flat_map(|comparison| &comparison.benches);
    for verdict in gone.filter(|verdict| !ran.contains(&bench_of(&verdict.id))) {
        let result = CaseResult::Skipped(format!("not in this run: {}", in_words(verdict)));
        let case = Case {
            id: verdict.id.clone(),
            bench: None,
            medians: Vec::new(),
            seconds: None,
            verdict: Some(verdict),
            concern: concern_of(verdict, assessment),
            result,
        };
        add(&mut suites, case);
    }
    suites
}

/// The cold figures of `bench` as a case of their own; `None` if it has none that may be used.
fn cold_case<'a>(
    bench: &MergedBench<'a>,
    verdicts: &HashMap<&str, &'a BenchVerdict>,
    assessment: &Assessment,
) -> Option<Case<'a>> {
    let figures = bench.cold.clone().filter(|_| bench.status == Status::Measured);
    let figures = Some(figures?);
    let id = cold_key(bench.id);
    let verdict = verdicts.get(id.as_str()).copied();
    let concern = verdict.and_then(|verdict| concern_of(verdict, assessment));
    let result = match verdict.zip(concern) {
        Some((verdict, concern @ (Concern::Regressed | Concern::Invalid))) => {
            CaseResult::Failed(vec![(concern.into(), in_words(verdict))])
        }
        _ => CaseResult::Passed,
    };
    let boots = assessment.run.boots.iter().map(|stored| &stored.boot);
    let figures_of = |boot: &Boot| {
        let record = boot.benches.iter().find(|record| record.id == bench.id)?;
        Figures::of_cold(record, boot.clock.as_ref()?)
    };
    let medians = boots.filter_map(figures_of).map(|figures| figures.p50).collect();
    let records = bench.records.clone();
    let bench = Some(MergedBench { records, figures, cold: None, spread: None, ..*bench });
    Some(Case { id, bench, medians, seconds: None, verdict, concern, result })
}

/// Adds a case to the suite that its id names. The suite of boots is no bench's.
fn add<'a>(suites: &mut Vec<Suite<'a>>, case: Case<'a>) {
    let name = clean(suite_of(&case.id)).into_owned();
    match suites.iter_mut().skip(1).find(|suite| suite.name == name) {
        Some(suite) => suite.cases.push(case),
        None => suites.push(Suite { name, cases: vec![case] }),
    }
}

type Measurement = (Vec<f64>, Option<f64>);

/// The boot medians and the time of each bench.
fn measurements(assessment: &Assessment) -> HashMap<&str, Measurement> {
    let mut found: HashMap<&str, Measurement> = HashMap::new();
    for stored in &assessment.run.boots {
        let Some(clock) = &stored.boot.clock else { continue };
        for record in &stored.boot.benches {
            let (medians, seconds) = found.entry(&record.id).or_default();
            medians.extend(Figures::of(record, clock).map(|figures| figures.p50));
            let elapsed = nanoseconds(count(record.system.elapsed_ticks), clock.frequency);
            if let Some(elapsed) = elapsed.filter(|_| record.status != Status::Skipped) {
                *seconds = Some(seconds.unwrap_or_default() + elapsed / 1e9);
            }
        }
    }
    found
}

fn concern_of(verdict: &BenchVerdict, assessment: &Assessment) -> Option<Concern> {
    Concern::of(verdict, &assessment.comparison.as_ref()?.settings)
}

fn result_of(
    bench: &MergedBench<'_>,
    judged: Option<(&BenchVerdict, Concern)>,
    assessment: &Assessment,
) -> CaseResult {
    let reason = bench.worst().and_then(|record| record.reason.as_deref()).map(clean);
    let mut wrong = Vec::new();
    match bench.status {
        Status::Skipped => return CaseResult::Skipped(reason.unwrap_or_default().into_owned()),
        Status::Failed => wrong.push((Rule::BenchFailed, reason.unwrap_or_default().into_owned())),
        Status::Invalid => wrong.push((Rule::Invalid, reason.unwrap_or_default().into_owned())),
        Status::Measured => {
            if let Some((verdict, concern @ (Concern::Regressed | Concern::Invalid))) = judged {
                wrong.push((concern.into(), in_words(verdict)));
            }
        }
    }
    let missed =
        assessment.targets.iter().filter(|target| target.bench == bench.id && target.is_met == Some(false));
    wrong.extend(missed.map(|target| (Rule::TargetMissed, format!("missed {}", clean(&target.target)))));
    if wrong.is_empty() { CaseResult::Passed } else { CaseResult::Failed(wrong) }
}

fn boot_case(stored: &StoredBoot) -> Case<'_> {
    let boot = &stored.boot;
    let result = match end_in_words(boot.end) {
        None => CaseResult::Passed,
        Some(end) => {
            let mut parts = vec![end.to_owned()];
            parts.extend(boot.crash.as_ref().map(|crash| {
                let message = [clean(&crash.cause), clean(&crash.message)];
                message.join(" ")
            }));
            parts.extend((!boot.end_detail.is_empty()).then(|| clean(&boot.end_detail).into_owned()));
            parts.extend(boot.bench_running.as_ref().map(|id| format!("{} was running", clean(id))));
            CaseResult::Failed(vec![(Rule::BootEnded, parts.join("; "))])
        }
    };
    let id = format!("boot {}", stored.number);
    Case { id, bench: None, medians: Vec::new(), seconds: None, verdict: None, concern: None, result }
}

/// How a boot ended that did not come to the end of its plan. Failed benches are told one by one instead.
const fn end_in_words(end: BootEnd) -> Option<&'static str> {
    match end {
        BootEnd::Done | BootEnd::FailedBenches => None,
        BootEnd::Crashed => Some("it crashed"),
        BootEnd::Hung => Some("it fell silent"),
        BootEnd::PowerLost => Some("its bytes ended before it was done"),
        BootEnd::Refused => Some("it did not understand the plan"),
        BootEnd::Interrupted => Some("the user stopped it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Verdict;
    use crate::assess::TargetVerdict;
    use crate::assess::samples::assessment;

    fn result(assessment: &Assessment, id: &str) -> CaseResult {
        let cases = suites(assessment).into_iter().flat_map(|suite| suite.cases);
        cases.into_iter().find(|case| case.id == id).map(|case| case.result).expect("it is a case")
    }

    #[test]
    fn cold_figures_are_a_case_of_their_own_with_their_own_verdict() {
        let mut assessment = assessment();
        let id = "memory/alloc-small/16";
        for stored in &mut assessment.run.boots {
            let records = stored.boot.benches.iter_mut().filter(|record| record.id == id);
            records.for_each(|record| record.cold = Some(crate::assess::samples::cold(4_000)));
        }
        let comparison = assessment.comparison.as_mut().expect("it has one");
        let hot = comparison.benches.iter_mut().find(|bench| bench.id == id).expect("compared");
        let cold = BenchVerdict { id: cold_key(id), verdict: Verdict::Regressed, ..hot.clone() };
        hot.verdict = Verdict::Equivalent;
        comparison.benches.push(cold);
        assert_eq!(result(&assessment, id), CaseResult::Passed);
        let suites = suites(&assessment);
        let cases: Vec<_> = suites.iter().flat_map(|suite| &suite.cases).collect();
        let at = cases.iter().position(|case| case.id == id).expect("it is a case");
        let case = cases[at + 1];
        assert_eq!((case.id.as_str(), case.medians.len()), ("memory/alloc-small/16:cold", 2));
        assert_eq!(case.figures().map(|figures| figures.n), Some(200));
        let CaseResult::Failed(wrong) = &case.result else { panic!("it regressed: {:?}", case.result) };
        assert_eq!(wrong[0].0, Rule::from(Concern::Regressed));
    }

    #[test]
    fn each_bench_is_a_case_of_its_suite() {
        let assessment = assessment();
        let suites = suites(&assessment);
        let names: Vec<_> = suites.iter().map(|suite| (suite.name.as_str(), suite.cases.len())).collect();
        assert_eq!(names, [("boots", 2), ("env", 1), ("memory", 3), ("kernel", 1)]);
        assert_eq!(suites[1].cases[0].medians, [945.0, 945.0]);
    }

    #[test]
    fn a_regression_and_a_missed_target_are_both_told() {
        let mut assessment = assessment();
        let id = "memory/alloc-small/16";
        assessment.targets = vec![TargetVerdict {
            bench: id.into(),
            target: "p99 <= 1 us".into(),
            is_met: Some(false),
            reason: None,
        }];
        let CaseResult::Failed(wrong) = result(&assessment, id) else { panic!("it regressed") };
        assert_eq!(
            wrong.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(),
            [Rule::Regressed, Rule::TargetMissed]
        );
    }

    #[test]
    fn what_failed_is_not_judged_by_its_verdict_too() {
        let CaseResult::Failed(wrong) = result(&assessment(), "memory/realloc/64") else {
            panic!("it failed")
        };
        assert_eq!(wrong.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(), [Rule::BenchFailed]);
    }

    #[test]
    fn a_boot_that_crashed_is_a_failure_whatever_its_benches_did() {
        let mut assessment = assessment();
        assessment.run.boots[1].boot.end = BootEnd::Crashed;
        assessment.run.boots[1].boot.bench_running = Some("env/pause".into());
        let wrong = vec![(Rule::BootEnded, "it crashed; env/pause was running".to_owned())];
        assert_eq!(result(&assessment, "boot 2"), CaseResult::Failed(wrong));
        assert_eq!(result(&assessment, "boot 1"), CaseResult::Passed);
    }

    #[test]
    fn a_bench_that_only_the_reference_has_is_skipped() {
        let mut assessment = assessment();
        let verdicts = &mut assessment.comparison.as_mut().expect("it has one").benches;
        verdicts[0] =
            BenchVerdict { id: "env/gone".into(), verdict: Verdict::NotComparable, ..verdicts[0].clone() };
        assert!(matches!(result(&assessment, "env/gone"), CaseResult::Skipped(_)));
    }
}
