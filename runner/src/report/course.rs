//! The history of a bench as text.

use super::clean::clean;
use super::findings::paragraph;
use super::grid::{Align, Cell, Grid};
use super::quantity::figure;
use super::style::{Palette, Style};
use crate::analysis::FigureUnit;
use crate::store::{Series, SeriesPoint};
use crate::tracking::{FindingState, TrackedFinding};

/// Columns of the curve.
const CURVE_WIDTH: usize = 80;

/// Heights of the curve, lowest first.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The history of a bench: its curve, its newest `rows` runs, and what was found in it.
#[must_use]
pub fn course(series: &Series, findings: &[TrackedFinding], rows: usize, palette: Palette) -> String {
    let mut text = String::new();
    let unit = series.points.last().and_then(|point| FigureUnit::of_name(&point.unit));
    let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
    let (low, high) = range(&values);
    let span = match unit {
        Some(unit) if !values.is_empty() => format!(", {} to {}", figure(low, unit), figure(high, unit)),
        _ => String::new(),
    };
    let head = format!("{}: {} runs{span}", clean(&series.bench), values.len());
    text.push_str(&palette.paint(Style::Heading, &head));
    text.push_str(&format!("\n{}\n\n", curve(&values)));
    text.push_str(&table(series, findings, rows, palette));
    for finding in findings {
        text.push('\n');
        text.push_str(&paragraph(finding, palette));
    }
    if findings.is_empty() {
        text.push_str("\nnothing was found in this history\n");
    }
    text
}

fn table(series: &Series, findings: &[TrackedFinding], rows: usize, palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("run", Align::Left),
        ("started", Align::Left),
        ("revision", Align::Left),
        ("boots", Align::Right),
        ("value", Align::Right),
        ("change", Align::Right),
        ("", Align::Left),
    ]);
    let skipped = series.points.len().saturating_sub(rows);
    if skipped > 0 {
        grid.add_across(vec![Cell::new(Style::Dim, format!("({skipped} older runs; --rows shows more)"))]);
    }
    for (at, point) in series.points.iter().enumerate().skip(skipped) {
        let before = at.checked_sub(1).and_then(|before| series.points.get(before));
        let begins: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.finding.at == at && finding.state == FindingState::Standing)
            .map(|finding| finding.finding.kind.name())
            .collect();
        grid.add(vec![
            Cell::new(Style::Bold, clean(&point.run)),
            Cell::from(point.started.to_string()),
            Cell::from(revision(point)),
            Cell::from(point.boots.to_string()),
            Cell::from(value(point)),
            Cell::from(change(before, point)),
            Cell::new(Style::Warning, begins.join(", ")),
        ]);
    }
    grid.render(palette, None, &[])
}

fn revision(point: &SeriesPoint) -> String {
    let name = point.revision.as_deref().or(point.image_hash.as_deref()).unwrap_or("");
    clean(&name.chars().take(12).collect::<String>()).into_owned()
}

fn value(point: &SeriesPoint) -> String {
    match FigureUnit::of_name(&point.unit) {
        Some(unit) => figure(point.value, unit),
        None => format!("{} {}", point.value, clean(&point.unit)),
    }
}

/// Change against the run before, in percent; empty where there is none or the unit is another one.
fn change(before: Option<&SeriesPoint>, point: &SeriesPoint) -> String {
    let Some(before) = before.filter(|before| before.unit == point.unit) else { return String::new() };
    let part = (point.value - before.value) / before.value.abs();
    if part.is_finite() { format!("{:+.2} %", 100.0 * part) } else { String::new() }
}

/// The values as a line of blocks; of several in one column the median is drawn.
fn curve(values: &[f64]) -> String {
    let (low, high) = range(values);
    let width = values.len().min(CURVE_WIDTH);
    let edge = |column: usize| column * values.len() / width.max(1);
    let columns = (0..width).map(|column| &values[edge(column)..edge(column + 1)]);
    let medians = columns.filter_map(|part| crate::analysis::median(part.iter().copied()));
    medians.map(|value| HEIGHTS[height(value, low, high)]).collect()
}

/// The place of a value among the heights; the middle if all values are equal.
fn height(value: f64, low: f64, high: f64) -> usize {
    let part = (value - low) / (high - low);
    let steps = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
    if part.is_finite() { steps.iter().filter(|step| part >= **step).count() } else { HEIGHTS.len() / 2 }
}

fn range(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
}

/// One line for each history with findings that stand.
#[must_use]
pub fn course_lines(courses: &[(String, Series, Vec<TrackedFinding>)], palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("bench", Align::Left),
        ("machine", Align::Left),
        ("runs", Align::Right),
        ("newest", Align::Right),
        ("", Align::Left),
        ("findings", Align::Left),
    ]);
    for (machine, series, findings) in courses {
        let kinds: Vec<&str> = findings.iter().map(|finding| finding.finding.kind.name()).collect();
        let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
        let newest = values.len().saturating_sub(CURVE_WIDTH / 2);
        let style =
            if findings.iter().any(TrackedFinding::calls_for_action) { Style::Bad } else { Style::Plain };
        grid.add(vec![
            Cell::new(Style::Bold, clean(&series.bench)),
            Cell::from(clean(&machine.chars().take(8).collect::<String>()).into_owned()),
            Cell::from(values.len().to_string()),
            Cell::from(series.points.last().map(value).unwrap_or_default()),
            Cell::from(curve(&values[newest..])),
            Cell::new(style, kinds.join(", ")),
        ]);
    }
    grid.render(palette, None, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::UnixSeconds;
    use proptest::prelude::*;

    fn series(values: &[f64]) -> Series {
        let point = |(place, value): (usize, &f64)| SeriesPoint {
            run: format!("a{place}"),
            started: UnixSeconds(0),
            revision: Some("r\u{1b}".into()),
            image_hash: None,
            unit: "ns".into(),
            value: *value,
            low: *value,
            high: *value,
            boots: 2,
        };
        Series { bench: "memory/\u{1b}x".into(), points: values.iter().enumerate().map(point).collect() }
    }

    #[test]
    fn the_newest_runs_are_shown_with_value_and_change() {
        let text = course(&series(&[100.0, 100.0, 110.0]), &[], 2, Palette::Plain);
        for part in ["3 runs, 100 ns to 110 ns", "(1 older runs", "+10.00 %", "nothing was found", "▁▁█"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains("a0"), "{text}");
    }

    #[test]
    fn a_history_without_points_is_shown_as_such() {
        assert!(course(&series(&[]), &[], 9, Palette::Plain).contains("0 runs\n"));
    }

    proptest! {
        #[test]
        fn any_values_have_a_curve_of_their_width(values in prop::collection::vec(any::<f64>(), 0..300)) {
            prop_assert_eq!(curve(&values).chars().count(), values.len().min(CURVE_WIDTH));
        }
    }
}
