//! A comparison to the instruction for people.

use super::clean::clean;
use super::comparison::{summary, verdict_style};
use super::grid::{Align, Cell, Grid};
use super::quantity::instructions;
use super::style::{Palette, Style};
use super::table::status_name;
use crate::analysis::{Comparison, ExactChange, ExactChangeKind, ExactComparison, Likeness, Verdict};

/// What `exact`, the outcome of `comparison`, found.
pub(super) fn exactly(comparison: &Comparison, exact: &ExactComparison, palette: Palette) -> String {
    let fields_only = |change: &&ExactChange| matches!(change.kind, ExactChangeKind::Fields(_));
    let (notes, changes): (Vec<_>, Vec<_>) = exact
        .changes
        .iter()
        .partition(|change| comparison.images == Likeness::Different && fields_only(change));
    let mut text = if changes.is_empty() {
        let nothing = format!("no difference in {} benches", exact.compared);
        format!("{}, exact to the instruction\n", palette.paint(Style::Good, &nothing))
    } else {
        let differences =
            if changes.len() == 1 { "1 difference" } else { &format!("{} differences", changes.len()) };
        format!(
            "{}; {} benches were measured on both sides\n{}\n\n{}",
            palette.paint(Style::Bad, differences),
            exact.compared,
            summary(comparison, palette),
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
    let has_changed = |id: &str| exact.changes.iter().any(|change| change.id == id);
    let unjudged = comparison.benches.iter().filter(|bench| {
        matches!(bench.verdict, Verdict::Invalid | Verdict::NotComparable) && !has_changed(&bench.id)
    });
    for bench in unjudged {
        let reason = bench.reason.as_deref().unwrap_or_default();
        let verdict = palette.paint(verdict_style(bench.verdict), bench.verdict.name());
        text.push_str(&format!(
            "{verdict}, before and after alike: {}: {}\n",
            clean(&bench.id),
            clean(reason)
        ));
    }
    text
}

fn changes_grid(changes: &[&ExactChange], palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("bench", Align::Left),
        ("verdict", Align::Left),
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
                let style = verdict_style(change.verdict);
                let sign = if delta > 0.0 { "+" } else { "" };
                let share =
                    if *before > 0.0 { format!("{:+.3} %", delta / before * 100.0) } else { String::new() };
                grid.add(vec![
                    name,
                    Cell::new(style, change.verdict.name()),
                    Cell::from((*statistic).to_owned()),
                    Cell::from(instructions(*before)),
                    Cell::from(instructions(*after)),
                    Cell::new(style, format!("{sign}{}", instructions(delta))),
                    Cell::new(style, share),
                ]);
            }
            other => {
                let words = format!("{}: {}", change.verdict, in_words(other));
                grid.add_across(vec![name, Cell::new(Style::Warning, words)]);
            }
        }
    }
    grid.render(palette, None, &[])
}

/// In what a bench differs.
pub(crate) fn in_words(kind: &ExactChangeKind) -> String {
    match kind {
        ExactChangeKind::Figures { statistic, .. } => format!("{statistic} differs"),
        ExactChangeKind::Status(before, after) => {
            format!("{}, now {}", status_name(*before), status_name(*after))
        }
        ExactChangeKind::Fields(fields) => format!("equal figures; differs in {}", clean(&fields.join(", "))),
        ExactChangeKind::Disagreement(sentence) => clean(sentence).into_owned(),
        ExactChangeKind::Gone => "gone: only before".to_owned(),
        ExactChangeKind::New => "new: only after".to_owned(),
    }
}
