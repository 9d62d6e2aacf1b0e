//! A search for a first bad revision as text.

use std::collections::BTreeMap;

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::quantity::figure;
use super::style::{Palette, Style};
use crate::analysis::{FigureUnit, median};
use crate::bisect::{Candidate, Search};

/// Probability below which a revision without figures is not shown.
const PROBABILITY_SHOWN: f64 = 1e-3;

/// Candidates that are shown before the least probable ones are only counted.
const CANDIDATES_SHOWN: usize = 40;

/// The revisions of a search in order, with what is known of each; `subjects` are first lines of messages by revision.
#[must_use]
pub fn search_text(
    search: &Search,
    subjects: &BTreeMap<String, String>,
    unit: Option<FigureUnit>,
    palette: Palette,
) -> String {
    let mut grid = Grid::new(&[
        ("revision", Align::Left),
        ("probability", Align::Right),
        ("runs", Align::Right),
        ("median", Align::Right),
        ("", Align::Left),
    ]);
    let line = |revision: &str, probability: String, figures: &[f64], style| {
        let middle = median(figures.iter().copied()).zip(unit).map(|(value, unit)| figure(value, unit));
        let subject = subjects.get(revision).map_or("", String::as_str);
        vec![
            Cell::new(style, clean(&revision.chars().take(12).collect::<String>())),
            Cell::from(probability),
            Cell::from(if figures.is_empty() { String::new() } else { figures.len().to_string() }),
            Cell::from(middle.unwrap_or_default()),
            Cell::from(clean(&subject.chars().take(60).collect::<String>()).into_owned()),
        ]
    };
    grid.add(line(&search.good, "good".to_owned(), &[], Style::Good));
    let shown = shown(&search.candidates);
    for candidate in search.candidates.iter().filter(|candidate| shown.contains(&candidate.revision.as_str()))
    {
        let style =
            if search.found.as_ref() == Some(&candidate.revision) { Style::Bad } else { Style::Plain };
        let probability = format!("{:.1} %", 100.0 * candidate.probability);
        grid.add(line(&candidate.revision, probability, &candidate.figures, style));
    }
    let hidden = search.candidates.len() - shown.len();
    let mut text = grid.render(palette, None, &[]);
    if hidden > 0 {
        text.push_str(&format!("({hidden} less probable revisions are not shown)\n"));
    }
    text
}

fn shown(candidates: &[Candidate]) -> Vec<&str> {
    let is_of_note =
        |candidate: &&Candidate| candidate.probability >= PROBABILITY_SHOWN || !candidate.figures.is_empty();
    let mut shown: Vec<&Candidate> = candidates.iter().filter(is_of_note).collect();
    shown.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    shown.into_iter().take(CANDIDATES_SHOWN).map(|candidate| candidate.revision.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_shown_in_order_with_probability_and_figures() {
        let candidate = |revision: &str, figures: &[f64], probability| Candidate {
            revision: revision.into(),
            figures: figures.to_vec(),
            probability,
        };
        let search = Search {
            good: "0000000000000000".into(),
            candidates: vec![
                candidate("1111111111111111", &[], 0.0),
                candidate("2222222222222222", &[101.0, 103.0], 0.25),
                candidate("3333333333333333", &[], 0.75),
            ],
            found: None,
            next: Some("2222222222222222".into()),
        };
        let subjects = BTreeMap::from([("3333333333333333".to_owned(), "bad\u{1b}[2J".to_owned())]);
        let text = search_text(&search, &subjects, Some(FigureUnit::Nanoseconds), Palette::Plain);
        for part in ["000000000000", "good", "25.0 %", "102 ns", "75.0 %", "bad\\u{1b}", "(1 less probable"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
