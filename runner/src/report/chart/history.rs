//! A bench's figure over runs, with what was found in it and where it is going.

use maud::{Markup, html};

use super::axis::Axis;
use super::frame::{Frame, Words, around, dots, lines, polyline, rows, width_of};
use super::label::{Ladder, unit_named};
use super::number::{Px, amount};
use super::thinning::thinned;
use crate::analysis::{Trend, count, median};
use crate::assess::Course;
use crate::history::Finding;
use crate::report::clean::clean;
use crate::report::words;
use crate::store::{SeriesPoint, UnixSeconds};
use crate::tracking::{FindingState, TrackedFinding};

/// Runs that are drawn; of more the lowest and highest of neighbours.
const POINTS_MAX: usize = 160;
/// Runs up to which each dot tells its figures when it is pointed at.
const TOLD_MAX: usize = 40;
/// Room for each point of a forecast.
const FORECAST_WIDTH: f64 = 56.0;
const SECONDS_A_DAY: f64 = 86_400.0;

/// The chart of `course`; `None` below two points.
#[must_use]
pub(crate) fn history(course: &Course, words: &Words) -> Option<Markup> {
    let points = &course.series.points;
    let newest = points.last().filter(|_| points.len() > 1)?;
    let forecast = course.trend.as_ref().map_or(&[][..], |trend| &trend.forecast);
    let frame = Frame {
        width: 1000.0,
        height: 260.0,
        left: 66.0,
        top: 40.0,
        right: 16.0 + amount(forecast.len()) * FORECAST_WIDTH,
        bottom: 30.0,
    };
    let is_shown = |at: usize| points[at].unit == newest.unit;
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    let kept: Vec<usize> = thinned(&values, POINTS_MAX).into_iter().filter(|at| is_shown(*at)).collect();
    let ends = kept.iter().flat_map(|at| [points[*at].low, points[*at].high]);
    let expected = forecast.iter().flat_map(|point| [point.interval.low, point.interval.high]);
    let up = Axis::around(ends.chain(expected), None, frame.up())?;
    let (left, right) = frame.across();
    let across = Axis::exactly(-0.5, amount(points.len()) - 0.5, (left, right));
    let place = |at: usize| (across.at(amount(at)), up.at(points[at].value));
    let standing: Vec<&TrackedFinding> =
        course.findings.iter().filter(|tracked| tracked.state == FindingState::Standing).collect();
    let unit = unit_named(&newest.unit);
    let bars = kept.iter().map(|at| {
        let x = across.at(amount(*at));
        ((x, up.at(points[*at].low)), (x, up.at(points[*at].high)))
    });
    let content = html! {
        (frame.value_lines(&up, Ladder::of(unit), 5))
        (dates(points, &across, &frame))
        @for tracked in &standing { (shade(&tracked.finding, &across, &frame)) }
        (levels(&standing, &values, &across, &up))
        path.range d=(lines(bars)) {}
        path.thin d=(polyline(kept.iter().map(|at| place(*at)))) {}
        path.dots d=(dots(kept.iter().map(|at| place(*at)))) {}
        (flags(&standing, &across, &frame))
        @if let Some(trend) = &course.trend { (future(trend, points, &across, &up, &frame)) }
        @if points.len() <= TOLD_MAX { @for at in &kept { (told(&points[*at], place(*at))) } }
    };
    Some(frame.svg(words, &description(course, kept.len(), standing.len()), &content))
}

/// A dot that tells its figures when it is pointed at.
fn told(point: &SeriesPoint, (x, y): (f64, f64)) -> Markup {
    let figure = |value: f64| words::figure_named(value, &point.unit);
    html! {
        circle cx=(Px(x)) cy=(Px(y)) r="7" {
            title { "run " (clean(&point.run)) ", " (words::day(point.started)) ": " (figure(point.value)) }
        }
    }
}

/// Dates under as many runs as have room.
fn dates(points: &[SeriesPoint], across: &Axis, frame: &Frame) -> Markup {
    let first = points.iter().map(|point| point.started.0).min().unwrap_or(0);
    let last = points.iter().map(|point| point.started.0).max().unwrap_or(0);
    let is_short = last - first < 2 * 86_400;
    let label = |at: &UnixSeconds| if is_short { words::hour(*at) } else { words::day(*at) };
    let (foot, _) = frame.up();
    let mut taken = f64::NEG_INFINITY;
    let mut shown = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let x = across.at(amount(at));
        if x < taken {
            continue;
        }
        let label = label(&point.started);
        let (start, end) = around(x, &label);
        if start >= taken + 24.0 && end <= frame.width - frame.right + 20.0 {
            taken = end;
            shown.push((x, label));
        }
    }
    let (left, right) = frame.across();
    html! {
        path.axis d={ "M" (Px(left)) " " (Px(foot)) "H" (Px(right)) } {}
        path.axis d=(lines(shown.iter().map(|(x, _)| ((*x, foot), (*x, foot + 4.0))))) {}
        @for (x, label) in &shown { text.tick.middle x=(Px(*x)) y=(Px(foot + 17.0)) { (label) } }
    }
}

/// The runs that a finding may begin with.
fn shade(finding: &Finding, across: &Axis, frame: &Frame) -> Markup {
    let (foot, head) = frame.up();
    html! {
        @for span in &finding.location {
            @let (x1, x2) = (across.at(amount(span.first) - 0.5), across.at(amount(span.last) + 0.5));
            rect.shade x=(Px(x1)) y=(Px(head)) width=(Px(x2 - x1)) height=(Px(foot - head)) {}
        }
    }
}

/// The median of each stretch between new levels.
fn levels(standing: &[&TrackedFinding], values: &[f64], across: &Axis, up: &Axis) -> Markup {
    let mut cuts: Vec<usize> = standing
        .iter()
        .filter(|tracked| tracked.finding.kind.is_new_level())
        .map(|tracked| tracked.finding.at.min(values.len()))
        .chain([0, values.len()])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let stretches = cuts.windows(2).filter_map(|cut| {
        let level = up.at(median(values[cut[0]..cut[1]].iter().copied())?);
        Some(((across.at(amount(cut[0]) - 0.5), level), (across.at(amount(cut[1]) - 0.5), level)))
    });
    html! { path.level d=(lines(stretches)) {} }
}

/// A line with a name for each finding.
fn flags(standing: &[&TrackedFinding], across: &Axis, frame: &Frame) -> Markup {
    let mut flags: Vec<(f64, String, &str)> = standing
        .iter()
        .map(|tracked| {
            let finding = &tracked.finding;
            let id: String = finding.id.to_string().chars().take(8).collect();
            let is_seen = tracked.acknowledgement.is_some();
            let seen = if is_seen { ", seen" } else { "" };
            let label = format!("{} {}{seen} {id}", words::shift_mark(finding), words::kind(finding.kind));
            (across.at(amount(finding.at) - 0.5), label, if is_seen { "flag seen" } else { "flag" })
        })
        .collect();
    flags.sort_by(|a, b| a.0.total_cmp(&b.0));
    // A label stands right of its line, or left of it where the drawing ends.
    let start = |x: f64, label: &str| {
        if x + width_of(label) > frame.width - 8.0 { x - width_of(label) } else { x + 3.0 }
    };
    let places: Vec<_> =
        flags.iter().map(|(x, label, _)| (start(*x, label), start(*x, label) + width_of(label))).collect();
    let (foot, head) = frame.up();
    html! {
        @for ((x, label, class), ((from, _), row)) in flags.iter().zip(places.iter().zip(rows(&places))) {
            @let y = head - 6.0 - amount(row.min(2)) * 12.0;
            g class=(class) {
                path d=(lines([((*x, y - 8.0), (*x, foot))])) {}
                text.tick x=(Px(*from)) y=(Px(y)) { (label) }
            }
        }
    }
}

/// The trend as a dashed line, and what it leads to, right of the newest run.
fn future(trend: &Trend, points: &[SeriesPoint], across: &Axis, up: &Axis, frame: &Frame) -> Markup {
    let days = |point: &SeriesPoint| count(point.started.0) / SECONDS_A_DAY;
    let basis = points.get(trend.first..).unwrap_or_default();
    let middle = median(basis.iter().map(days)).zip(median(basis.iter().map(|point| point.value)));
    let ends = basis.first().zip(basis.last()).zip(middle).filter(|_| trend.is_moving);
    let line = ends.map(|((first, last), (day, level))| {
        let value = |point: &SeriesPoint| level * (1.0 + trend.share_per_day * (days(point) - day));
        let x = |at: usize| across.at(amount(at));
        lines([((x(trend.first), up.at(value(first))), (x(points.len() - 1), up.at(value(last))))])
    });
    let (_, right) = frame.across();
    let (foot, head) = frame.up();
    let x = |place: usize| right + (amount(place) + 0.5) * FORECAST_WIDTH;
    html! {
        @if let Some(line) = line { path.trend d=(line) {} }
        @if !trend.forecast.is_empty() {
            rect.ahead x=(Px(right)) y=(Px(head)) width=(Px(amount(trend.forecast.len()) * FORECAST_WIDTH))
                height=(Px(foot - head)) {}
        }
        @for (place, point) in trend.forecast.iter().enumerate() {
            @let (low, high) = (up.at(point.interval.low), up.at(point.interval.high));
            path.trend.solid d=(lines([((x(place), low), (x(place), high))])) {}
            path.expected d=(dots([(x(place), up.at(point.value))])) {}
            text.tick.middle x=(Px(x(place))) y=(Px(foot + 17.0)) { "+" (Px(point.days)) " d" }
        }
    }
}

fn description(course: &Course, drawn: usize, standing: usize) -> String {
    let points = &course.series.points;
    let ends = points.first().zip(points.last());
    let mut text = ends.map_or_else(String::new, |(first, last)| {
        let figure = |point: &SeriesPoint| words::figure_named(point.value, &point.unit);
        format!(
            "{} runs, oldest at the left, from {} on {} to {} on {}.",
            points.len(),
            figure(first),
            words::day(first.started),
            figure(last),
            words::day(last.started)
        )
    });
    text.push_str(" A dot is the median of a run's boots, its line their range.");
    if drawn < points.len() {
        text.push_str(&format!(
            " {drawn} of them are drawn: of neighbours the lowest and the highest, and only those in the newest unit."
        ));
    }
    if standing > 0 {
        text.push_str(&format!(
            " {standing} findings are marked where they most probably begin; shaded are the runs where they may begin. \
             The horizontal lines are medians between changes of level."
        ));
    }
    if course.trend.as_ref().is_some_and(|trend| !trend.forecast.is_empty()) {
        text.push_str(
            " At the right, what is to be expected if the trend goes on, with the interval for one run.",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;

    fn drawn(course: &Course) -> Option<String> {
        history(course, &Words { id: "h".into(), title: "History".into() }).map(|drawing| drawing.0)
    }

    #[test]
    fn findings_trend_and_forecast_are_in_the_drawing() {
        let course = assessment().courses.remove(0);
        let drawing = drawn(&course).expect("thirty runs");
        assert!(drawing.contains("step, seen 12345678") && drawing.contains("+30 d"), "{drawing}");
        assert!(!drawing.contains("NaN"));
    }

    #[test]
    fn a_long_history_is_thinned_and_says_so() {
        let mut course = assessment().courses.remove(0);
        let pattern = course.series.points.clone();
        course.series.points = (0..100).flat_map(|_| pattern.iter().cloned()).collect();
        let drawing = drawn(&course).expect("many runs");
        assert!(
            drawing.contains("3000 runs") && drawing.contains("of neighbours the lowest and the highest")
        );
        assert!(drawing.len() < 20_000, "{} bytes", drawing.len());
    }

    #[test]
    fn hostile_indexes_do_not_reach_beyond_the_series() {
        let mut course = assessment().courses.remove(0);
        course.findings[0].finding.at = usize::MAX;
        course.trend.as_mut().expect("a trend").first = usize::MAX;
        assert!(drawn(&course).is_some());
    }
}
