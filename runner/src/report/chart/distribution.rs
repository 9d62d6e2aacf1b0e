//! How samples are distributed, and under it how boots differ.

use maud::{Markup, html};

use super::axis::Axis;
use super::frame::{Frame, Words, around, lines, rows};
use super::label::Ladder;
use super::number::{Px, amount};
use super::weights::Weights;
use crate::analysis::{FigureUnit, Figures};
use crate::report::words::figure;

/// Columns that samples are counted in.
const COLUMNS: usize = 72;
/// Boots that get a row of their own; a chart of more would be all rows.
const ROWS_MAX: usize = 24;
/// Height of the columns.
const COLUMNS_HEIGHT: f64 = 130.0;
/// Height of a row of labels.
const LABEL_HEIGHT: f64 = 13.0;

/// What a distribution is drawn from.
#[derive(Debug)]
pub(crate) struct Distribution<'a> {
    /// Unit of the figures.
    pub(crate) unit: FigureUnit,
    /// What the axis counts.
    pub(crate) axis_name: &'a str,
    /// Figures of all boots together.
    pub(crate) figures: &'a Figures,
    /// The samples of all boots; `None` if no boot sent a histogram.
    pub(crate) weights: Option<&'a Weights>,
    /// Number and figures of each boot.
    pub(crate) boots: &'a [(u32, &'a Figures)],
}

/// The chart: columns of samples with percentiles marked, and a row for each boot if there is more than one. `None` if
/// there is nothing to tell apart: all samples are equal, or there is neither a histogram nor a second boot.
#[must_use]
pub(crate) fn distribution(input: &Distribution<'_>, words: &Words) -> Option<Markup> {
    let shown = if input.boots.len() > 1 { &input.boots[..input.boots.len().min(ROWS_MAX)] } else { &[] };
    let (low, high) = ends(input, shown)?;
    if low >= high || (input.weights.is_none() && shown.is_empty()) {
        return None;
    }
    let marks = marks(input.figures, high);
    let row_height = if shown.len() > 8 { 10.0 } else { 14.0 };
    let rows_height = if shown.is_empty() { 0.0 } else { amount(shown.len()) * row_height + 12.0 };
    let columns_height = if input.weights.is_some() { COLUMNS_HEIGHT } else { 0.0 };
    let frame = Frame {
        width: 500.0,
        left: 44.0,
        right: 14.0,
        top: LABEL_HEIGHT * 3.0,
        bottom: 40.0,
        height: LABEL_HEIGHT * 3.0 + columns_height + rows_height + 40.0,
    };
    let axis = Axis::around([low, high], None, frame.across())?;
    let foot = frame.top + columns_height;
    let ladder = Ladder::Figure(input.unit);
    let content = html! {
        (frame.base_line(&axis, ladder))
        (frame.base_title(input.axis_name))
        @if let Some(weights) = input.weights {
            path.area d=(columns(weights, &axis, foot)) {}
            path.axis d=(lines([((frame.left, foot), (frame.width - frame.right, foot))])) {}
        }
        (mark_lines(&marks, &axis, &frame))
        @if !shown.is_empty() { (boot_rows(shown, &axis, foot + 6.0, row_height, &frame)) }
    };
    Some(frame.svg(words, &description(input, shown.len(), (low, high)), &content))
}

/// The range to show: the samples, or without them what the boots' figures span.
fn ends(input: &Distribution<'_>, shown: &[(u32, &Figures)]) -> Option<(f64, f64)> {
    let of_boots = shown.iter().flat_map(|(_, figures)| [figures.min, figures.p99]);
    let of_samples = input.weights.and_then(Weights::ends).map(|(low, high)| [low, high]);
    super::axis::range(of_boots.chain(of_samples.into_iter().flatten()))
}

/// The percentiles up to `high`, the end of what is shown.
fn marks(figures: &Figures, high: f64) -> Vec<(&'static str, f64)> {
    let all = [("P50", Some(figures.p50)), ("P90", Some(figures.p90)), ("P99", Some(figures.p99))];
    let tail = [("P99.9", figures.p999), ("max", Some(figures.max))];
    let all = all.into_iter().chain(tail).filter_map(|(name, value)| Some((name, value?)));
    all.filter(|(_, value)| *value <= high).collect()
}

/// Samples counted in columns of equal width on the axis, as the data of one path. A bucket that spans columns is spread
/// evenly over them; a column with any sample is at least a line high, so that the tail is seen.
fn columns(weights: &Weights, axis: &Axis, foot: f64) -> String {
    let edges: Vec<f64> = (0..=COLUMNS).map(|place| axis.value(amount(place) / amount(COLUMNS))).collect();
    let mut heights = vec![0.0_f64; COLUMNS];
    for bucket in &weights.buckets {
        let place = |value: f64| edges.partition_point(|edge| *edge <= value).clamp(1, COLUMNS) - 1;
        let (first, last) = (place(bucket.low), place(bucket.high));
        let share = bucket.count / amount(last - first + 1);
        heights[first..=last].iter_mut().for_each(|height| *height += share);
    }
    let highest = heights.iter().copied().fold(0.0, f64::max);
    let mut path = String::new();
    let mut is_open = false;
    for (place, height) in heights.iter().enumerate() {
        let (left, right) = (axis.at(edges[place]), axis.at(edges[place + 1]));
        let top = foot - (height / highest * COLUMNS_HEIGHT).max(1.0);
        match (is_open, *height > 0.0) {
            (false, true) => path.push_str(&format!("M{} {}V{}H{}", Px(left), Px(foot), Px(top), Px(right))),
            (true, true) => path.push_str(&format!("V{}H{}", Px(top), Px(right))),
            (true, false) => path.push_str(&format!("V{}", Px(foot))),
            (false, false) => {}
        }
        is_open = *height > 0.0;
    }
    if is_open { format!("{path}V{}", Px(foot)) } else { path }
}

fn mark_lines(marks: &[(&str, f64)], axis: &Axis, frame: &Frame) -> Markup {
    let places: Vec<f64> = marks.iter().map(|(_, value)| axis.at(*value)).collect();
    let labels: Vec<(f64, f64)> = marks.iter().zip(&places).map(|((name, _), x)| around(*x, name)).collect();
    let (foot, _) = frame.up();
    html! {
        @for ((name, _), (x, row)) in marks.iter().zip(places.iter().zip(rows(&labels))) {
            @let label = frame.top - 5.0 - amount(row.min(2)) * LABEL_HEIGHT;
            path.mark d=(lines([((*x, label + 3.0), (*x, foot))])) {}
            text.tick.middle x=(Px(*x)) y=(Px(label)) { (name) }
        }
    }
}

/// A row for each boot: a line from its minimum to its P99, a dot at its median, a tick at its P90.
fn boot_rows(boots: &[(u32, &Figures)], axis: &Axis, top: f64, height: f64, frame: &Frame) -> Markup {
    let row = |place: usize| top + (amount(place) + 0.5) * height;
    let each = || boots.iter().enumerate().map(|(place, (_, figures))| (*figures, row(place)));
    let ranges = each().map(|(it, y)| ((axis.at(it.min), y), (axis.at(it.p99), y)));
    let nineties = each().map(|(it, y)| ((axis.at(it.p90), y - 3.0), (axis.at(it.p90), y + 3.0)));
    html! {
        path.range d=(lines(ranges)) {}
        path.range d=(lines(nineties)) {}
        path.dots d=(super::frame::dots(each().map(|(it, y)| (axis.at(it.p50), y)))) {}
        @for (place, (number, _)) in boots.iter().enumerate() {
            text.tick.end x=(Px(frame.left - 6.0)) y=(Px(row(place) + 3.5)) { "boot " (number) }
        }
    }
}

fn description(input: &Distribution<'_>, rows: usize, (low, high): (f64, f64)) -> String {
    let shown = |value: f64| figure(value, input.unit);
    let mut text = format!("Figures from {} to {}.", shown(low), shown(high));
    if input.weights.is_some() {
        text.push_str(&format!(
            " Columns count samples in {COLUMNS} equal parts of the axis; a part with any sample is at least a line high."
        ));
    }
    let marked: Vec<String> =
        marks(input.figures, high).iter().map(|(name, value)| format!("{name} {}", shown(*value))).collect();
    text.push_str(&format!(" Marked: {}.", marked.join(", ")));
    if rows > 0 {
        text.push_str(" Below, a row for each boot: a line from its minimum to its P99, a dot at its P50, a tick at its P90.");
    }
    if input.boots.len() > ROWS_MAX {
        text.push_str(&format!(" Of {} boots the first {rows} are shown.", input.boots.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use perf_kernel::measure::LogLinear;
    use perf_kernel::wire::{BenchRecord, Mode};

    fn drawn(record: &BenchRecord, boots: u32) -> Option<String> {
        let clock = samples::clock(Mode::Hosted);
        let figures = Figures::of(record, &clock).expect("measured");
        let weights = Weights::of(record, &clock);
        let boots: Vec<_> = (1..=boots).map(|number| (number, &figures)).collect();
        let input = Distribution {
            unit: figures.unit,
            axis_name: "time",
            figures: &figures,
            weights: weights.as_ref(),
            boots: &boots,
        };
        let words = Words { id: "d".into(), title: "Distribution".into() };
        distribution(&input, &words).map(|drawing| drawing.0)
    }

    #[test]
    fn samples_that_are_all_equal_need_no_chart() {
        let mut record = samples::bench("env/pause", 100, 1);
        record.histogram = Some(LogLinear::of(&[100, 100]).to_wire());
        let summary = record.summary.as_mut().expect("measured");
        (summary.min, summary.p90, summary.p99, summary.max) = (100, 100, 100, 100);
        assert_eq!(drawn(&record, 1), None);
    }

    #[test]
    fn boots_have_a_row_each_up_to_a_number_that_is_said() {
        let record = samples::bench("env/pause", 100, 1);
        assert_eq!(drawn(&record, 1), None, "neither a histogram nor a second boot");
        assert!(drawn(&record, 3).expect("three boots").contains("boot 3"));
        let many = drawn(&record, 30).expect("many boots");
        assert!(many.contains("Of 30 boots the first 24 are shown") && !many.contains("boot 25<"));
    }

    #[test]
    fn a_wide_histogram_reaches_into_its_tail() {
        let mut record = samples::bench("env/pause", 100, 1);
        record.histogram = Some(LogLinear::of(&[90, 100, 100, 300]).to_wire());
        let drawing = drawn(&record, 1).expect("a histogram");
        assert_eq!(drawing.matches("P90").count(), 2, "in the drawing and in its description");
        assert!(drawing.contains("Figures from 45.0 ns to 150 ns"), "{drawing}");
    }
}
