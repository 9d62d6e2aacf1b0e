//! Comparison to the instruction.

use perf_kernel::wire::{BenchRecord, SampleSummary, Status};
use serde_json::Value;

use super::boots::{Fitness, Pair, PlansAlike, figures, level};
use super::merged::gravity;
use super::units::count;
use super::{BenchVerdict, Change, FigureUnit, Likeness, Settings, SideBench, Verdict};
use crate::history::Interval;

/// How two sides that count instructions differ.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactComparison {
    /// Benches measured on both sides.
    pub compared: usize,
    /// What differs, in the order in which benches ran.
    pub changes: Vec<ExactChange>,
}

/// A bench that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactChange {
    /// Bench id with its scale.
    pub id: String,
    /// What is said of it.
    pub verdict: Verdict,
    /// In what.
    pub kind: ExactChangeKind,
}

/// In what a bench differs.
#[derive(Clone, Debug, PartialEq)]
pub enum ExactChangeKind {
    /// Its figures.
    Figures {
        /// The first statistic that differs by as much as matters, else the first that differs, as in `p50`.
        statistic: &'static str,
        /// Instructions (or what else the bench counts) of one iteration before.
        before: f64,
        /// The same after.
        after: f64,
    },
    /// Whether it could be measured: the worst status of any boot before and after.
    Status(Status, Status),
    /// Its figures are equal; these fields of its record are not.
    Fields(Vec<String>),
    /// Boots of one side do not agree, as the sentence says.
    Disagreement(String),
    /// It is on the first side only.
    Gone,
    /// It is on the second side only.
    New,
}

impl ExactComparison {
    /// Whether something is different that should be looked at. Other fields than figures may change with the image.
    #[must_use]
    pub fn is_different(&self, images: Likeness) -> bool {
        let counts = |change: &ExactChange| {
            images != Likeness::Different || !matches!(change.kind, ExactChangeKind::Fields(_))
        };
        self.changes.iter().any(counts)
    }
}

/// What an exact comparison adds up.
#[derive(Debug)]
pub(super) struct Exactly<'a> {
    pub(super) settings: &'a Settings,
    pub(super) images: Likeness,
    pub(super) found: ExactComparison,
}

impl Exactly<'_> {
    /// Judges `pair`; `None` if it is not to be listed.
    pub(super) fn judge(&mut self, pair: &Pair<'_>, are_plans_alike: PlansAlike) -> Option<BenchVerdict> {
        let (verdict, reason) = match pair.fitness(are_plans_alike) {
            Fitness::LeftOut | Fitness::WithoutFigures => return None,
            Fitness::Unfit(verdict, reason) => {
                self.note(pair, verdict, unfit_kind(pair));
                (verdict, Some(reason))
            }
            Fitness::Fit(unit) => return Some(self.judge_figures(pair, unit)),
        };
        Some(BenchVerdict::unfit(pair.id, verdict, reason))
    }

    fn judge_figures(&mut self, pair: &Pair<'_>, unit: FigureUnit) -> BenchVerdict {
        let disagreement =
            disagreement("before", &pair.before).or_else(|| disagreement("after", &pair.after));
        if let Some(reason) = disagreement {
            self.note(pair, Verdict::Invalid, Some(ExactChangeKind::Disagreement(reason.clone())));
            return BenchVerdict::unfit(pair.id, Verdict::Invalid, Some(reason));
        }
        let measured =
            |records: &[&SideBench]| records.iter().copied().find(|bench| bench.summary.is_some()).cloned();
        let Some((before, after)) = measured(&pair.before).zip(measured(&pair.after)) else {
            let reason = "one side has no whole numbers of its samples".to_owned();
            return BenchVerdict::unfit(pair.id, Verdict::NotComparable, Some(reason));
        };
        self.found.compared += 1;
        let (verdict, reason, kind) = match decided(&before, &after, self.settings.margin_instructions) {
            Some(Decided { verdict, reason, kind }) => (verdict, Some(reason), Some(kind)),
            None => match fields_changed(&before, &after) {
                Some(fields) => {
                    let reason = format!("equal figures; differs in {}", fields.join(", "));
                    let is_told = self.images != Likeness::Different;
                    (Verdict::Equivalent, is_told.then_some(reason), Some(ExactChangeKind::Fields(fields)))
                }
                None => (Verdict::Equivalent, None, None),
            },
        };
        self.note(pair, verdict, kind);
        BenchVerdict {
            unit: Some(unit),
            before: level(&figures(&pair.before)),
            after: level(&figures(&pair.after)),
            change: change(&before, &after, self.settings.margin_instructions),
            ..BenchVerdict::unfit(pair.id, verdict, reason)
        }
    }

    fn note(&mut self, pair: &Pair<'_>, verdict: Verdict, kind: Option<ExactChangeKind>) {
        let id = pair.id.to_owned();
        self.found.changes.extend(kind.map(|kind| ExactChange { id, verdict, kind }));
    }
}

/// How a bench that gets no verdict by its figures differs; `None` if it is as it was.
fn unfit_kind(pair: &Pair<'_>) -> Option<ExactChangeKind> {
    let worst =
        |records: &[&SideBench]| records.iter().map(|bench| bench.status).max_by_key(|it| gravity(*it));
    match (worst(&pair.before), worst(&pair.after)) {
        (Some(_), None) => Some(ExactChangeKind::Gone),
        (None, _) => Some(ExactChangeKind::New),
        (Some(before), Some(after)) if before != after => Some(ExactChangeKind::Status(before, after)),
        _ => {
            let (before, after) = (pair.before.first()?, pair.after.first()?);
            decided(before, after, f64::MIN_POSITIVE).map(|decided| decided.kind)
        }
    }
}

/// In what the boots of one side differ from its first; equal programs must execute equal instructions.
fn disagreement(side: &str, records: &[&SideBench]) -> Option<String> {
    let mut boots = (1u32..).zip(records).filter(|(_, bench)| bench.summary.is_some());
    let (first, reference) = boots.next()?;
    boots.find_map(|(number, bench)| {
        let Decided { kind, .. } = decided(reference, bench, f64::MIN_POSITIVE)?;
        let ExactChangeKind::Figures { statistic, before, after } = kind else { return None };
        let what = format!("{statistic} {before} and {after}");
        Some(format!("boots {first} and {number} {side} disagree, and in exact mode boots are equal: {what}"))
    })
}

/// A statistic and whether more of it is a cost.
type Statistic = (&'static str, bool, Option<f64>);

/// The statistics of a sample in the order in which a reader wants to see one that differs.
fn statistics(summary: &SampleSummary) -> [Statistic; 11] {
    [
        ("p50", true, Some(count(summary.p50))),
        ("mean", true, Some(count(summary.mean_milli) / 1000.0)),
        ("min", true, Some(count(summary.min))),
        ("p90", true, Some(count(summary.p90))),
        ("p95", true, Some(count(summary.p95))),
        ("p99", true, Some(count(summary.p99))),
        ("p999", true, summary.p999.map(count)),
        ("max", true, Some(count(summary.max))),
        ("mad", false, Some(count(summary.mad))),
        ("deviation", false, Some(count(summary.deviation_milli) / 1000.0)),
        ("n", false, Some(count(summary.n))),
    ]
}

/// How the figures of one bench differ, as [`ExactChangeKind::Figures`]; `None` if they are equal.
pub(super) fn figures_changed(before: &SideBench, after: &SideBench) -> Option<ExactChangeKind> {
    decided(before, after, 1.0).map(|decided| decided.kind)
}

struct Decided {
    verdict: Verdict,
    reason: String,
    kind: ExactChangeKind,
}

/// What the figures of both say; `None` if they are equal.
fn decided(before: &SideBench, after: &SideBench, margin: f64) -> Option<Decided> {
    let (a, b) = (before.summary.as_ref()?, after.summary.as_ref()?);
    let batch = batch_changed(before, after);
    if a == b && batch.is_none() {
        return None;
    }
    let (each_before, each_after) = (count(before.iterations.max(1)), count(after.iterations.max(1)));
    let mut differing = Vec::new();
    for ((name, is_cost, x), (_, _, y)) in statistics(a).into_iter().zip(statistics(b)) {
        let (x, y) = (x.unwrap_or_default(), y.unwrap_or_default());
        // Samples of unlike batches are brought to the batch before; a count of samples stays what it is.
        let y = if name == "n" { y } else { y * each_before / each_after };
        if (x - y).abs() > 1e-9 * x.abs() {
            differing.push((name, is_cost, x, y));
        }
    }
    let deciding = differing.iter().find(|(_, is_cost, x, y)| *is_cost && (y - x).abs() >= margin);
    let verdict = match deciding {
        Some((_, _, x, y)) if y > x => Verdict::Regressed,
        Some(_) => Verdict::Improved,
        None => Verdict::Equivalent,
    };
    let statistic = deciding.or(differing.first()).map(|(name, _, x, y)| {
        let each = if *name == "n" { 1.0 } else { each_before };
        let (kind, less) = ((*name, x / each, y / each), if y > x { "more" } else { "less" });
        let unit = before.unit.filter(|_| *name != "n");
        (kind, format!("{name}: {} {less} in a sample", amount((y - x).abs(), unit)))
    });
    let (reason, (statistic, before, after)) = match (statistic, batch) {
        (Some((kind, sentence)), None) => (sentence, kind),
        (Some((kind, sentence)), Some((_, batch))) => (format!("{sentence}; {batch}"), kind),
        (None, Some((kind, batch))) => (batch, kind),
        (None, None) => return None,
    };
    Some(Decided { verdict, reason, kind: ExactChangeKind::Figures { statistic, before, after } })
}

/// So much of `unit`; without one it is a count of samples.
fn amount(value: f64, unit: Option<FigureUnit>) -> String {
    let value = (value * 1e3).round() / 1e3;
    let plural = if value == 1.0 { "" } else { "s" };
    match unit {
        Some(FigureUnit::Instructions) => format!("{value} instruction{plural}"),
        Some(unit) => format!("{value} {}", unit.name()),
        None => format!("{value} sample{plural}"),
    }
}

/// What changed about a batch, in figures and in words.
fn batch_changed(before: &SideBench, after: &SideBench) -> Option<((&'static str, f64, f64), String)> {
    let bytes = |bench: &SideBench| bench.bytes.map_or(0, |bytes| bytes.0);
    let parts = [
        ("iterations", "iterations in a sample", before.iterations, after.iterations),
        ("operations", "operations in an iteration", before.operations, after.operations),
        ("bytes", "bytes in an iteration", bytes(before), bytes(after)),
    ];
    let (name, what, before, after) = parts.into_iter().find(|(_, _, before, after)| before != after)?;
    Some(((name, count(before), count(after)), format!("{after} {what}, before {before}")))
}

fn change(before: &SideBench, after: &SideBench, margin: f64) -> Option<Change> {
    let (a, b) = (before.p50?, after.p50?);
    // From nothing there is no ratio; twice stands for all that came.
    let ratio = if a > 0.0 {
        b / a
    } else if b > 0.0 {
        2.0
    } else {
        1.0
    };
    let sample = before.summary.as_ref().map(|summary| count(summary.p50)).filter(|sample| *sample > 0.0);
    Some(Change {
        ratio,
        interval: Some(Interval { low: ratio, high: ratio }),
        confidence: None,
        effect: None,
        p: None,
        q: None,
        detectable: sample.map(|sample| margin / sample),
        boots_more: None,
    })
}

/// The fields of the records that differ; `None` if none does or a side has no record.
fn fields_changed(before: &SideBench, after: &SideBench) -> Option<Vec<String>> {
    let (a, b) = (hot(before.record.as_ref()?), hot(after.record.as_ref()?));
    if a == b {
        return None;
    }
    let fields = |record: BenchRecord| match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (a, b) = (fields(a), fields(b));
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    Some(names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect())
}

/// `record` without its cold figures, which are compared by themselves, and what was thought of them.
fn hot(record: &BenchRecord) -> BenchRecord {
    let mut record = BenchRecord { cold: None, ..record.clone() };
    record.validity.retain(|check| check.name != "cold");
    record
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::side;
    use super::super::{Comparison, Outcome, compare, compare_with};
    use super::*;
    use crate::samples;
    use perf_kernel::wire::{CheckOutcome, Mode, ValidityCheck};

    fn compared(a: &[BenchRecord], b: &[BenchRecord]) -> Comparison {
        compare(&side(Mode::Icount, &[a]), &side(Mode::Icount, &[b]))
    }

    fn exact(comparison: &Comparison) -> &ExactComparison {
        let Outcome::Exact(exact) = &comparison.outcome else { panic!("both sides are exact") };
        exact
    }

    fn small(p50: u64, iterations: u64) -> Vec<BenchRecord> {
        vec![samples::bench("memory/alloc-small/64", p50, iterations)]
    }

    #[test]
    fn one_instruction_is_a_difference() {
        let (before, mut after) = (small(1_000, 10), small(1_000, 10));
        after[0].summary.as_mut().expect("measured").p50 += 1;
        let found = compared(&before, &after);
        let kind = ExactChangeKind::Figures { statistic: "p50", before: 100.0, after: 100.1 };
        let id = "memory/alloc-small/64".into();
        assert_eq!(exact(&found).changes, [ExactChange { id, verdict: Verdict::Regressed, kind }]);
        assert!(exact(&found).is_different(Likeness::Different));
        let bench = &found.benches[0];
        assert_eq!(
            (bench.verdict, bench.reason.as_deref()),
            (Verdict::Regressed, Some("p50: 1 instruction more in a sample"))
        );
        let change = bench.change.expect("both sides have figures");
        let interval = change.interval.expect("a point");
        assert!(interval.low == interval.high && (interval.low - 1.001).abs() < 1e-9, "{interval:?}");
        assert_eq!((change.p, change.confidence), (None, None));
        assert_eq!(change.detectable, Some(0.001));
    }

    #[test]
    fn cold_figures_are_compared_by_themselves_and_only_where_both_sides_have_them() {
        let warm = small(1_000, 10);
        let with_cold = |ticks| {
            let mut benches = small(1_000, 10);
            benches[0].cold = Some(crate::assess::samples::cold(ticks));
            let detail = "an empty region is 160 of 400 ticks".into();
            benches[0].validity =
                vec![ValidityCheck { name: "cold".into(), outcome: CheckOutcome::Warned, detail }];
            benches
        };
        assert_eq!(exact(&compared(&warm, &with_cold(400))).changes, []);
        assert_eq!(exact(&compared(&with_cold(400), &warm)).changes, []);
        assert_eq!(compared(&warm, &with_cold(400)).benches.len(), 1);
        let found = compared(&with_cold(400), &with_cold(440));
        let verdicts: Vec<_> = found.benches.iter().map(|bench| (bench.id.as_str(), bench.verdict)).collect();
        assert_eq!(
            verdicts,
            [
                ("memory/alloc-small/64", Verdict::Equivalent),
                ("memory/alloc-small/64:cold", Verdict::Regressed)
            ]
        );
    }

    #[test]
    fn a_difference_behind_the_median_is_seen() {
        let (before, mut after) = (small(1_000, 10), small(1_000, 10));
        after[0].summary.as_mut().expect("measured").max -= 3;
        let found = compared(&before, &after);
        let kind = &exact(&found).changes[0].kind;
        assert!(matches!(kind, ExactChangeKind::Figures { statistic: "max", .. }), "{kind:?}");
        assert_eq!(found.benches[0].verdict, Verdict::Improved);
        assert_eq!(found.benches[0].reason.as_deref(), Some("max: 3 instructions less in a sample"));
    }

    #[test]
    fn a_difference_below_the_margin_is_equivalent_and_told() {
        let (before, mut after) = (small(1_000, 10), small(1_000, 10));
        after[0].summary.as_mut().expect("measured").p50 += 5;
        let settings = Settings { margin_instructions: 6.0, ..Settings::default() };
        let found = compare_with(&side(Mode::Icount, &[&before]), &side(Mode::Icount, &[&after]), &settings);
        assert_eq!(found.benches[0].verdict, Verdict::Equivalent);
        assert_eq!(found.benches[0].reason.as_deref(), Some("p50: 5 instructions more in a sample"));
    }

    #[test]
    fn another_batch_is_named_though_each_iteration_costs_the_same() {
        let found = compared(&small(1_000, 10), &small(2_000, 20));
        let expected = ExactChangeKind::Figures { statistic: "iterations", before: 10.0, after: 20.0 };
        assert_eq!(exact(&found).changes[0].kind, expected);
        assert_eq!(found.benches[0].verdict, Verdict::Equivalent);
        assert_eq!(found.benches[0].reason.as_deref(), Some("20 iterations in a sample, before 10"));
    }

    #[test]
    fn boots_of_one_side_that_disagree_are_invalid() {
        let (one, mut other) = (small(1_000, 10), small(1_000, 10));
        other[0].summary.as_mut().expect("measured").p50 += 10;
        let found = compare(&side(Mode::Icount, &[&one, &one]), &side(Mode::Icount, &[&one, &one, &other]));
        assert_eq!(found.benches[0].verdict, Verdict::Invalid);
        let reason = found.benches[0].reason.as_deref().expect("why");
        assert!(
            reason.contains("boots 1 and 3 after disagree") && reason.contains("p50 100 and 101"),
            "{reason}"
        );
        assert!(found.is_different());
    }

    #[test]
    fn other_fields_count_only_for_the_same_image() {
        let (before, mut after) = (small(1_000, 10), small(1_000, 10));
        after[0].checksum = None;
        let found = compared(&before, &after);
        let exact = exact(&found);
        assert_eq!(exact.changes[0].kind, ExactChangeKind::Fields(vec!["checksum".into()]));
        assert!(exact.is_different(Likeness::Same) && !exact.is_different(Likeness::Different));
    }

    #[test]
    fn benches_that_come_and_go_are_differences_unless_other_ones_were_asked_for() {
        let before = small(1_000, 10);
        let after = [samples::bench("memory/alloc-small/16", 1_000, 10)];
        let found = compared(&before, &after);
        let kinds: Vec<_> = exact(&found).changes.iter().map(|change| &change.kind).collect();
        assert_eq!(kinds, [&ExactChangeKind::Gone, &ExactChangeKind::New]);
        assert!(found.benches.iter().all(|bench| bench.verdict == Verdict::NotComparable));
        let mut other = side(Mode::Icount, &[&after]);
        other.selection = Some("memory/alloc-small/16".into());
        let found = compare(&side(Mode::Icount, &[&before]), &other);
        assert_eq!((exact(&found).changes.len(), found.left_out, found.benches.len()), (0, 2, 0));
    }

    #[test]
    fn a_bench_that_is_skipped_on_one_side_and_unknown_on_the_other_changes_nothing() {
        let found = compared(&[], &[samples::skipped("env/pause", "not built yet")]);
        assert_eq!((exact(&found).changes.len(), found.without_figures), (0, 1));
    }

    #[test]
    fn a_bench_that_fails_now_is_a_difference_and_invalid() {
        let (before, mut after) = (small(1_000, 10), small(1_000, 10));
        after[0].status = Status::Failed;
        after[0].summary = None;
        after[0].reason = Some("wrong sum".into());
        let found = compared(&before, &after);
        let kind = &exact(&found).changes[0].kind;
        assert_eq!(kind, &ExactChangeKind::Status(Status::Measured, Status::Failed));
        assert_eq!(found.benches[0].verdict, Verdict::Invalid);
        assert_eq!(found.benches[0].reason.as_deref(), Some("failed in 1 of 1 boots after: wrong sum"));
    }
}
