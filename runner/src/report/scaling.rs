//! How cost grows with scale: one line a subject.

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::page::PageOptions;
use super::quantity::figure;
use super::style::Style;
use crate::analysis::{FigureUnit, Growth, GrowthClass, MergedBench, growth_of};

/// Fewer scales show no law.
const SCALES_MIN: usize = 3;

const COLUMNS: [(&str, Align); 5] = [
    ("scaling", Align::Left),
    ("scales", Align::Left),
    ("cost of an operation", Align::Right),
    ("exponent", Align::Right),
    ("growth", Align::Left),
];

/// Columns that a narrow terminal does without, the first to go first.
const DROPPABLE: [&str; 2] = ["scales", "cost of an operation"];

/// The subjects of `merged` with three scales or more; empty if there are none.
pub(super) fn scaling(merged: &[MergedBench<'_>], options: &PageOptions) -> String {
    let all = growth_of(merged);
    let mut grid = Grid::new(&COLUMNS);
    let mut is_empty = true;
    for growth in all.iter().filter(|growth| growth.costs.len() >= SCALES_MIN) {
        grid.add(cells(growth));
        is_empty = false;
    }
    if is_empty { String::new() } else { grid.render(options.palette, options.width, &DROPPABLE) }
}

fn cells(growth: &Growth) -> Vec<Cell> {
    let ends = growth.costs.first().zip(growth.costs.last());
    let scales = ends.map(|(first, last)| format!("{} to {}", clean(&first.scale), clean(&last.scale)));
    let unit = unit_of(&growth.unit);
    let costs =
        ends.map(|(first, last)| format!("{} to {}", figure(first.cost, unit), figure(last.cost, unit)));
    let exponent = growth
        .exponent
        .zip(growth.interval)
        .map(|(exponent, interval)| format!("{exponent:.2} ({:.2} to {:.2})", interval.low, interval.high));
    let style = if growth.class == GrowthClass::Unclear { Style::Dim } else { Style::Plain };
    vec![
        Cell::from(format!("  {}", clean(&growth.subject))),
        Cell::new(Style::Dim, scales.unwrap_or_default()),
        Cell::from(costs.unwrap_or_default()),
        Cell::new(Style::Dim, exponent.unwrap_or_default()),
        Cell::new(style, growth.class.name()),
    ]
}

/// Growth is of time or of instructions.
fn unit_of(name: &str) -> FigureUnit {
    if name == FigureUnit::Instructions.name() { FigureUnit::Instructions } else { FigureUnit::Nanoseconds }
}
