//! What charts have in common: the drawing with its words, and axes with ticks.

use maud::{Markup, html};

use super::axis::{Axis, Spacing};
use super::label::{Ladder, even_labels, own_labels};
use super::number::Px;

/// Width of a character of a tick's label, at the size that the style sheet gives it.
const CHARACTER: f64 = 6.4;

/// What a chart says to those who do not see it.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// Id of the drawing, unlike all others of the page.
    pub(crate) id: String,
    /// What it is.
    pub(crate) title: String,
}

/// A drawing with the room that is kept free around its plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Whole width.
    pub(super) width: f64,
    /// Whole height.
    pub(super) height: f64,
    /// Left of the plot.
    pub(super) left: f64,
    /// Above the plot.
    pub(super) top: f64,
    /// Right of the plot.
    pub(super) right: f64,
    /// Below the plot.
    pub(super) bottom: f64,
}

impl Frame {
    /// Ends of a horizontal axis.
    pub(super) const fn across(&self) -> (f64, f64) {
        (self.left, self.width - self.right)
    }

    /// Ends of a vertical axis, which goes up.
    pub(super) const fn up(&self) -> (f64, f64) {
        (self.height - self.bottom, self.top)
    }

    /// The drawing.
    pub(super) fn svg(&self, words: &Words, description: &str, content: &Markup) -> Markup {
        let (title_id, text_id) = (format!("{}.t", words.id), format!("{}.d", words.id));
        html! {
            svg.chart viewBox={ "0 0 " (Px(self.width)) " " (Px(self.height)) } role="img"
                aria-labelledby=(title_id) aria-describedby=(text_id) {
                title id=(title_id) { (words.title) }
                desc id=(text_id) { (description) }
                (content)
            }
        }
    }

    /// Lines across the plot with their values at the left.
    pub(super) fn value_lines(&self, axis: &Axis, ladder: Ladder, most: usize) -> Markup {
        let ticks = axis.ticks(most, ladder);
        let (left, right) = self.across();
        html! {
            path.grid d=(lines(ticks.iter().map(|tick| ((left, axis.at(*tick)), (right, axis.at(*tick)))))) {}
            @for (tick, label) in ticks.iter().zip(labels(&ticks, axis, ladder)) {
                text.tick.end x=(Px(left - 6.0)) y=(Px(axis.at(*tick) + 3.5)) { (label) }
            }
        }
    }

    /// A line below the plot with values under it.
    pub(super) fn base_line(&self, axis: &Axis, ladder: Ladder) -> Markup {
        let (left, right) = self.across();
        // As many as fit: the labels of fewer ticks are not longer.
        let fitting = (2..=9).rev().map(|most| axis.ticks(most, ladder)).find(|ticks| {
            let labels = labels(ticks, axis, ladder);
            let ends = ticks.iter().zip(&labels).map(|(tick, label)| around(axis.at(*tick), label));
            let ends: Vec<_> = ends.collect();
            ends.windows(2).all(|pair| pair[0].1 + 8.0 <= pair[1].0)
        });
        let ticks = fitting.unwrap_or_default();
        let (foot, _) = self.up();
        html! {
            path.axis d={ "M" (Px(left)) " " (Px(foot)) "H" (Px(right)) } {}
            path.axis d=(lines(ticks.iter().map(|tick| ((axis.at(*tick), foot), (axis.at(*tick), foot + 4.0))))) {}
            @for (tick, label) in ticks.iter().zip(labels(&ticks, axis, ladder)) {
                text.tick.middle x=(Px(axis.at(*tick))) y=(Px(foot + 16.0)) { (label) }
            }
        }
    }

    /// What the horizontal axis counts.
    pub(super) fn base_title(&self, text: &str) -> Markup {
        let (left, right) = self.across();
        html! { text.name.middle x=(Px(f64::midpoint(left, right))) y=(Px(self.height - 4.0)) { (text) } }
    }
}

/// Straight lines as the data of one path.
pub(super) fn lines(ends: impl IntoIterator<Item = ((f64, f64), (f64, f64))>) -> String {
    let mut path = String::new();
    for ((x1, y1), (x2, y2)) in ends {
        path.push_str(&format!("M{} {}L{} {}", Px(x1), Px(y1), Px(x2), Px(y2)));
    }
    path
}

/// A line through `points` as the data of a path.
pub(super) fn polyline(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        path.push_str(&format!("{}{} {}", if path.is_empty() { 'M' } else { 'L' }, Px(x), Px(y)));
    }
    path
}

/// `points` as the data of one path, for a stroke with round ends.
pub(super) fn dots(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    points.into_iter().map(|(x, y)| format!("M{} {}h0", Px(x), Px(y))).collect()
}

/// Where a label that is centred on `x` begins and ends.
pub(super) fn around(x: f64, label: &str) -> (f64, f64) {
    let half = width_of(label) / 2.0;
    (x - half, x + half)
}

/// About how wide `label` is.
pub(super) fn width_of(label: &str) -> f64 {
    super::number::amount(label.chars().count()) * CHARACTER
}

fn labels(ticks: &[f64], axis: &Axis, ladder: Ladder) -> Vec<String> {
    match axis.spacing {
        Spacing::Linear => even_labels(ticks, ladder),
        Spacing::Logarithmic => own_labels(ticks, ladder),
    }
}

/// Rows for labels at `places`, ascending, so that labels of one row do not overlap: row 0 first.
pub(super) fn rows(places: &[(f64, f64)]) -> Vec<usize> {
    let mut ends: Vec<f64> = Vec::new();
    places
        .iter()
        .map(|(start, end)| {
            let row = ends.iter().position(|taken| taken + 6.0 <= *start).unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(*end);
            } else {
                ends[row] = *end;
            }
            row
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_overlap_go_to_another_row() {
        assert_eq!(rows(&[(0.0, 20.0), (10.0, 30.0), (26.0, 40.0), (28.0, 60.0)]), [0, 1, 0, 2]);
    }

    #[test]
    fn paths_are_rounded() {
        assert_eq!(polyline([(0.04, 1.0), (2.06, 3.0)]), "M0 1L2.1 3");
        assert_eq!(dots([(1.0, 2.0)]), "M1 2h0");
    }
}
