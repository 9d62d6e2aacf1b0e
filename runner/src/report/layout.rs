//! The report of a program in several layouts.

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::quantity::figure;
use super::style::{Palette, Style};
use crate::analysis::{LayoutBench, Layouts, Sensitivity};

/// The report of `found`.
#[must_use]
pub fn layout_page(found: &Layouts, palette: Palette) -> String {
    let columns = [
        ("bench", Align::Left),
        ("lowest", Align::Right),
        ("highest", Align::Right),
        ("layouts", Align::Right),
        ("boots", Align::Right),
        ("sensitivity", Align::Left),
    ];
    let boots = if found.boots == 1 { "1 boot".to_owned() } else { format!("{} boots", found.boots) };
    let title = palette.paint(Style::Bold, &format!("{} layouts, {boots} of each", found.layouts));
    if found.benches.is_empty() {
        return format!("{title}\nno bench was measured in every boot\n");
    }
    let mut grid = Grid::new(&columns);
    for bench in &found.benches {
        let extreme = |start: f64, pick: fn(f64, f64) -> f64| bench.medians.iter().copied().fold(start, pick);
        grid.add(vec![
            clean(&bench.id).into_owned().into(),
            figure(extreme(f64::INFINITY, f64::min), bench.unit).into(),
            figure(extreme(0.0, f64::max), bench.unit).into(),
            percent(bench.spread_of_layouts).into(),
            bench.spread_of_boots.map(percent).unwrap_or_default().into(),
            verdict(bench),
        ]);
    }
    let sensitive = found.benches.iter().filter(|bench| bench.sensitivity == Sensitivity::Sensitive).count();
    let total = match sensitive {
        0 => "no bench is seen to depend on the layout".to_owned(),
        1 => "1 bench is layout-sensitive".to_owned(),
        number => format!("{number} benches are layout-sensitive"),
    };
    let broken = "instructions were counted, and no layout may change their number: the bench does other work or \
                  branches on addresses\n";
    let broken = if found.is_exact_broken() { palette.paint(Style::Bad, broken) } else { String::new() };
    format!("{title}\n\n{}\n{total}\n{broken}", grid.render(palette, None, &[]))
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn verdict(bench: &LayoutBench) -> Cell {
    match bench.sensitivity {
        Sensitivity::Sensitive => {
            Cell::new(Style::Warning, format!("layout-sensitive: {}", percent(bench.spread_of_layouts)))
        }
        Sensitivity::NotSeen if bench.spread_of_layouts == 0.0 => Cell::new(Style::Plain, "none"),
        Sensitivity::NotSeen => Cell::new(Style::Plain, "none seen"),
        Sensitivity::Unknown => Cell::new(Style::Dim, "unknown: one boot of each layout"),
    }
}
