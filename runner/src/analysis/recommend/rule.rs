//! What a rule is and what it looks at.

use perf_kernel::wire::{BenchRecord, Status};

use super::{Evidence, Severity};
use crate::analysis::units::count;
use crate::analysis::{Comparison, MergedBench, merge};
use crate::collect::Boot;
use crate::store::Run;

/// Figures that one recommendation cites at most.
const EVIDENCE_MAX: usize = 5;

/// When a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Where ticks are time that says something about speed.
    Time,
    /// In every mode.
    Every,
}

/// A line of the table of rules.
pub(super) struct Rule {
    /// Its name in reports.
    pub(super) name: &'static str,
    /// When it is asked.
    pub(super) scope: Scope,
    /// What it finds; `None` without the figures that it looks at, or if they are as they should be.
    pub(super) find: fn(&Context<'_>) -> Option<Found>,
    /// What to try.
    pub(super) advice: &'static str,
}

/// What a rule found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) severity: Severity,
    /// One sentence.
    pub(super) sentence: String,
    pub(super) evidence: Vec<Evidence>,
}

/// A figure that is not as it should be.
#[derive(Clone, Debug)]
pub(super) struct Sign {
    /// How bad it is, in whatever the rule compares by: more is worse.
    pub(super) weight: f64,
    pub(super) evidence: Evidence,
}

impl Sign {
    /// The sign that `figure` of `place` is `value`.
    pub(super) fn new(weight: f64, place: &str, figure: impl Into<String>, value: impl Into<String>) -> Self {
        let evidence = Evidence { place: place.to_owned(), figure: figure.into(), value: value.into() };
        Self { weight, evidence }
    }
}

/// What `signs` show, the worst first; `None` if there are none. The severity and the sentence are made from the worst
/// weight and from how many there are.
pub(super) fn found(
    mut signs: Vec<Sign>,
    severity: impl Fn(f64) -> Severity,
    sentence: impl Fn(usize) -> String,
) -> Option<Found> {
    signs.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let worst = signs.first()?.weight;
    let (severity, sentence) = (severity(worst), sentence(signs.len()));
    let evidence = signs.into_iter().take(EVIDENCE_MAX).map(|sign| sign.evidence).collect();
    Some(Found { severity, sentence, evidence })
}

/// What rules look at.
pub(super) struct Context<'a> {
    pub(super) run: &'a Run,
    pub(super) comparison: Option<&'a Comparison>,
    merged: Vec<MergedBench<'a>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(run: &'a Run, comparison: Option<&'a Comparison>) -> Self {
        let merged = merge(run.boots.iter().map(|stored| &stored.boot));
        Self { run, comparison, merged }
    }

    /// Whether a rule of `scope` is asked.
    pub(super) fn is_in(&self, scope: Scope) -> bool {
        scope == Scope::Every || self.run.mode().is_some_and(|mode| mode.has_meaningful_time())
    }

    /// The boots with their places, as in `boot 2`.
    pub(super) fn boots(&self) -> impl Iterator<Item = (String, &'a Boot)> {
        self.run.boots.iter().map(|stored| (format!("boot {}", stored.number), &stored.boot))
    }

    /// The benches that every boot measured.
    pub(super) fn measured(&self) -> impl Iterator<Item = &MergedBench<'a>> {
        self.merged.iter().filter(|bench| bench.status == Status::Measured)
    }

    /// A sign for each measured bench of which `sign` finds one.
    pub(super) fn benches(&self, sign: impl Fn(&MergedBench<'a>) -> Option<Sign>) -> Vec<Sign> {
        self.measured().filter_map(sign).collect()
    }

    /// For each measured bench the worst sign that `sign` finds in its records.
    pub(super) fn records(&self, sign: impl Fn(&BenchRecord) -> Option<Sign>) -> Vec<Sign> {
        self.benches(|bench| {
            let signs = bench.records.iter().filter_map(|record| sign(record));
            signs.max_by(|a, b| a.weight.total_cmp(&b.weight))
        })
    }

    /// A sign for each boot of which `sign` finds one.
    pub(super) fn each_boot(&self, sign: impl Fn(&str, &Boot) -> Option<Sign>) -> Vec<Sign> {
        self.boots().filter_map(|(place, boot)| sign(&place, boot)).collect()
    }
}

/// `number` of what is called `one` or `many`.
pub(super) fn of(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A share in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `part` of `whole`; `None` of nothing.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| count(part) / count(whole))
}
