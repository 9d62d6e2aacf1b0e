//! Cost by scale, both by their logarithms, so that a power law is a straight line.

use maud::{Markup, html};

use super::axis::{Axis, Spacing};
use super::frame::{Frame, Words, around, dots, polyline, rows};
use super::label::{Ladder, unit_named};
use super::number::{Px, amount};
use crate::analysis::Growth;

/// The chart of `growth` with the scale `here` marked; `None` below two scales.
#[must_use]
pub(crate) fn growth(growth: &Growth, here: Option<&str>, axis_name: &str, words: &Words) -> Option<Markup> {
    if growth.costs.len() < 2 {
        return None;
    }
    let frame = Frame { width: 500.0, height: 240.0, left: 62.0, top: 14.0, right: 24.0, bottom: 52.0 };
    let sizes = sizes(growth);
    let across = Axis::around(sizes.iter().copied(), Some(Spacing::Logarithmic), frame.across())?;
    let fitted = fitted(growth, &sizes);
    let costs = growth.costs.iter().map(|cost| cost.cost);
    let up = Axis::around(costs.chain(fitted.iter().map(|it| it.1)), Some(Spacing::Logarithmic), frame.up())?;
    let points: Vec<_> =
        sizes.iter().zip(&growth.costs).map(|(size, cost)| (across.at(*size), up.at(cost.cost))).collect();
    let labels: Vec<_> =
        points.iter().zip(&growth.costs).map(|((x, _), cost)| around(*x, &cost.scale)).collect();
    let (foot, _) = frame.up();
    let (left, right) = frame.across();
    let marked = points.iter().zip(&growth.costs).filter(|(_, cost)| Some(cost.scale.as_str()) == here);
    let content = html! {
        (frame.value_lines(&up, Ladder::of(unit_named(&growth.unit)), 5))
        path.axis d={ "M" (Px(left)) " " (Px(foot)) "H" (Px(right)) } {}
        @for ((cost, (x, _)), row) in growth.costs.iter().zip(&points).zip(rows(&labels)) {
            path.axis d={ "M" (Px(*x)) " " (Px(foot)) "v4" } {}
            text.tick.middle x=(Px(*x)) y=(Px(foot + 16.0 + amount(row.min(1)) * 12.0)) { (cost.scale) }
        }
        (frame.base_title(axis_name))
        path.fit d=(polyline(fitted.iter().map(|(size, cost)| (across.at(*size), up.at(*cost))))) {}
        path.line d=(polyline(points.iter().copied())) {}
        path.dots d=(dots(points.iter().copied())) {}
        path.here d=(dots(marked.map(|(point, _)| *point))) {}
    };
    Some(frame.svg(words, &description(growth, !fitted.is_empty()), &content))
}

/// The sizes, with a place for a size of zero: a decade before the smallest other.
fn sizes(growth: &Growth) -> Vec<f64> {
    let positive = growth.costs.iter().map(|cost| cost.size).filter(|size| *size > 0.0);
    let smallest = positive.fold(f64::INFINITY, f64::min);
    let smallest = if smallest.is_finite() { smallest } else { 1.0 };
    growth.costs.iter().map(|cost| if cost.size > 0.0 { cost.size } else { smallest / 10.0 }).collect()
}

/// Both ends of the power law through the middle of the points; empty without an exponent.
fn fitted(growth: &Growth, sizes: &[f64]) -> Vec<(f64, f64)> {
    let pairs = sizes.iter().zip(&growth.costs).filter(|(_, cost)| cost.size > 0.0 && cost.cost > 0.0);
    let logs: Vec<(f64, f64)> = pairs.map(|(size, cost)| (size.ln(), cost.cost.ln())).collect();
    let (Some(exponent), Some((first, last))) = (growth.exponent, logs.first().zip(logs.last())) else {
        return Vec::new();
    };
    let number = amount(logs.len());
    let middle_x = logs.iter().map(|log| log.0).sum::<f64>() / number;
    let middle_y = logs.iter().map(|log| log.1).sum::<f64>() / number;
    [first.0, last.0].map(|x| (x.exp(), (middle_y + exponent * (x - middle_x)).exp())).into()
}

fn description(growth: &Growth, is_fitted: bool) -> String {
    let ends = growth.costs.first().zip(growth.costs.last());
    let ends = ends.map(|(first, last)| format!("from scale {} to scale {}", first.scale, last.scale));
    let fit = if is_fitted { " The dashed line is the power law that fits best." } else { "" };
    format!(
        "Median cost of an operation {}, both axes by their logarithms.{fit} The table beside it has the figures.",
        ends.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{GrowthClass, ScaleCost};

    fn drawn(costs: &[(&str, f64, f64)], exponent: Option<f64>) -> Option<String> {
        let costs = costs.iter().map(|(scale, size, cost)| ScaleCost {
            scale: (*scale).into(),
            size: *size,
            cost: *cost,
            spread: None,
        });
        let input = Growth {
            subject: "kernel/process-switch".into(),
            unit: "ns".into(),
            costs: costs.collect(),
            exponent,
            interval: None,
            class: GrowthClass::Unclear,
        };
        let words = Words { id: "g".into(), title: "Scaling".into() };
        growth(&input, Some("0"), "bytes", &words).map(|drawing| drawing.0)
    }

    #[test]
    fn a_scale_of_zero_has_a_place() {
        let drawing =
            drawn(&[("0", 0.0, 900.0), ("16ki", 16384.0, 1000.0), ("1mi", 1048576.0, 60000.0)], Some(0.9));
        let drawing = drawing.expect("three scales");
        assert!(!drawing.contains("NaN") && drawing.contains("power law"), "{drawing}");
        assert_eq!(drawing.matches("class=\"here\" d=\"M").count(), 1);
    }

    #[test]
    fn one_scale_does_not_grow() {
        assert_eq!(drawn(&[("0", 0.0, 900.0)], None), None);
    }
}
