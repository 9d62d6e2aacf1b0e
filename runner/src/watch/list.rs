//! The list of benches.

use perf_kernel::wire::Status;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style as ScreenStyle};

use super::distribution::{BODY, ranges, sparkline};
use super::snapshot::{Row, RowState};
use super::state::State;
use super::theme::look;
use crate::report::quantity::figure;
use crate::report::{Palette, Style, clean};

/// Columns of a figure, with the space before it.
const FIGURE: u16 = 10;

/// A screen from this width up has room for the 99th percentile and a wider distribution.
const WIDE: u16 = 110;

/// Where the columns begin, from the left end of the list, and the width of the first.
struct Columns {
    name_width: u16,
    figures: Vec<(&'static str, u16)>,
    distribution: u16,
    distribution_width: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let names: &[&'static str] = if width >= WIDE { &["P50", "MAD", "P99"] } else { &["P50", "MAD"] };
        let distribution_width = if width >= WIDE { 30 } else { 16 };
        let figures_width = names.iter().map(|_| FIGURE).sum::<u16>();
        let name_width = width.saturating_sub(2 + figures_width + 2 + distribution_width);
        let first = 2 + name_width;
        let places = (0..).zip(names).map(|(place, name)| (*name, first + place * FIGURE));
        Self {
            name_width,
            figures: places.collect(),
            distribution: first + figures_width + 2,
            distribution_width,
        }
    }
}

/// Draws the list with its heading into `area`, so that the marked row is in view.
pub(super) fn draw(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let columns = Columns::of(area.width);
    draw_heading(&columns, palette, area, buffer);
    let visible = state.visible();
    let height = usize::from(area.height.saturating_sub(1));
    let marked = state.place_of_mark();
    // The mark stays in the middle, except near the ends.
    let first =
        marked.unwrap_or_default().saturating_sub(height / 2).min(visible.len().saturating_sub(height));
    if visible.is_empty() {
        let text =
            if state.filter.is_empty() { "no bench has begun yet" } else { "no bench has that in its id" };
        buffer.set_stringn(area.x + 2, area.y + 1, text, usize::from(area.width), look(palette, Style::Dim));
    }
    let lines = (area.y + 1..area.bottom()).zip(visible.iter().enumerate().skip(first));
    for (y, (place, row)) in lines {
        let line = Rect { y, height: 1, ..area };
        draw_row(row, &columns, palette, line, buffer);
        if marked == Some(place) {
            buffer.set_style(line, ScreenStyle::new().add_modifier(Modifier::REVERSED));
        }
    }
}

fn draw_heading(columns: &Columns, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let dim = look(palette, Style::Dim);
    buffer.set_stringn(area.x + 2, area.y, "bench", usize::from(columns.name_width), dim);
    for (name, x) in &columns.figures {
        right(buffer, area.x + x, area.y, name, dim);
    }
    let width = usize::from(columns.distribution_width);
    buffer.set_stringn(area.x + columns.distribution, area.y, "up to P99", width, dim);
}

fn draw_row(row: &Row, columns: &Columns, palette: Palette, line: Rect, buffer: &mut Buffer) {
    let (sign, style) = sign(row.state);
    let style = look(palette, style);
    buffer.set_stringn(line.x, line.y, sign, 1, style);
    let name = if row.state == RowState::Pending { look(palette, Style::Dim) } else { ScreenStyle::new() };
    buffer.set_stringn(line.x + 2, line.y, &row.id, usize::from(columns.name_width), name);
    let is_usable = row.state == RowState::Ended(Status::Measured);
    let Some(figures) = row.figures.as_ref().filter(|_| is_usable) else {
        let x = columns.figures.first().map_or(0, |(_, x)| *x) + 1;
        let room = usize::from(line.width.saturating_sub(x));
        buffer.set_stringn(line.x + x, line.y, in_words(row), room, style);
        return;
    };
    for (name, x) in &columns.figures {
        let (value, style) = match *name {
            "P50" => (figures.p50, look(palette, Style::Bold)),
            "P99" => (figures.p99, ScreenStyle::new()),
            _ => (figures.mad, look(palette, Style::Dim)),
        };
        right(buffer, line.x + x, line.y, &figure(value, figures.unit), style);
    }
    let histogram = row.record.as_ref().and_then(|record| record.histogram.as_ref());
    let width = usize::from(columns.distribution_width);
    let bars = histogram.map(|histogram| sparkline(&ranges(histogram, BODY, width))).unwrap_or_default();
    buffer.set_stringn(line.x + columns.distribution, line.y, bars, width, look(palette, Style::Good));
}

/// Writes `text` so that it ends where the figure's column does.
fn right(buffer: &mut Buffer, x: u16, y: u16, text: &str, style: ScreenStyle) {
    let width = usize::from(FIGURE);
    buffer.set_stringn(x, y, format!("{text:>width$}"), width, style);
}

const fn sign(state: RowState) -> (&'static str, Style) {
    match state {
        RowState::Pending => (" ", Style::Dim),
        RowState::Running => ("\u{25b6}", Style::Heading),
        RowState::Ended(Status::Measured) => ("\u{2713}", Style::Good),
        RowState::Ended(Status::Skipped) => ("-", Style::Dim),
        RowState::Ended(Status::Failed) => ("\u{2717}", Style::Bad),
        RowState::Ended(Status::Invalid) => ("!", Style::Warning),
    }
}

/// What is said of a bench without usable figures.
pub(super) fn in_words(row: &Row) -> String {
    let word = match row.state {
        RowState::Pending => return "to come".to_owned(),
        RowState::Running => return "runs".to_owned(),
        RowState::Ended(Status::Measured) => return "no figures: the clock is not known".to_owned(),
        RowState::Ended(Status::Skipped) => "skipped",
        RowState::Ended(Status::Failed) => "FAILED",
        RowState::Ended(Status::Invalid) => "INVALID",
    };
    let reason = row.record.as_ref().and_then(|record| record.reason.as_deref()).unwrap_or_default();
    if reason.is_empty() { word.to_owned() } else { format!("{word}: {}", clean(reason)) }
}
