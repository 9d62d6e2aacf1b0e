//! A comparison for people.

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::quantity::{figure, instructions};
use super::style::{Palette, Style};
use super::table::status_name;
use crate::analysis::{
    Comparison, Difference, ExactChange, ExactChangeKind, ExactComparison, Likeness, MedianComparison,
    MedianPair, Outcome,
};

/// The text of `comparison`.
#[must_use]
pub fn comparison(comparison: &Comparison, palette: Palette) -> String {
    let (a, b) = (clean(&comparison.a), clean(&comparison.b));
    let images = match comparison.images {
        Likeness::Same => "the same image",
        Likeness::Different => "different images",
        Likeness::Unknown => "an image that is not known",
    };
    let title = palette.paint(Style::Bold, &format!("{a} (before) and {b} (after)"));
    let body = match &comparison.outcome {
        Outcome::NotComparable(differences) => not_comparable(differences, palette),
        Outcome::Exact(exact) => exactly(exact, comparison.images, palette),
        Outcome::Medians(medians) => medians_side_by_side(medians, palette),
    };
    format!("{title}, {images}\n{body}")
}

fn not_comparable(differences: &[Difference], palette: Palette) -> String {
    let mut grid = Grid::new(&[("field", Align::Left), ("before", Align::Left), ("after", Align::Left)]);
    for difference in differences {
        grid.add(vec![
            Cell::from(clean(&difference.field).into_owned()),
            Cell::new(Style::Warning, clean(&difference.a)),
            Cell::new(Style::Warning, clean(&difference.b)),
        ]);
    }
    let verdict = palette.paint(Style::Warning, "not comparable");
    let fields = if differences.len() == 1 { "one field differs" } else { "these fields differ" };
    format!("{verdict}: only like is compared, and {fields}\n\n{}", grid.render(palette, None, &[]))
}

fn exactly(exact: &ExactComparison, images: Likeness, palette: Palette) -> String {
    let fields_only = |change: &&ExactChange| matches!(change.kind, ExactChangeKind::Fields(_));
    let (notes, changes): (Vec<_>, Vec<_>) =
        exact.changes.iter().partition(|change| images == Likeness::Different && fields_only(change));
    let mut text = if changes.is_empty() {
        let nothing = format!("no difference in {} benches", exact.compared);
        format!("{}, exact to the instruction\n", palette.paint(Style::Good, &nothing))
    } else {
        let number = palette.paint(Style::Bad, &format!("{} differences", changes.len()));
        format!(
            "{number}; {} benches were measured on both sides\n\n{}",
            exact.compared,
            changes_grid(&changes, palette)
        )
    };
    if !notes.is_empty() {
        let names: Vec<_> = notes.iter().take(4).map(|change| clean(&change.id)).collect();
        let more = if notes.len() > names.len() { ", ..." } else { "" };
        text.push_str(&format!(
            "equal figures, but other fields of the record differ in {}: {}{more}\n",
            notes.len(),
            names.join(", ")
        ));
    }
    if exact.without_figures > 0 {
        text.push_str(&format!("{} benches have no figures to compare\n", exact.without_figures));
    }
    if exact.not_asked_for > 0 {
        text.push_str(&format!(
            "{} benches are on one side only and left out: the plans do not ask for the same benches\n",
            exact.not_asked_for
        ));
    }
    text
}

fn changes_grid(changes: &[&ExactChange], palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("bench", Align::Left),
        ("figure", Align::Left),
        ("before", Align::Right),
        ("after", Align::Right),
        ("delta", Align::Right),
        ("", Align::Right),
    ]);
    for change in changes {
        let name = Cell::from(clean(&change.id).into_owned());
        match &change.kind {
            ExactChangeKind::Figures { statistic, before, after } => {
                let delta = after - before;
                let style = if delta > 0.0 { Style::Bad } else { Style::Good };
                let sign = if delta > 0.0 { "+" } else { "" };
                let share =
                    if *before > 0.0 { format!("{:+.3} %", delta / before * 100.0) } else { String::new() };
                grid.add(vec![
                    name,
                    Cell::from((*statistic).to_owned()),
                    Cell::from(instructions(*before)),
                    Cell::from(instructions(*after)),
                    Cell::new(style, format!("{sign}{}", instructions(delta))),
                    Cell::new(style, share),
                ]);
            }
            other => grid.add_across(vec![name, Cell::new(Style::Warning, in_words(other))]),
        }
    }
    grid.render(palette, None, &[])
}

pub(super) fn in_words(kind: &ExactChangeKind) -> String {
    match kind {
        ExactChangeKind::Figures { statistic, .. } => format!("{statistic} differs"),
        ExactChangeKind::Status(before, after) => {
            format!("{}, now {}", status_name(*before), status_name(*after))
        }
        ExactChangeKind::Fields(fields) => format!("equal figures; differs in {}", clean(&fields.join(", "))),
        ExactChangeKind::Gone => "gone: only before".to_owned(),
        ExactChangeKind::New => "new: only after".to_owned(),
    }
}

fn medians_side_by_side(medians: &MedianComparison, palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("bench", Align::Left),
        ("before", Align::Right),
        ("after", Align::Right),
        ("ratio", Align::Right),
        ("boots before", Align::Left),
        ("boots after", Align::Left),
    ]);
    for pair in &medians.pairs {
        let range = |(low, high): (f64, f64), boots: usize| {
            let text = format!("{} .. {}", figure(low, pair.unit), figure(high, pair.unit));
            Cell::new(Style::Dim, if boots > 1 { text } else { String::new() })
        };
        grid.add(vec![
            Cell::from(clean(&pair.id).into_owned()),
            Cell::from(figure(pair.a, pair.unit)),
            Cell::from(figure(pair.b, pair.unit)),
            Cell::new(Style::Bold, ratio(pair)),
            range(pair.range_a, medians.boots_a),
            range(pair.range_b, medians.boots_b),
        ]);
    }
    let boots = |number: usize| if number == 1 { "1 boot".to_owned() } else { format!("{number} boots") };
    let mut text = format!(
        "medians of {} and of {} side by side, without a verdict: boots are the replicates, and telling\n\
         a change from chance takes more of them than this version looks at\n\n{}",
        boots(medians.boots_a),
        boots(medians.boots_b),
        grid.render(palette, None, &[])
    );
    if !medians.unpaired.is_empty() {
        text.push_str(&format!("{} benches have figures on one side only\n", medians.unpaired.len()));
    }
    text
}

fn ratio(pair: &MedianPair) -> String {
    if pair.ratio.is_finite() { format!("{:.3}", pair.ratio) } else { String::new() }
}
