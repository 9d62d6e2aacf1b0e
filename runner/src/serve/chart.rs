//! A history as a drawing.

use maud::{Markup, html};

use super::pages::parts;
use crate::history::Kind;
use crate::store::{Series, SeriesPoint};
use crate::tracking::{FindingState, TrackedFinding};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 28.0;

/// Newest runs that are drawn.
const POINTS_MAX: usize = 400;

/// The history of `series` with the standing `findings`, whose indexes count its points; `None` below two points.
/// `place` tells the drawings of a page apart.
pub(super) fn history(series: &Series, findings: &[TrackedFinding], place: usize) -> Option<Markup> {
    let first = series.points.len().saturating_sub(POINTS_MAX);
    let points = series.points.get(first..).filter(|points| points.len() > 1)?;
    let ends = points.iter().flat_map(|point| [point.low, point.high]).filter(|value| value.is_finite());
    let (low, high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let room = ((high - low) * 0.08).max(high.abs() * 0.01).max(f64::MIN_POSITIVE);
    let (low, high) = (low - room, high + room);
    let last = u32::try_from(points.len() - 1).unwrap_or(u32::MAX);
    let across = |at: usize| {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        LEFT + (WIDTH - LEFT - RIGHT) * f64::from(at) / f64::from(last)
    };
    let up = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
    let unit = points.last().map_or("", |point| point.unit.as_str());
    let line = path(points.iter().enumerate().map(|(at, point)| (across(at), up(point.value))));
    let standing = findings.iter().filter(|tracked| tracked.state == FindingState::Standing);
    let flags =
        standing.filter_map(|tracked| Some((across(tracked.finding.at.checked_sub(first)?), tracked)));
    let (title_id, text_id) = (format!("chart-{place}.t"), format!("chart-{place}.d"));
    let steps = [low + room, f64::midpoint(low, high), high - room];
    Some(html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby=(title_id) aria-describedby=(text_id) {
            title id=(title_id) { "Median over runs" }
            desc id=(text_id) { (description(points, unit)) }
            @for step in steps {
                path.grid d={ "M" (LEFT) " " (tenth(up(step))) "H" (WIDTH - RIGHT) } {}
                text.end x=(LEFT - 8.0) y=(tenth(up(step) + 4.0)) { (parts::figure_named(step, unit)) }
            }
            @for (at, point) in points.iter().enumerate() {
                @let x = tenth(across(at));
                path.range d={ "M" (x) " " (tenth(up(point.low))) "V" (tenth(up(point.high))) } {}
            }
            path.line d=(line) {}
            @for (x, tracked) in flags { (flag(tenth(x), tracked)) }
            @for (at, point) in points.iter().enumerate() { (dot(point, across(at), up(point.value))) }
            text.tick x=(LEFT) y=(HEIGHT - 8.0) { (day(points.first()?)) }
            text.end x=(WIDTH - RIGHT) y=(HEIGHT - 8.0) { (day(points.last()?)) }
        }
    })
}

fn flag(x: String, tracked: &TrackedFinding) -> Markup {
    let class = if tracked.acknowledgement.is_some() { "flag seen" } else { "flag" };
    let kind = match tracked.finding.kind {
        Kind::TooFewPoints => return html! {},
        kind => parts::kind(kind),
    };
    html! {
        g class=(class) {
            path d={ "M" (x) " " (TOP - 8.0) "V" (HEIGHT - BOTTOM) } {}
            text.middle x=(x) y=(TOP - 13.0) { (kind) }
        }
    }
}

fn dot(point: &SeriesPoint, x: f64, y: f64) -> Markup {
    html! {
        circle.point cx=(tenth(x)) cy=(tenth(y)) r="2.5" {
            title { "run " (point.run) ", " (day(point)) ": " (parts::figure_named(point.value, &point.unit)) }
        }
    }
}

fn description(points: &[SeriesPoint], unit: &str) -> String {
    let newest = points.last().map_or(0.0, |point| point.value);
    let oldest = points.first().map_or(0.0, |point| point.value);
    let figure = |value| parts::figure_named(value, unit);
    format!("{} runs, from {} to {}.", points.len(), figure(oldest), figure(newest))
}

fn day(point: &SeriesPoint) -> String {
    point.started.to_string().chars().take(10).collect()
}

fn path(places: impl Iterator<Item = (f64, f64)>) -> String {
    places
        .enumerate()
        .map(|(at, (x, y))| format!("{}{} {}", if at == 0 { "M" } else { "L" }, tenth(x), tenth(y)))
        .collect()
}

fn tenth(value: f64) -> String {
    format!("{value:.1}")
}
