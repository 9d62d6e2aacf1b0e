//! Findings as a list.

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::style::{Palette, Style};
use crate::history::{Certainty, Kind};
use crate::tracking::{FindingState, TrackedFinding, percent, short};

/// Candidate runs that are named before the rest is counted.
const CANDIDATES_SHOWN: usize = 6;

/// A line for each finding: those that call for action first within each machine.
#[must_use]
pub fn finding_lines(findings: &[TrackedFinding], palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("finding", Align::Left),
        ("bench", Align::Left),
        ("type", Align::Left),
        ("certainty", Align::Left),
        ("since run", Align::Left),
        ("revision", Align::Left),
        ("change", Align::Right),
        ("", Align::Left),
    ]);
    let mut machine = None;
    for finding in findings {
        if machine != Some(&finding.machine) {
            machine = Some(&finding.machine);
            grid.add_across(vec![Cell::new(Style::Heading, format!("machine {}", clean(&finding.machine)))]);
        }
        grid.add(line(finding));
    }
    grid.render(palette, None, &[])
}

fn line(finding: &TrackedFinding) -> Vec<Cell> {
    let id = finding.finding.id.to_string();
    let place = finding.place.as_ref();
    let revision = place.and_then(|place| place.revision.as_deref()).unwrap_or("");
    let style = match finding.calls_for_action() {
        true => Style::Bad,
        false if finding.state == FindingState::Standing => Style::Plain,
        false => Style::Dim,
    };
    vec![
        Cell::new(Style::Bold, short(&id)),
        Cell::from(clean(&finding.bench).into_owned()),
        Cell::new(style, finding.finding.kind.name()),
        Cell::from(finding.finding.certainty.name().to_owned()),
        Cell::from(clean(place.map_or("", |place| &place.run)).into_owned()),
        Cell::from(clean(&first(revision, 12)).into_owned()),
        Cell::from(percent(&finding.finding).unwrap_or_default()),
        Cell::from(standing(finding)),
    ]
}

/// What there is to know besides the figures.
fn standing(finding: &TrackedFinding) -> String {
    match (&finding.state, &finding.acknowledgement) {
        (FindingState::Withdrawn, _) => "withdrawn".to_owned(),
        (FindingState::Merged, _) => "became part of another".to_owned(),
        (FindingState::Standing, Some(acknowledged)) => {
            format!("acknowledged: {}", clean(&first(&acknowledged.reason, 60)))
        }
        (FindingState::Standing, None) => String::new(),
    }
}

/// A finding in full: what, where, how much, what was said and what became of it.
pub(super) fn paragraph(finding: &TrackedFinding, palette: Palette) -> String {
    let found = &finding.finding;
    let style = if finding.calls_for_action() { Style::Bad } else { Style::Bold };
    let change = percent(found).map(|change| format!(", {change}")).unwrap_or_default();
    let mut lines = vec![format!(
        "{} {}{change}",
        palette.paint(style, &format!("{} {}", found.kind.name(), found.id)),
        certainty(found.certainty, finding.state),
    )];
    if let Some(place) = &finding.place {
        let revision = place.revision.as_deref().map(|revision| format!(" ({revision})")).unwrap_or_default();
        let since = if found.kind == Kind::Blip { "at" } else { "since" };
        let after = place.before.as_deref().map(|before| format!(", after run {before}")).unwrap_or_default();
        lines.push(format!("{since} run {}{revision}{after}", place.run));
        if place.candidates.len() > 1 {
            let shown: Vec<&str> =
                place.candidates.iter().take(CANDIDATES_SHOWN).map(String::as_str).collect();
            let rest = place.candidates.len().saturating_sub(CANDIDATES_SHOWN);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            lines.push(format!("with 95 % probability at one of: {}{more}", shown.join(" ")));
        }
    }
    if let Some(said) = &finding.acknowledgement {
        lines.push(format!("acknowledged {}: {}", said.at, said.reason));
    }
    for event in &finding.events {
        lines.push(format!("run {}: {}", event.run, event.what));
    }
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        // The first line is ours but for its colours.
        let line = if place == 0 { line.clone() } else { format!("  {}", clean(line)) };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

const fn certainty(certainty: Certainty, state: FindingState) -> &'static str {
    match state {
        FindingState::Standing => certainty.name(),
        FindingState::Withdrawn => "withdrawn",
        FindingState::Merged => "became part of another",
    }
}

/// The first characters of a text.
fn first(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Finding, FindingId, Interval, Size, Span};
    use crate::store::UnixSeconds;
    use crate::tracking::{Acknowledgement, FindingEvent, Place};

    const HOSTILE: &str = "memory/\u{1b}[2Jx\ny";

    fn finding() -> TrackedFinding {
        TrackedFinding {
            bench: HOSTILE.into(),
            machine: "1122334455667788".into(),
            finding: Finding {
                id: FindingId(0xabcd),
                kind: Kind::Step,
                certainty: Certainty::Confirmed,
                at: 3,
                location: vec![Span { first: 3, last: 4 }],
                size: Size {
                    before: 100.0,
                    after: 103.2,
                    shift: 3.2,
                    interval: Some(Interval { low: 2.9, high: 3.5 }),
                },
                ln_p: Some(-30.0),
            },
            state: FindingState::Standing,
            place: Some(Place {
                before: Some("a2".into()),
                run: "a3".into(),
                revision: Some("f".repeat(40)),
                candidates: vec!["a3".into(), "a4".into()],
            }),
            acknowledgement: None,
            events: vec![FindingEvent { run: "a9".into(), what: "opened as step at run a3".into() }],
        }
    }

    #[test]
    fn a_line_names_finding_bench_place_and_change_without_what_a_terminal_obeys() {
        let text = finding_lines(&[finding()], Palette::Plain);
        for part in [
            "machine 1122334455667788",
            "00000000",
            "step",
            "confirmed",
            "a3",
            "ffffffffffff",
            "+3.20 % [+2.90 .. +3.50]",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}') && text.lines().count() == 3, "{text}");
    }

    #[test]
    fn a_paragraph_has_candidates_reason_and_events() {
        let mut finding = finding();
        finding.acknowledgement =
            Some(Acknowledgement { at: UnixSeconds(0), reason: "meant \u{7}so".into() });
        let text = paragraph(&finding, Palette::Plain);
        for part in [
            "step 000000000000abcd confirmed",
            "since run a3",
            "after run a2",
            "one of: a3 a4",
            "meant \\u{7}so",
            "run a9: opened as step",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(finding_lines(&[finding], Palette::Plain).contains("acknowledged: meant"));
    }
}
