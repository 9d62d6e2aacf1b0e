//! A comparison for people.

use super::clean::clean;
use super::comparison_exact::exactly;
use super::grid::{Align, Cell, Grid};
use super::quantity::figure;
use super::style::{Palette, Style};
use crate::analysis::{BenchVerdict, Change, Comparison, Difference, Level, Likeness, Outcome, Verdict};

const COLUMNS: [(&str, Align); 11] = [
    ("verdict", Align::Left),
    ("bench", Align::Left),
    ("before", Align::Right),
    ("after", Align::Right),
    ("change", Align::Right),
    ("interval", Align::Right),
    ("p", Align::Right),
    ("q", Align::Right),
    ("effect", Align::Right),
    ("seen from", Align::Right),
    ("boots more", Align::Right),
];

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
        Outcome::Exact(exact) => exactly(comparison, exact, palette),
        Outcome::Boots => by_boots(comparison, palette),
    };
    format!("{title}, {images}\n{body}{}", left_out(comparison))
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

/// What is not in the list.
fn left_out(comparison: &Comparison) -> String {
    let mut text = String::new();
    if comparison.without_figures > 0 {
        text.push_str(&format!("{} benches were skipped\n", comparison.without_figures));
    }
    if comparison.left_out > 0 {
        text.push_str(&format!(
            "{} benches are on one side only and left out: the plans do not ask for the same benches\n",
            comparison.left_out
        ));
    }
    text
}

fn by_boots(comparison: &Comparison, palette: Palette) -> String {
    let mut grid = Grid::new(&COLUMNS);
    for verdict in Verdict::ALL {
        comparison
            .benches
            .iter()
            .filter(|bench| bench.verdict == verdict)
            .for_each(|bench| add(&mut grid, bench));
    }
    let boots = |side: fn(&BenchVerdict) -> Option<Level>| {
        let most = comparison.benches.iter().filter_map(side).map(|level| level.boots).max().unwrap_or(0);
        if most == 1 { "1 boot".to_owned() } else { format!("{most} boots") }
    };
    let (before, after) = (boots(|bench| bench.before), boots(|bench| bench.after));
    let summary = summary(comparison, palette);
    if comparison.benches.is_empty() {
        return format!("{summary}\n");
    }
    format!(
        "{summary}\nmedians of {before} before and {after} after\n\n{}{}{}",
        grid.render(palette, None, &[]),
        reasons(comparison),
        legend(comparison)
    )
}

fn add(grid: &mut Grid, bench: &BenchVerdict) {
    let verdict = Cell::new(verdict_style(bench.verdict), bench.verdict.name());
    let name = clean(&bench.id).into_owned();
    let Some(((change, unit), (before, after))) =
        bench.change.zip(bench.unit).zip(bench.before.zip(bench.after))
    else {
        let reason = bench.reason.as_deref().unwrap_or_default();
        grid.add_across(vec![verdict, Cell::from(format!("{name}: {}", clean(reason)))]);
        return;
    };
    let interval = change.interval.map(|it| format!("{} .. {}", signed(it.low - 1.0), signed(it.high - 1.0)));
    let effect = change.effect.map(|effect| format!("{effect:+.2}"));
    let more = more_boots(bench.verdict, &change);
    grid.add(vec![
        verdict,
        Cell::from(name),
        Cell::from(figure(before.median, unit)),
        Cell::from(figure(after.median, unit)),
        Cell::new(verdict_style(bench.verdict), signed(change.ratio - 1.0)),
        Cell::from(interval.unwrap_or_default()),
        Cell::new(Style::Dim, change.p.map(probability).unwrap_or_default()),
        Cell::new(Style::Dim, change.q.map(probability).unwrap_or_default()),
        Cell::new(Style::Dim, effect.unwrap_or_default()),
        Cell::new(Style::Dim, change.detectable.map(share).unwrap_or_default()),
        Cell::from(more),
    ]);
}

fn more_boots(verdict: Verdict, change: &Change) -> String {
    match change.boots_more {
        Some(more) => format!("{more}"),
        None if verdict == Verdict::Undecided => "> 1000".to_owned(),
        None => String::new(),
    }
}

/// How many benches have each verdict, and what would decide those that are undecided.
pub(super) fn summary(comparison: &Comparison, palette: Palette) -> String {
    let counted = Verdict::ALL.into_iter().map(|verdict| (verdict, comparison.count(verdict)));
    let parts = counted.filter(|(_, count)| *count > 0).map(|(verdict, count)| {
        let part = palette.paint(verdict_style(verdict), &format!("{count} {verdict}"));
        if verdict == Verdict::Undecided { part + &would_decide(comparison) } else { part }
    });
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { "no bench has figures on both sides".to_owned() } else { parts.join(", ") }
}

fn would_decide(comparison: &Comparison) -> String {
    let undecided = || comparison.benches.iter().filter(|bench| bench.verdict == Verdict::Undecided);
    let more: Option<Vec<u32>> = undecided().map(|bench| bench.change?.boots_more).collect();
    // Without a spread to reckon with, nothing is known but how many boots a test needs.
    let is_guess = undecided().any(|bench| bench.change.is_none_or(|change| change.detectable.is_none()));
    let at_least = if is_guess { "at least " } else { "" };
    match more.and_then(|more| more.into_iter().max()) {
        Some(1) => format!(" ({at_least}1 boot more on each side would decide)"),
        Some(most) => format!(" ({at_least}{most} boots more on each side would decide)"),
        None => " (for some not even a thousand boots more on each side would decide)".to_owned(),
    }
}

/// Why the undecided are, and what else is to be said of a bench: each reason with its benches.
fn reasons(comparison: &Comparison) -> String {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for bench in comparison.benches.iter().filter(|bench| bench.change.is_some()) {
        let Some(reason) = bench.reason.as_deref() else { continue };
        match grouped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(&bench.id),
            None => grouped.push((reason, vec![&bench.id])),
        }
    }
    let lines = grouped.iter().map(|(reason, ids)| {
        let names: Vec<_> = ids.iter().take(4).map(|id| clean(id)).collect();
        let more = if ids.len() > names.len() {
            format!(" and {} more", ids.len() - names.len())
        } else {
            String::new()
        };
        format!("  {}: {}{more}\n", clean(reason), names.join(", "))
    });
    let text: String = lines.collect();
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn legend(comparison: &Comparison) -> String {
    let settings = &comparison.settings;
    let seen: Vec<f64> = comparison.benches.iter().filter_map(|bench| bench.change?.detectable).collect();
    let range = seen.iter().copied().reduce(f64::min).zip(seen.iter().copied().reduce(f64::max));
    let range = range.map(|(low, high)| match (share(low), share(high)) {
        (low, high) if low == high => format!("  A change of {low} would have been seen four times in five.\n"),
        (low, high) => {
            format!("  The smallest change that would have been seen four times in five: {low} to {high}, by bench.\n")
        }
    });
    format!(
        "\n{}  A change matters from {} up. Of the changes reported of a suite at most {} are false: q is p corrected \
         for its\n  benches, and the intervals go with it ({} for `equivalent`). Effect is Cliff's delta. Method: \
         docs/methodology-comparison.md.\n",
        range.unwrap_or_default(),
        share(settings.margin),
        share(settings.alpha),
        share(1.0 - 2.0 * settings.alpha),
    )
}

/// How a verdict is coloured.
pub(super) const fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Regressed => Style::Bad,
        Verdict::Improved | Verdict::Equivalent => Style::Good,
        Verdict::Undecided | Verdict::NotComparable | Verdict::Invalid => Style::Warning,
    }
}

/// A share in per cent with its sign.
fn signed(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        size if size < 0.005 => "0.00 %".to_owned(),
        size if size < 10.0 => format!("{percent:+.2} %"),
        size if size < 100.0 => format!("{percent:+.1} %"),
        size if size < 1e6 => format!("{percent:+.0} %"),
        _ => format!("{percent:+.1e} %"),
    }
}

/// A share in per cent.
pub(crate) fn share(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        size if size < 1e-12 => "0 %".to_owned(),
        size if (size - size.round()).abs() < 1e-9 && size < 1e6 => format!("{size:.0} %"),
        size if size < 10.0 => format!("{size:.2} %"),
        size if size < 1e6 => format!("{size:.1} %"),
        size => format!("{size:.1e} %"),
    }
}

fn probability(p: f64) -> String {
    match p {
        p if p < 0.000_1 => "< 0.0001".to_owned(),
        p if p < 0.01 => format!("{p:.4}"),
        p => format!("{p:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_short_and_keep_their_sign() {
        let shown = [0.0, 0.034, -0.5, 8.0, 1e300, -0.000_01].map(signed);
        assert_eq!(shown, ["0.00 %", "+3.40 %", "-50.0 %", "+800 %", "+1.0e302 %", "0.00 %"]);
        assert_eq!([0.0, 0.01, 0.0123, 0.5, 0.321].map(share), ["0 %", "1 %", "1.23 %", "50 %", "32.1 %"]);
        assert_eq!([0.000_01, 0.007_9, 0.34].map(probability), ["< 0.0001", "0.0079", "0.34"]);
    }
}
