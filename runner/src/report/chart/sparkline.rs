//! A history small enough for a line of a table.

use maud::{Markup, html};

use super::axis::{Axis, Spacing};
use super::frame::{dots, lines, polyline};
use super::number::amount;
use super::thinning::thinned;
use crate::assess::Course;
use crate::tracking::FindingState;

const WIDTH: f64 = 96.0;
const HEIGHT: f64 = 22.0;
const POINTS_MAX: usize = 40;

/// The newest runs of `course` as a line with its standing findings as strokes; `None` below two points. It is decoration
/// beside the words of its row, so that readers of screens are spared it.
#[must_use]
pub(crate) fn sparkline(course: &Course) -> Option<Markup> {
    let values: Vec<f64> = course.series.points.iter().map(|point| point.value).collect();
    if values.len() < 2 {
        return None;
    }
    let across = Axis::exactly(0.0, amount(values.len() - 1), (3.0, WIDTH - 4.0));
    let up = Axis::around(values.iter().copied(), Some(Spacing::Linear), (HEIGHT - 3.0, 3.0))?;
    let kept = thinned(&values, POINTS_MAX);
    let place = |at: usize| (across.at(amount(at)), up.at(values[at]));
    let standing = course.findings.iter().filter(|tracked| {
        tracked.state == FindingState::Standing
            && tracked.acknowledgement.is_none()
            && tracked.finding.kind.is_new_level()
    });
    let strokes = standing.map(|tracked| across.at(amount(tracked.finding.at)));
    Some(html! {
        svg.spark viewBox="0 0 96 22" aria-hidden="true" {
            path.found d=(lines(strokes.map(|x| ((x, 1.0), (x, HEIGHT - 1.0))))) {}
            path.line d=(polyline(kept.iter().map(|at| place(*at)))) {}
            path.dots d=(dots([place(values.len() - 1)])) {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_point_is_no_line() {
        let mut course = crate::assess::samples::assessment().courses.remove(0);
        assert!(sparkline(&course).is_some());
        course.series.points.truncate(1);
        assert!(sparkline(&course).is_none());
    }
}
