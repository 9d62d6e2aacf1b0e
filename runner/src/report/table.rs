//! The table of a report: one line a bench, grouped by suite.

use perf_kernel::suites::{SUITES, Selected};
use perf_kernel::wire::{BenchRecord, Mode, Status};

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::page::PageOptions;
use super::quantity::{byte_rate, counted, figure, rate};
use super::style::Style;
use crate::analysis::{Figures, Judgement, MergedBench, catalogue, judge};

const COLUMNS: [(&str, Align); 12] = [
    ("bench", Align::Left),
    ("n", Align::Right),
    ("P50", Align::Right),
    ("P90", Align::Right),
    ("P99", Align::Right),
    ("P99.9", Align::Right),
    ("max", Align::Right),
    ("\u{b1} MAD", Align::Right),
    ("spread", Align::Right),
    ("rate", Align::Right),
    ("cold P50", Align::Right),
    ("limit", Align::Left),
];

/// Columns that a narrow terminal does without, the first to go first.
const DROPPABLE: [&str; 5] = ["n", "P90", "P99.9", "\u{b1} MAD", "spread"];

/// The table of all benches in `merged` that are not skipped; empty if there are none.
pub(super) fn table(merged: &[MergedBench<'_>], mode: Option<Mode>, options: &PageOptions) -> String {
    let shown: Vec<_> = merged.iter().filter(|bench| bench.status != Status::Skipped).collect();
    if shown.is_empty() {
        return String::new();
    }
    let catalogue = catalogue();
    let mut grid = Grid::new(&COLUMNS);
    let mut suite_before = None;
    for bench in shown {
        let (suite, subject) = bench.id.split_once('/').unwrap_or(("", bench.id));
        if suite_before != Some(suite) {
            grid.add_blank();
            grid.add_across(vec![Cell::new(Style::Heading, heading(suite))]);
            suite_before = Some(suite);
        }
        let name = format!("  {}", clean(subject));
        add_bench(&mut grid, name, bench, catalogue.get(bench.id), mode);
    }
    grid.render(options.palette, options.width, &DROPPABLE)
}

fn heading(suite: &str) -> String {
    let known = SUITES.iter().find(|known| known.name == suite);
    let about = known.map_or("not in the catalogue of this version", |known| known.about);
    let sentence = about.split(':').next().unwrap_or(about);
    format!("{}  {sentence}", clean(suite))
}

fn add_bench(
    grid: &mut Grid,
    name: String,
    bench: &MergedBench<'_>,
    selected: Option<&Selected>,
    mode: Option<Mode>,
) {
    let Some(((figures, record), mode)) = bench.figures.as_ref().zip(bench.worst()).zip(mode) else {
        let reason =
            bench.worst().and_then(|record| record.reason.as_deref()).unwrap_or("no figures arrived");
        let text = format!("{}: {}", status_name(bench.status), clean(reason));
        grid.add_across(vec![Cell::from(name), Cell::new(status_style(bench.status), text)]);
        return;
    };
    let is_usable = bench.status == Status::Measured;
    let base = if is_usable { Style::Plain } else { Style::Dim };
    let shown = |value: f64| Cell::new(base, figure(value, figures.unit));
    let limit = if is_usable {
        limit_cell(selected, record, figures, mode)
    } else {
        Cell::new(status_style(bench.status), status_name(bench.status))
    };
    let spread = bench.spread.map(|spread| format!("{:.1} %", spread * 100.0)).unwrap_or_default();
    grid.add(vec![
        Cell::from(name),
        Cell::new(Style::Dim, counted(figures.n)),
        Cell::new(if is_usable { Style::Bold } else { base }, figure(figures.p50, figures.unit)),
        shown(figures.p90),
        shown(figures.p99),
        figures.p999.map(shown).unwrap_or_default(),
        shown(figures.max),
        Cell::new(Style::Dim, figure(figures.mad, figures.unit)),
        Cell::new(Style::Dim, spread),
        Cell::new(base, rate_text(record, figures)),
        bench.cold.as_ref().map(|cold| Cell::new(base, figure(cold.p50, cold.unit))).unwrap_or_default(),
        limit,
    ]);
}

/// How much is done in a second, or the instructions for a byte in exact mode.
fn rate_text(record: &BenchRecord, figures: &Figures) -> String {
    if let Some(each) = figures.instructions_per_byte(record) {
        return format!("{each:.2} /B");
    }
    let Some(rates) = figures.rates else { return String::new() };
    rates.bytes().map_or_else(|| rate(rates.operations), byte_rate)
}

fn limit_cell(selected: Option<&Selected>, record: &BenchRecord, figures: &Figures, mode: Mode) -> Cell {
    let Some(limit) = selected.and_then(|selected| selected.limits().next()) else { return Cell::default() };
    let text = limit.to_string();
    let text = text.split(" at ").next().unwrap_or(&text);
    match judge(limit, record, figures, mode) {
        Judgement::Met => Cell::new(Style::Good, format!("ok   {text}")),
        Judgement::Missed => Cell::new(Style::Bad, format!("OVER {text}")),
        Judgement::NotJudged(_) => Cell::new(Style::Dim, format!("-    {text}")),
    }
}

/// The word for `status` in reports.
pub(super) const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Measured => "measured",
        Status::Skipped => "skipped",
        Status::Failed => "FAILED",
        Status::Invalid => "INVALID",
    }
}

const fn status_style(status: Status) -> Style {
    match status {
        Status::Measured | Status::Skipped => Style::Plain,
        Status::Failed => Style::Bad,
        Status::Invalid => Style::Warning,
    }
}
