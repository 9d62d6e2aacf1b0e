//! Words and figures of the reports that are pages: HTML and Markdown.

use super::quantity;
use crate::analysis::{Change, FigureUnit, GrowthChange, GrowthClass, Severity, Verdict};
use crate::history::{Certainty, Finding, Interval, Kind};
use crate::store::UnixSeconds;

/// `value` in `unit`, with the signs that a page has and a terminal may lack.
pub(crate) fn figure(value: f64, unit: FigureUnit) -> String {
    typeset(&quantity::figure(value, unit))
}

/// `value` in the unit called `unit` in JSON.
pub(crate) fn figure_named(value: f64, unit: &str) -> String {
    match super::chart::unit_named(unit) {
        Some(unit) => figure(value, unit),
        None => format!("{} {}", quantity::instructions(value), super::clean(unit)),
    }
}

/// `text` of reports for terminals and of the catalogue with the proper signs.
pub(super) fn typeset(text: &str) -> String {
    let text = text.replace("<=", "\u{2264}").replace(">=", "\u{2265}");
    let mut parts = text.split(" us");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_word = part.starts_with(|next: char| next.is_alphanumeric());
        shown.push_str(if is_word { " us" } else { " \u{b5}s" });
        shown.push_str(part);
    }
    shown
}

/// A share as a change in percent with its sign: three digits that count.
pub(crate) fn change(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{:.decimals$}", percent.abs());
    let is_zero = text.chars().all(|digit| matches!(digit, '0' | '.'));
    let sign = match percent {
        _ if is_zero => "\u{b1}",
        percent if percent < 0.0 => "\u{2212}",
        _ => "+",
    };
    format!("{sign}{text} %")
}

/// A ratio as so many times.
pub(super) fn times(ratio: f64) -> String {
    let decimals = if ratio < 9.95 { 1 } else { 0 };
    format!("{ratio:.decimals$} \u{d7}")
}

/// Both ends of an interval of ratios, as changes.
pub(crate) fn change_interval(interval: Interval) -> String {
    format!("{} to {}", change(interval.low - 1.0), change(interval.high - 1.0))
}

/// What boots more would do, for a bench that is not decided.
pub(crate) fn remedy(change: &Change) -> Option<String> {
    let more = change.boots_more?;
    let boots = if more == 1 { "1 boot more".to_owned() } else { format!("{more} boots more") };
    Some(format!("{boots} on each side would decide a change of this size"))
}

/// The calendar day of `at`.
pub(crate) fn day(at: UnixSeconds) -> String {
    at.to_string().chars().take(10).collect()
}

/// Hour and minute of `at`.
pub(super) fn hour(at: UnixSeconds) -> String {
    at.to_string().chars().skip(11).take(5).collect()
}

/// Day and minute of `at`, for people.
pub(super) fn moment(at: UnixSeconds) -> String {
    format!("{} {} UTC", day(at), hour(at))
}

/// `number` of `things`, which is a noun in the plural with `s`.
pub(super) fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The words for `kind`.
pub(crate) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Step => "step",
        Kind::Blip => "blip",
        Kind::Drift => "drift",
        Kind::WiderNoise => "wider noise",
        Kind::TwoModes => "two modes",
        Kind::Environment => "environment",
        Kind::RelabelledUnit => "relabelled unit",
        Kind::TooFewPoints => "too few points",
    }
}

/// The word for `certainty`.
pub(crate) const fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Suspected => "suspected",
        Certainty::Found => "found",
        Certainty::Confirmed => "confirmed",
    }
}

/// The direction of a finding as a sign.
pub(crate) fn shift_mark(finding: &Finding) -> &'static str {
    match finding.size.shift {
        shift if shift > 0.0 => "\u{25b2}",
        shift if shift < 0.0 => "\u{25bc}",
        _ => "\u{25c6}",
    }
}

/// The words for `class`.
pub(super) const fn growth_class(class: GrowthClass) -> &'static str {
    match class {
        GrowthClass::Flat => "flat",
        GrowthClass::Logarithmic => "logarithmic",
        GrowthClass::Sublinear => "sublinear",
        GrowthClass::Linear => "linear",
        GrowthClass::Linearithmic => "linear times logarithm",
        GrowthClass::Quadratic => "quadratic",
        GrowthClass::Polynomial => "polynomial",
        GrowthClass::Unclear => "unclear",
    }
}

/// The word for `severity`.
pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Serious => "serious",
    }
}

/// A sign for `verdict`, so that none is told by colour alone.
pub(crate) const fn verdict_mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "\u{25b2}",
        Verdict::Improved => "\u{25bc}",
        Verdict::Equivalent => "=",
        Verdict::Undecided => "?",
        Verdict::NotComparable => "\u{2013}",
        Verdict::Invalid => "\u{d7}",
    }
}

/// `verdict` as the name of a class of the style sheet.
pub(crate) const fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotComparable => "not-comparable",
        other => other.name(),
    }
}

/// A change of class as the predicate of a sentence about its subject.
pub(super) fn growth_change(change: &GrowthChange) -> String {
    format!(
        "grows by another law with its scale: {}, before {} (exponent {:.2}, before {:.2})",
        growth_class(change.after),
        growth_class(change.before),
        change.exponent_after,
        change.exponent_before
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_a_sign_and_three_digits() {
        let shown = [0.034_1, -0.09, 0.000_001, 1.5, -0.123_4].map(change);
        assert_eq!(shown, ["+3.41 %", "\u{2212}9.00 %", "\u{b1}0.00 %", "+150 %", "\u{2212}12.3 %"]);
    }

    #[test]
    fn times_are_for_people() {
        let at = UnixSeconds(1_795_535_101);
        assert_eq!((day(at).as_str(), hour(at).as_str()), ("2026-11-24", "15:45"));
    }

    #[test]
    fn a_limit_gets_its_signs() {
        assert_eq!(typeset("p99 <= 1 us"), "p99 \u{2264} 1 \u{b5}s");
        assert_eq!(typeset("p99 <= 1 us per KiB"), "p99 \u{2264} 1 \u{b5}s per KiB");
        assert_eq!(typeset("a bus used 12 us, 3 us"), "a bus used 12 \u{b5}s, 3 \u{b5}s");
    }
}
