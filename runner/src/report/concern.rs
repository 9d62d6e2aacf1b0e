//! What of a comparison somebody should look at, in the words that all reports for machines share.

use super::clean::clean;
use super::quantity::figure;
use crate::analysis::{BenchVerdict, Change, Level, Settings, Verdict};

/// Why somebody should look at a bench, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Concern {
    /// It regressed.
    Regressed,
    /// A side has a figure that failed its own checks.
    Invalid,
    /// It may have regressed.
    Suspected,
    /// Only one side has a figure.
    OneSided,
    /// It improved: worth a new baseline.
    Improved,
}

impl Concern {
    /// The concern that `bench` gives; `None` if it gives none.
    pub(super) fn of(bench: &BenchVerdict, settings: &Settings) -> Option<Self> {
        match bench.verdict {
            Verdict::Regressed => Some(Self::Regressed),
            Verdict::Improved => Some(Self::Improved),
            Verdict::Invalid => Some(Self::Invalid),
            Verdict::Undecided => bench.may_have_regressed(settings).then_some(Self::Suspected),
            Verdict::NotComparable => {
                (bench.before.is_some() != bench.after.is_some()).then_some(Self::OneSided)
            }
            Verdict::Equivalent => None,
        }
    }

    /// The predicate of a sentence about the bench.
    pub(super) const fn predicate(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Invalid => "is invalid",
            Self::Suspected => "may have regressed",
            Self::OneSided => "has a figure on one side only",
            Self::Improved => "improved",
        }
    }
}

/// The verdict on `bench` with its figures and its reason, one line that holds nothing a terminal could obey.
pub(super) fn in_words(bench: &BenchVerdict) -> String {
    let mut parts = Vec::new();
    parts.extend(levels(bench));
    if let Some(change) = bench.change.filter(|change| change.ratio.is_finite()) {
        parts.push(change_in_words(&change));
    }
    if let Some((before, after)) = bench.before.zip(bench.after) {
        parts.push(format!("{} before and {} after", boots(before.boots), after.boots));
    }
    parts.extend(bench.reason.as_deref().map(|reason| clean(reason).into_owned()));
    if let Some(more) = bench.change.and_then(|change| change.boots_more) {
        parts.push(format!("about {more} boots more on each side would decide"));
    }
    if parts.is_empty() { bench.verdict.to_string() } else { parts.join("; ") }
}

/// `ratio` as a signed share: 1.034 is `+3.4 %`.
pub(super) fn signed_share(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    match percent.abs() {
        size if size < 0.095 => format!("{percent:+.3} %"),
        size if size < 9.95 => format!("{percent:+.1} %"),
        _ => format!("{percent:+.0} %"),
    }
}

fn levels(bench: &BenchVerdict) -> Option<String> {
    let unit = bench.unit?;
    let shown = |level: Level| figure(level.median, unit);
    match (bench.before, bench.after) {
        (Some(before), Some(after)) => Some(format!("{} to {}", shown(before), shown(after))),
        (Some(before), None) => Some(format!("{} before, nothing after", shown(before))),
        (None, Some(after)) => Some(format!("nothing before, {} after", shown(after))),
        (None, None) => None,
    }
}

fn change_in_words(change: &Change) -> String {
    let share = signed_share(change.ratio);
    match change.interval.filter(|interval| interval.low < interval.high) {
        Some(interval) => {
            format!("{share}, between {} and {}", signed_share(interval.low), signed_share(interval.high))
        }
        None => share,
    }
}

fn boots(number: usize) -> String {
    if number == 1 { "1 boot".to_owned() } else { format!("{number} boots") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;

    fn verdicts() -> Vec<BenchVerdict> {
        assessment().comparison.expect("it has one").benches
    }

    #[test]
    fn a_verdict_reads_as_figures_and_reason() {
        let verdicts = verdicts();
        assert_eq!(
            in_words(&verdicts[1]),
            "100 ns to 103 ns; +3.4 %, between +3.0 % and +3.8 %; 8 boots before and 8 after"
        );
        assert!(in_words(&verdicts[3]).contains("\\u{1b}[31m"), "{}", in_words(&verdicts[3]));
    }

    #[test]
    fn only_an_undecided_rise_that_chance_does_not_explain_is_suspected() {
        let mut bench = verdicts().swap_remove(1);
        bench.verdict = Verdict::Undecided;
        let with = |ratio, p, detectable| {
            let change = bench.change.map(|change| Change { ratio, p: Some(p), detectable, ..change });
            Concern::of(&BenchVerdict { change, ..bench.clone() }, &Settings::default())
        };
        assert_eq!(with(1.02, 0.08, Some(0.03)), Some(Concern::Suspected));
        assert_eq!(with(1.02, 0.3, Some(0.03)), None, "boots enough say that it is chance");
        assert_eq!(with(1.02, 1.0, None), Some(Concern::Suspected), "one boot says nothing about chance");
        assert_eq!(with(1.005, 0.01, Some(0.03)), Some(Concern::Suspected));
        assert_eq!(with(1.005, 0.3, Some(0.03)), None);
        assert_eq!(with(0.98, 0.01, Some(0.03)), None);
    }

    #[test]
    fn a_figure_that_is_gone_is_a_concern_and_one_that_never_was_is_none() {
        let mut bench = verdicts().swap_remove(0);
        bench.verdict = Verdict::NotComparable;
        bench.after = None;
        assert_eq!(Concern::of(&bench, &Settings::default()), Some(Concern::OneSided));
        bench.before = None;
        assert_eq!(Concern::of(&bench, &Settings::default()), None);
    }

    #[test]
    fn small_shares_keep_digits_that_show_them() {
        assert_eq!([1.000_02, 1.034, 0.5, 3.0].map(signed_share), ["+0.002 %", "+3.4 %", "-50 %", "+200 %"]);
    }
}
