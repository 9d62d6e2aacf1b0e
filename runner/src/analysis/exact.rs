//! Comparison to the instruction.

use std::collections::HashMap;

use perf_kernel::wire::{SampleSummary, Status};
use serde_json::Value;

use super::units::count;
use super::{Likeness, Side, SideBench};

/// How two sides that count instructions differ.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactComparison {
    /// Benches measured on both sides.
    pub compared: usize,
    /// Benches without samples to compare, most of them skipped.
    pub without_figures: usize,
    /// What differs, in the order in which benches ran.
    pub changes: Vec<Change>,
    /// Benches on one side only because other benches were asked for.
    pub not_asked_for: usize,
}

/// A bench that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Bench id with its scale.
    pub id: String,
    /// In what.
    pub kind: ChangeKind,
}

/// In what a bench differs.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// Its figures.
    Figures {
        /// The first statistic that differs, as in `p50`.
        statistic: &'static str,
        /// Instructions (or what else the bench counts) of one iteration before.
        before: f64,
        /// The same after.
        after: f64,
    },
    /// Whether it could be measured.
    Status(Status, Status),
    /// Its figures are equal; these fields of its record are not.
    Fields(Vec<String>),
    /// It is on the first side only.
    Gone,
    /// It is on the second side only.
    New,
}

impl ExactComparison {
    /// Whether something is different that should be looked at. Other fields than figures may change with the image.
    #[must_use]
    pub fn is_different(&self, images: Likeness) -> bool {
        let counts =
            |change: &Change| images != Likeness::Different || !matches!(change.kind, ChangeKind::Fields(_));
        self.changes.iter().any(counts)
    }
}

/// Compares the first boots of both sides.
pub(super) fn compare(a: &Side, b: &Side, selections: Likeness) -> ExactComparison {
    let counted = |kind| (selections == Likeness::Same).then_some(kind);
    let none = Vec::new();
    let (a, b) = (a.boots.first().unwrap_or(&none), b.boots.first().unwrap_or(&none));
    let mut found =
        ExactComparison { compared: 0, without_figures: 0, changes: Vec::new(), not_asked_for: 0 };
    let after: HashMap<&str, &SideBench> = b.iter().map(|bench| (bench.id.as_str(), bench)).collect();
    let before: HashMap<&str, &SideBench> = a.iter().map(|bench| (bench.id.as_str(), bench)).collect();
    for bench in a {
        match after.get(bench.id.as_str()) {
            Some(other) => found.add_pair(bench, other),
            None => found.add_single(bench, counted(ChangeKind::Gone)),
        }
    }
    for bench in b.iter().filter(|bench| !before.contains_key(bench.id.as_str())) {
        found.add_single(bench, counted(ChangeKind::New));
    }
    found
}

impl ExactComparison {
    fn add_pair(&mut self, before: &SideBench, after: &SideBench) {
        let has_figures = before.summary.is_some() && after.summary.is_some();
        if before.status != after.status {
            let kind = ChangeKind::Status(before.status, after.status);
            self.changes.push(Change { id: before.id.clone(), kind });
        } else if has_figures {
            self.compared += 1;
            let kind = figures_changed(before, after).or_else(|| fields_changed(before, after));
            self.changes.extend(kind.map(|kind| Change { id: before.id.clone(), kind }));
        } else {
            self.without_figures += 1;
        }
    }

    /// Takes a bench of one side; `kind` is `None` if the other side was not asked for it.
    fn add_single(&mut self, bench: &SideBench, kind: Option<ChangeKind>) {
        match kind {
            // A catalogue that grows changes nothing that was measured.
            _ if bench.status == Status::Skipped => self.without_figures += 1,
            Some(kind) => self.changes.push(Change { id: bench.id.clone(), kind }),
            None => self.not_asked_for += 1,
        }
    }
}

/// The statistics in the order in which a reader wants to see one that differs.
fn statistics(summary: &SampleSummary) -> [(&'static str, Option<f64>); 12] {
    [
        ("p50", Some(count(summary.p50))),
        ("mean", Some(count(summary.mean_milli) / 1000.0)),
        ("min", Some(count(summary.min))),
        ("p90", Some(count(summary.p90))),
        ("p95", Some(count(summary.p95))),
        ("p99", Some(count(summary.p99))),
        ("p999", summary.p999.map(count)),
        ("max", Some(count(summary.max))),
        ("mad", Some(count(summary.mad))),
        ("deviation", Some(count(summary.deviation_milli) / 1000.0)),
        ("n", Some(count(summary.n))),
        ("iterations", None),
    ]
}

/// How the figures of one bench differ, as [`ChangeKind::Figures`]; `None` if they are equal.
pub(super) fn figures_changed(before: &SideBench, after: &SideBench) -> Option<ChangeKind> {
    let (a, b) = (before.summary.as_ref()?, after.summary.as_ref()?);
    let is_same_batch = (before.iterations, before.operations, before.bytes)
        == (after.iterations, after.operations, after.bytes);
    if a == b && is_same_batch {
        return None;
    }
    let each = |value: f64, bench: &SideBench| value / count(bench.iterations.max(1));
    let differing = statistics(a).into_iter().zip(statistics(b)).find_map(|((name, x), (_, y))| {
        let (x, y) = (x.unwrap_or_default(), y.unwrap_or_default());
        let (x, y) = if name == "n" { (x, y) } else { (each(x, before), each(y, after)) };
        (x.total_cmp(&y).is_ne()).then_some((name, x, y))
    });
    let unchanged = ("iterations", count(before.iterations), count(after.iterations));
    let (statistic, before, after) = differing.unwrap_or(unchanged);
    Some(ChangeKind::Figures { statistic, before, after })
}

/// The fields of the records that differ; `None` if none does or a side has no record.
fn fields_changed(before: &SideBench, after: &SideBench) -> Option<ChangeKind> {
    let (a, b) = (before.record.as_ref()?, after.record.as_ref()?);
    if a == b {
        return None;
    }
    let fields = |record| match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (a, b) = (fields(a), fields(b));
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differing = names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned();
    Some(ChangeKind::Fields(differing.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::side;
    use super::*;
    use crate::samples;
    use perf_kernel::wire::{BenchRecord, Mode};

    fn compared(a: &[BenchRecord], b: &[BenchRecord]) -> ExactComparison {
        compare(&side(Mode::Icount, &[a]), &side(Mode::Icount, &[b]), Likeness::Same)
    }

    #[test]
    fn one_instruction_is_a_difference() {
        let before = [samples::bench("memory/alloc-small/64", 1_000, 10)];
        let mut after = before.clone();
        after[0].summary.as_mut().expect("measured").p50 += 1;
        let found = compared(&before, &after);
        let kind = ChangeKind::Figures { statistic: "p50", before: 100.0, after: 100.1 };
        assert_eq!(found.changes, [Change { id: "memory/alloc-small/64".into(), kind }]);
        assert!(found.is_different(Likeness::Different));
    }

    #[test]
    fn a_difference_behind_the_median_is_seen() {
        let before = [samples::bench("memory/alloc-small/64", 1_000, 10)];
        let mut after = before.clone();
        after[0].summary.as_mut().expect("measured").max += 10;
        let kind = &compared(&before, &after).changes[0].kind;
        assert!(matches!(kind, ChangeKind::Figures { statistic: "max", .. }), "{kind:?}");
    }

    #[test]
    fn another_batch_is_a_difference_though_each_iteration_costs_the_same() {
        let before = [samples::bench("memory/alloc-small/64", 1_000, 10)];
        let after = [samples::bench("memory/alloc-small/64", 2_000, 20)];
        let kind = &compared(&before, &after).changes[0].kind;
        let expected = ChangeKind::Figures { statistic: "iterations", before: 10.0, after: 20.0 };
        assert_eq!(kind, &expected);
    }

    #[test]
    fn other_fields_count_only_for_the_same_image() {
        let before = [samples::bench("memory/alloc-small/64", 1_000, 10)];
        let mut after = before.clone();
        after[0].checksum = None;
        let found = compared(&before, &after);
        assert_eq!(found.changes[0].kind, ChangeKind::Fields(vec!["checksum".into()]));
        assert!(found.is_different(Likeness::Same) && !found.is_different(Likeness::Different));
    }

    #[test]
    fn benches_that_come_and_go_are_differences_unless_other_ones_were_asked_for() {
        let before = [samples::bench("memory/alloc-small/64", 1_000, 10)];
        let after = [samples::bench("memory/alloc-small/16", 1_000, 10)];
        let found = compared(&before, &after);
        assert_eq!(
            found.changes.iter().map(|change| &change.kind).collect::<Vec<_>>(),
            [&ChangeKind::Gone, &ChangeKind::New]
        );
        let found =
            compare(&side(Mode::Icount, &[&before]), &side(Mode::Icount, &[&after]), Likeness::Different);
        assert_eq!((found.changes.len(), found.not_asked_for), (0, 2));
    }

    #[test]
    fn a_bench_that_is_skipped_on_one_side_and_unknown_on_the_other_changes_nothing() {
        let found = compared(&[], &[samples::skipped("env/pause", "not built yet")]);
        assert_eq!((found.changes.len(), found.without_figures), (0, 1));
    }

    #[test]
    fn a_bench_that_fails_now_is_a_difference() {
        let before = [samples::bench("memory/alloc-small/64", 1_000, 10)];
        let mut after = before.clone();
        after[0].status = Status::Failed;
        after[0].summary = None;
        let kind = &compared(&before, &after).changes[0].kind;
        assert_eq!(kind, &ChangeKind::Status(Status::Measured, Status::Failed));
    }
}
