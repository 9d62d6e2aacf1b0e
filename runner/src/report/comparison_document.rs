//! Comparisons for scripts: the contract that `docs/json.md` describes.

use serde::Serialize;

use super::json::to_json;
use crate::analysis::{Change, Comparison, Level, Likeness, Outcome, Settings};

/// The version of the contract. Fields may be added without a change; none is renamed, removed or given to another
/// meaning.
const FORMAT: u32 = 1;

/// How deep lines are broken: each bench of each comparison has one.
const OPEN_DEPTH: usize = 4;

#[derive(Serialize)]
struct ComparisonsDocument<'a> {
    format: u32,
    comparisons: Vec<ComparisonDocument<'a>>,
}

#[derive(Serialize)]
struct ComparisonDocument<'a> {
    before: &'a str,
    after: &'a str,
    images: &'static str,
    method: &'static str,
    settings: Settings,
    differences: Vec<DifferenceDocument<'a>>,
    left_out: usize,
    without_figures: usize,
    benches: Vec<VerdictDocument<'a>>,
}

#[derive(Serialize)]
struct DifferenceDocument<'a> {
    field: &'a str,
    before: &'a str,
    after: &'a str,
}

#[derive(Serialize)]
struct VerdictDocument<'a> {
    id: &'a str,
    verdict: &'static str,
    reason: Option<&'a str>,
    unit: Option<&'static str>,
    before: Option<Level>,
    after: Option<Level>,
    change: Option<Change>,
}

/// The comparisons as JSON, a line for each bench.
#[must_use]
pub fn comparisons_json(comparisons: &[Comparison]) -> String {
    let comparisons = comparisons.iter().map(document).collect();
    to_json(&ComparisonsDocument { format: FORMAT, comparisons }, OPEN_DEPTH)
}

fn document(comparison: &Comparison) -> ComparisonDocument<'_> {
    let differences = comparison.differences().iter().map(|difference| DifferenceDocument {
        field: &difference.field,
        before: &difference.a,
        after: &difference.b,
    });
    let benches = comparison.benches.iter().map(|bench| VerdictDocument {
        id: &bench.id,
        verdict: bench.verdict.name(),
        reason: bench.reason.as_deref(),
        unit: bench.unit.map(crate::analysis::FigureUnit::name),
        before: bench.before,
        after: bench.after,
        change: bench.change,
    });
    ComparisonDocument {
        before: &comparison.a,
        after: &comparison.b,
        images: match comparison.images {
            Likeness::Same => "same",
            Likeness::Different => "different",
            Likeness::Unknown => "unknown",
        },
        method: match comparison.outcome {
            Outcome::NotComparable(_) => "none",
            Outcome::Exact(_) => "exact",
            Outcome::Boots => "boots",
        },
        settings: comparison.settings,
        differences: differences.collect(),
        left_out: comparison.left_out,
        without_figures: comparison.without_figures,
        benches: benches.collect(),
    }
}
