//! How often random halves of equal boots were called different, for people.

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::style::{Palette, Style};
use crate::analysis::{Settings, Splits};

const COLUMNS: [(&str, Align); 9] = [
    ("suite", Align::Left),
    ("benches", Align::Right),
    ("comparisons", Align::Right),
    ("regressed", Align::Right),
    ("improved", Align::Right),
    ("false", Align::Right),
    ("equivalent", Align::Right),
    ("undecided", Align::Right),
    ("splits with a false one", Align::Right),
];

/// The table of `found`, which was decided by `settings`.
#[must_use]
pub fn split_table(found: &Splits, settings: &Settings, palette: Palette) -> String {
    let mut grid = Grid::new(&COLUMNS);
    let mut is_kept = true;
    for suite in &found.suites {
        let comparisons = suite.regressed + suite.improved + suite.equivalent + suite.undecided;
        let share = f64::from(suite.splits_changed) / f64::from(found.splits.max(1));
        is_kept &= share <= settings.alpha;
        let style = if share <= settings.alpha { Style::Good } else { Style::Bad };
        grid.add(vec![
            Cell::from(clean(&suite.name).into_owned()),
            Cell::from(suite.benches.to_string()),
            Cell::from(comparisons.to_string()),
            Cell::from(suite.regressed.to_string()),
            Cell::from(suite.improved.to_string()),
            Cell::from(percent_of(suite.regressed + suite.improved, comparisons)),
            Cell::from(percent_of(suite.equivalent, comparisons)),
            Cell::from(percent_of(suite.undecided, comparisons)),
            Cell::new(style, format!("{} ({:.1} %)", suite.splits_changed, share * 100.0)),
        ]);
    }
    let stated = format!("stated: in at most {:.1} % of the splits of a suite", settings.alpha * 100.0);
    let verdict =
        if is_kept { palette.paint(Style::Good, "kept") } else { palette.paint(Style::Bad, "not kept") };
    let boots = found.boots;
    format!(
        "boots split at random {} times, {boots} and {boots}; every change that is reported is false\n\n{}\n{stated}; {verdict}\n",
        found.splits,
        grid.render(palette, None, &[])
    )
}

fn percent_of(part: usize, all: usize) -> String {
    let (part, all) = (crate::analysis::count_of(part), crate::analysis::count_of(all.max(1)));
    format!("{:.2} %", part / all * 100.0)
}
