//! Header, progress, details, log and the line of keys.

use perf_kernel::wire::{CheckOutcome, Level};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style as ScreenStyle;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};

use super::distribution::{WHOLE, ranges, sparkline};
use super::list::in_words;
use super::snapshot::{Row, Snapshot};
use super::state::State;
use super::theme::look;
use crate::analysis::Figures;
use crate::collect::BootEnd;
use crate::live::LiveState;
use crate::report::quantity::{byte_rate, counted, figure, rate};
use crate::report::{Palette, Style, clean};

/// A silence is worth telling from so many seconds on.
const SILENCE_S: u64 = 5;

/// Columns of the bar.
const BAR: u16 = 24;

/// Which run, which boot, how long, and how it goes: two lines.
pub(super) fn header(state: &State, snapshot: &Snapshot, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let asked = snapshot.boots_asked.map(|asked| format!(" of {asked}")).unwrap_or_default();
    let boot =
        if snapshot.boot == 0 { "no boot yet".to_owned() } else { format!("boot {}{asked}", snapshot.boot) };
    let elapsed = state.elapsed_s().map(duration).unwrap_or_default();
    let line = Line::from(vec![
        Span::styled(format!("run {}", snapshot.run), look(palette, Style::Bold)),
        Span::raw(format!("  {}  {boot}  {elapsed}  ", snapshot.command)),
        how_it_goes(state, snapshot, palette),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
    let trouble = state.trouble.iter().chain(&snapshot.troubles).next();
    let line = match trouble {
        Some(trouble) => Line::styled(trouble.clone(), look(palette, Style::Bad)),
        None => {
            let image = snapshot.image.as_ref().map(|image| format!(", image {image}")).unwrap_or_default();
            let machine = snapshot.machine.as_deref().unwrap_or("nothing is known of the machine yet");
            Line::styled(format!("{machine}{image}"), look(palette, Style::Dim))
        }
    };
    buffer.set_line(area.x, area.y + 1, &line, area.width);
}

fn how_it_goes(state: &State, snapshot: &Snapshot, palette: Palette) -> Span<'static> {
    match snapshot.state {
        LiveState::GoingOn => {
            let silence = state.changed.map_or(0, |changed| state.now.0.saturating_sub(changed.0));
            if silence >= SILENCE_S {
                return Span::styled(
                    format!("silent for {}", duration(silence)),
                    look(palette, Style::Warning),
                );
            }
            ends(&snapshot.ends).map_or_else(
                || Span::styled("going on", look(palette, Style::Good)),
                |(text, style)| Span::styled(format!("going on; {text}"), look(palette, style)),
            )
        }
        LiveState::BrokenOff => {
            Span::styled("broken off: the program that made it is gone", look(palette, Style::Bad))
        }
        LiveState::Over => match ends(&snapshot.ends) {
            None => Span::styled("over: done", look(palette, Style::Good)),
            Some((text, style)) => Span::styled(format!("over: {text}"), look(palette, style)),
        },
    }
}

/// The first boot that did not end well.
fn ends(ends: &[BootEnd]) -> Option<(String, Style)> {
    let (number, end) = (1..).zip(ends).find(|(_, end)| **end != BootEnd::Done)?;
    let (word, style) = match end {
        BootEnd::Done => ("was done", Style::Good),
        BootEnd::FailedBenches => ("has failed benches", Style::Warning),
        BootEnd::Crashed => ("crashed", Style::Bad),
        BootEnd::Hung => ("hung", Style::Bad),
        BootEnd::PowerLost => ("lost power", Style::Bad),
        BootEnd::Refused => ("refused the plan", Style::Bad),
        BootEnd::Interrupted => ("was interrupted", Style::Warning),
    };
    Some((format!("boot {number} {word}"), style))
}

/// How many benches have ended, one line.
pub(super) fn progress(snapshot: &Snapshot, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let ended = snapshot.ended();
    let total = snapshot.planned.unwrap_or(ended).max(ended);
    let width = usize::from(BAR);
    let full = (ended * width).checked_div(total).unwrap_or_default();
    let numbers = match snapshot.planned {
        Some(_) => format!(" {ended}/{total} benches"),
        None => format!(" {ended} benches"),
    };
    let running = snapshot.running.as_ref().map(|id| format!("  \u{25b6} {id}")).unwrap_or_default();
    let line = Line::from(vec![
        Span::styled("\u{2588}".repeat(full), look(palette, Style::Good)),
        Span::styled("\u{2591}".repeat(width - full), look(palette, Style::Dim)),
        Span::raw(numbers),
        Span::styled(running, look(palette, Style::Heading)),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}

/// What is known of the marked bench.
pub(super) fn details(row: &Row, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let area = titled(&row.id, palette, area, buffer);
    let mut lines: Vec<Line<'_>> = Vec::new();
    match &row.figures {
        Some(figures) => lines.extend(figure_lines(row, figures, palette, area.width)),
        None => lines.push(Line::raw(in_words(row))),
    }
    if let Some(record) = &row.record {
        if let Some(reason) = record.reason.as_ref().filter(|_| row.figures.is_some()) {
            lines.push(Line::styled(clean(reason).into_owned(), look(palette, Style::Bad)));
        }
        let checks = record.validity.iter().filter(|check| check.outcome != CheckOutcome::Passed);
        lines.extend(checks.map(|check| {
            let text = format!("{}: {}", clean(&check.name), clean(&check.detail));
            Line::styled(text, look(palette, Style::Warning))
        }));
    }
    Paragraph::new(lines).wrap(Wrap { trim: true }).render(area, buffer);
}

fn figure_lines(row: &Row, figures: &Figures, palette: Palette, width: u16) -> Vec<Line<'static>> {
    let shown = |value: f64| figure(value, figures.unit);
    let named = |names: &[(&'static str, Option<f64>)]| {
        let known = names.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let spans = known.flat_map(|(name, value)| {
            [
                Span::styled(format!("{name} "), look(palette, Style::Dim)),
                Span::raw(format!("{}   ", shown(value))),
            ]
        });
        Line::from(spans.collect::<Vec<_>>())
    };
    let mut lines = vec![
        named(&[
            ("min", Some(figures.min)),
            ("P50", Some(figures.p50)),
            ("P90", Some(figures.p90)),
            ("P95", Some(figures.p95)),
        ]),
        named(&[("P99", Some(figures.p99)), ("P99.9", figures.p999), ("max", Some(figures.max))]),
        named(&[
            ("mean", Some(figures.mean)),
            ("deviation", Some(figures.deviation)),
            ("MAD", Some(figures.mad)),
        ]),
    ];
    let mut about = format!("{} samples", counted(figures.n));
    if let Some(record) = row.record.as_ref().filter(|record| record.iterations > 1) {
        about.push_str(&format!(" of {} iterations", counted(record.iterations)));
    }
    if let Some(rates) = figures.rates {
        about.push_str(&format!(", {}", rate(rates.operations)));
        about.extend(rates.bytes().map(|bytes| format!(", {}", byte_rate(bytes))));
    }
    lines.push(Line::raw(about));
    if let Some(histogram) = row.record.as_ref().and_then(|record| record.histogram.as_ref()) {
        let (low, high) = (shown(figures.min), shown(figures.max));
        let room = usize::from(width).saturating_sub(low.len() + high.len() + 2).min(80);
        let bars = sparkline(&ranges(histogram, WHOLE, room));
        lines.push(Line::from(vec![
            Span::styled(format!("{low} "), look(palette, Style::Dim)),
            Span::styled(bars, look(palette, Style::Good)),
            Span::styled(format!(" {high}"), look(palette, Style::Dim)),
        ]));
    }
    lines
}

/// The newest lines for people, or older ones if the user went back.
pub(super) fn log(state: &State, snapshot: &Snapshot, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let back = state.log_back.min(snapshot.log.len());
    let end = snapshot.log.len() - back;
    let title = if back > 0 { format!("log, {back} lines back") } else { "log".to_owned() };
    let area = titled(&title, palette, area, buffer);
    let first = end.saturating_sub(usize::from(area.height));
    let lines = snapshot.log.get(first..end).unwrap_or_default();
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        let style = match line.level {
            Level::Info => ScreenStyle::new(),
            Level::Warning => look(palette, Style::Warning),
        };
        buffer.set_stringn(area.x, y, &line.text, usize::from(area.width), style);
    }
    if lines.is_empty() {
        let dim = look(palette, Style::Dim);
        buffer.set_stringn(area.x, area.y, "nothing so far", usize::from(area.width), dim);
    }
}

/// What the keys do, or the filter while it is typed.
pub(super) fn keys(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let dim = look(palette, Style::Dim);
    let line = if state.is_typing {
        Line::from(vec![
            Span::styled(format!("/{}", clean(&state.filter)), look(palette, Style::Bold)),
            Span::raw("\u{2588}  "),
            Span::styled("Enter keep  Esc clear", dim),
        ])
    } else {
        let mut spans = Vec::new();
        if !state.filter.is_empty() {
            let filter = format!("/{}  Esc clear  ", clean(&state.filter));
            spans.push(Span::styled(filter, look(palette, Style::Bold)));
        }
        let follow = if state.is_following { "" } else { "  f follow" };
        let text =
            format!("q quit  j/k select  / filter  s suite  Enter details  l log  [ ] scroll log{follow}");
        spans.push(Span::styled(text, dim));
        Line::from(spans)
    };
    buffer.set_line(area.x, area.y, &line, area.width);
}

/// A rule with a title over `area`; what is left below it.
fn titled(title: &str, palette: Palette, area: Rect, buffer: &mut Buffer) -> Rect {
    let dim = look(palette, Style::Dim);
    buffer.set_stringn(
        area.x,
        area.y,
        "\u{2500}".repeat(usize::from(area.width)),
        usize::from(area.width),
        dim,
    );
    let room = usize::from(area.width.saturating_sub(4));
    buffer.set_stringn(area.x + 2, area.y, format!(" {title} "), room, look(palette, Style::Bold));
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// Seconds as people say them.
pub(super) fn duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}
