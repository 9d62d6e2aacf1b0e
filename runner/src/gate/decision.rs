//! From a comparison to one answer. No data never passes: whatever the baseline has a figure of, the run must have too.

use std::collections::BTreeMap;

use perf_kernel::wire::{Mode, Status};

use super::Standing;
use crate::analysis::{
    BenchVerdict, Comparison, ExactChange, ExactChangeKind, ExactComparison, Likeness, Outcome, Side,
    SideBench, Verdict, is_cold,
};
use crate::baseline::Complaint;
use crate::collect::BootEnd;

/// What is wrong with a boot of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootHealth {
    /// Its place in the run, from 1.
    pub number: u32,
    /// What is wrong with it.
    pub complaints: Vec<Complaint>,
}

/// What a gate decides by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The baseline.
    pub baseline: &'a Side,
    /// The run.
    pub run: &'a Side,
    /// The boots of the run.
    pub boots: &'a [BootHealth],
    /// The comparison of `baseline` with `run`.
    pub comparison: &'a Comparison,
}

/// One thing that keeps a run from passing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What the answer would be if this were all.
    pub standing: Standing,
    /// The bench that it is about; `None` if it is about a boot or the whole run.
    pub bench: Option<String>,
    /// What was found; `None` if the verdict of the comparison says it.
    pub why: Option<String>,
}

/// The answer of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The answer: that of the gravest cause.
    pub standing: Standing,
    /// Everything that was found, the gravest first.
    pub causes: Vec<Cause>,
    /// Benches with a figure on both sides.
    pub compared: usize,
    /// Benches of which neither can be said, and nothing hints at a higher cost.
    pub undecided: usize,
    /// Benches of the run that the baseline does not have.
    pub new: usize,
}

/// Decides whether a run may pass.
#[must_use]
pub fn decide(evidence: &Evidence<'_>) -> Decision {
    let mut found =
        Decision { standing: Standing::Passed, causes: Vec::new(), compared: 0, undecided: 0, new: 0 };
    // A comparison that looks at the boots of a side by themselves has said so already.
    let said = evidence.comparison.differences();
    let mixed = [evidence.baseline, evidence.run].into_iter().flat_map(|side| &side.mixed);
    for difference in said.iter().chain(mixed.filter(|_| said.is_empty())) {
        let why = format!("{}: {} and {}", difference.field, difference.a, difference.b);
        found.add(Standing::NotComparable, None, Some(why));
    }
    found.add_boots(evidence.boots);
    found.add_figures(evidence.baseline, evidence.run);
    match &evidence.comparison.outcome {
        Outcome::NotComparable(_) => {}
        Outcome::Exact(exact) => found.add_exact(exact, evidence.comparison.images),
        _ => found.add_verdicts(evidence.comparison),
    }
    let is_compared = found.causes.iter().all(|cause| cause.standing != Standing::NotComparable);
    if is_compared && found.compared == 0 {
        found.add(Standing::NoData, None, Some("not one bench has a figure on both sides".to_owned()));
    }
    found.causes.sort_by_key(|cause| std::cmp::Reverse(cause.standing));
    found.standing = found.causes.first().map_or(Standing::Passed, |cause| cause.standing);
    found
}

impl Decision {
    fn add(&mut self, standing: Standing, bench: Option<&str>, why: Option<String>) {
        self.causes.push(Cause { standing, bench: bench.map(str::to_owned), why });
    }

    fn add_boots(&mut self, boots: &[BootHealth]) {
        for boot in boots {
            for complaint in &boot.complaints {
                let standing = match complaint {
                    Complaint::Ended(BootEnd::FailedBenches) | Complaint::Clock => Standing::Invalid,
                    Complaint::Ended(_) | Complaint::Missing(_) => Standing::NoData,
                    // It disturbs a verdict, which then says so by its interval.
                    Complaint::Drifted { .. } => continue,
                };
                self.add(standing, None, Some(format!("boot {} {complaint}", boot.number)));
            }
        }
    }

    /// Takes what each side has by itself: figures that failed, and figures that only the baseline has.
    fn add_figures(&mut self, baseline: &Side, run: &Side) {
        let run = holdings(run);
        for (id, holding) in &run {
            if let Holding::Bad(status) = holding {
                let word = if *status == Status::Failed { "it failed" } else { "its figure is invalid" };
                self.add(Standing::Invalid, Some(id), Some(word.to_owned()));
            }
        }
        for (id, holding) in holdings(baseline) {
            if holding != Holding::Figure {
                continue;
            }
            let why = match run.get(id) {
                Some(Holding::Figure | Holding::Bad(_)) => continue,
                Some(Holding::Nothing) => "the baseline has a figure and the run skipped it",
                // Whether there are any depends on the plan.
                None if is_cold(id) => continue,
                None => "the baseline has a figure and the run does not know it",
            };
            self.add(Standing::NoData, Some(id), Some(why.to_owned()));
        }
    }

    /// Takes a comparison to the instruction: every difference matters.
    fn add_exact(&mut self, exact: &ExactComparison, images: Likeness) {
        self.compared = exact.compared;
        for ExactChange { id, verdict, kind } in &exact.changes {
            let change = |what: &str| Some(what.to_owned());
            match kind {
                ExactChangeKind::Figures { statistic, before, after } => {
                    // What is no cost, such as the number of samples, is what the baseline does not know yet.
                    let standing = match verdict {
                        Verdict::Regressed => Standing::Regressed,
                        _ => Standing::Improved,
                    };
                    let why = format!("{statistic} was {before} and is {after}");
                    self.add(standing, Some(id), Some(why));
                }
                // Told by the sides themselves.
                ExactChangeKind::Gone
                | ExactChangeKind::Status(_, Status::Failed | Status::Invalid | Status::Skipped) => {}
                ExactChangeKind::Status(_, Status::Measured) => {
                    self.add(Standing::Improved, Some(id), change("it is measured now and was not before"));
                }
                ExactChangeKind::New => {
                    self.new += 1;
                    self.add(Standing::Improved, Some(id), change("it is new and not in the baseline"));
                }
                // Two boots of one image should agree in everything.
                ExactChangeKind::Fields(fields) if images == Likeness::Same => {
                    let why = format!("its image is the same, and {} differ", fields.join(", "));
                    self.add(Standing::Invalid, Some(id), Some(why));
                }
                ExactChangeKind::Fields(_) => {}
                ExactChangeKind::Disagreement(sentence) => {
                    self.add(Standing::Invalid, Some(id), Some(sentence.clone()));
                }
            }
        }
    }

    /// Takes the verdicts on times.
    fn add_verdicts(&mut self, comparison: &Comparison) {
        for bench in &comparison.benches {
            let id = Some(bench.id.as_str());
            let has_both = bench.before.is_some() && bench.after.is_some();
            self.compared += usize::from(has_both && bench.verdict != Verdict::NotComparable);
            match bench.verdict {
                Verdict::Regressed => self.add(Standing::Regressed, id, None),
                Verdict::Improved => self.add(Standing::Improved, id, None),
                Verdict::Equivalent => {}
                Verdict::Undecided if bench.may_have_regressed(&comparison.settings) => {
                    self.add(Standing::Suspected, id, None);
                }
                Verdict::Undecided => self.undecided += 1,
                Verdict::Invalid => self.add_once(Standing::Invalid, bench),
                Verdict::NotComparable if bench.before.is_some() => self.add_once(Standing::NoData, bench),
                Verdict::NotComparable => self.new += usize::from(bench.after.is_some()),
            }
        }
    }

    /// Takes a bench unless its own side has already told why.
    fn add_once(&mut self, standing: Standing, bench: &BenchVerdict) {
        let is_known =
            |cause: &Cause| cause.bench.as_ref() == Some(&bench.id) && cause.standing >= Standing::NoData;
        if !self.causes.iter().any(is_known) {
            self.add(standing, Some(&bench.id), None);
        }
    }
}

/// What a side has of a bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holding {
    /// Nothing: it was skipped, or measured without a figure.
    Nothing,
    /// A figure.
    Figure,
    /// A record that may not be used.
    Bad(Status),
}

impl Holding {
    fn of(bench: &SideBench) -> Self {
        match bench.status {
            Status::Failed | Status::Invalid => Self::Bad(bench.status),
            Status::Measured if bench.p50.is_some() => Self::Figure,
            Status::Measured | Status::Skipped => Self::Nothing,
        }
    }

    /// What two boots have together.
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bad(status), _) | (_, Self::Bad(status)) => Self::Bad(status),
            (Self::Figure, _) | (_, Self::Figure) => Self::Figure,
            (Self::Nothing, Self::Nothing) => Self::Nothing,
        }
    }
}

fn holdings(side: &Side) -> BTreeMap<&str, Holding> {
    let mut found = BTreeMap::new();
    // Boots of an exact side are equal, or else told as such.
    let boots = if side.mode == Some(Mode::Icount) { 1 } else { side.boots.len() };
    for bench in side.boots.iter().take(boots).flatten() {
        let holding = Holding::of(bench);
        found
            .entry(bench.id.as_str())
            .and_modify(|known: &mut Holding| *known = known.and(holding))
            .or_insert(holding);
    }
    found
}
