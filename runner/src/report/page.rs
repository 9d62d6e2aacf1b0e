//! The report of a run on one page.

use perf_kernel::wire::Status;

use super::style::{Palette, Style};
use super::{header, notes, scaling, stop, table};
use crate::analysis::{MergedBench, merge};
use crate::store::Run;

/// How a page looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageOptions {
    /// Colour or none.
    pub palette: Palette,
    /// Columns of the terminal; `None` elsewhere.
    pub width: Option<usize>,
    /// How much is said about skipped benches and warnings.
    pub skipped: SkippedDetail,
}

/// How much is said about skipped benches and warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkippedDetail {
    /// A line for each reason.
    Grouped,
    /// A line for each bench.
    Each,
}

/// The report of `run`.
#[must_use]
pub fn page(run: &Run, options: &PageOptions) -> String {
    let merged = merge(run.boots.iter().map(|stored| &stored.boot));
    let mut text = header::header(run, options.palette);
    let table = table::table(&merged, run.mode(), options);
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table);
    }
    let scaling = scaling::scaling(&merged, options);
    if !scaling.is_empty() {
        text.push('\n');
        text.push_str(&scaling);
    }
    text.push_str(&notes::notes(run, &merged, options));
    text.push_str(&stop::crashes(&run.boots, options.palette));
    text.push('\n');
    text.push_str(&totals(&merged, options.palette));
    text
}

/// One line that says how it went.
fn totals(merged: &[MergedBench<'_>], palette: Palette) -> String {
    let parts = [
        (Status::Measured, "measured", Style::Good),
        (Status::Failed, "failed", Style::Bad),
        (Status::Invalid, "invalid", Style::Warning),
        (Status::Skipped, "skipped", Style::Dim),
    ];
    let shown = parts.into_iter().filter_map(|(status, word, style)| {
        let number = merged.iter().filter(|bench| bench.status == status).count();
        let is_shown = number > 0 || status == Status::Measured;
        is_shown
            .then(|| palette.paint(if number > 0 { style } else { Style::Bad }, &format!("{number} {word}")))
    });
    format!("{}\n", shown.collect::<Vec<_>>().join(", "))
}
