//! A run as Markdown for a comment on a change: the answer first, everything else folded.

use perf_kernel::wire::Status;

use super::clean::clean;
use super::headline::{self, answer, benches, tally};
use super::words::{self, figure};
use super::{header, quantity};
use crate::analysis::{BenchVerdict, Level, MergedBench, Score, Severity, Verdict, merge};
use crate::assess::Assessment;

/// The longest text that is written: GitHub takes comments of 65,536 characters, and what calls this may add to it.
const LENGTH_MAX: usize = 60_000;
/// Rows of the table of changes; the rest is counted.
const CHANGES_MAX: usize = 60;

/// The report of `assessment` as GitHub Flavored Markdown, short enough for a comment: what does not fit is counted.
#[must_use]
pub fn markdown(assessment: &Assessment) -> String {
    let merged = merge(assessment.run.boots.iter().map(|stored| &stored.boot));
    let parts = [
        head(assessment, &merged),
        changes(assessment),
        differences(assessment),
        targets(assessment),
        recommendations(assessment),
        findings(assessment),
    ];
    let mut text = parts.concat();
    let foot = environment(assessment);
    let room = LENGTH_MAX.saturating_sub(text.len() + foot.len());
    text.push_str(&all_benches(assessment, &merged, room));
    text.push_str(&foot);
    text
}

fn head(assessment: &Assessment, merged: &[MergedBench<'_>]) -> String {
    let mut text = format!("## {}\n\n", answer(assessment, merged));
    let run = code(&assessment.run.head.id);
    match &assessment.comparison {
        Some(comparison) => text.push_str(&format!("Run {run} against {}", escaped(&comparison.a))),
        None => text.push_str(&format!("Run {run}; there is no earlier run to compare with")),
    }
    let verdicts = headline::verdicts(assessment);
    let counts = Verdict::ALL.map(|verdict| (verdict, tally(verdicts, verdict)));
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(verdict, number)| format!("{} {number} {verdict}", words::verdict_mark(verdict)))
        .collect();
    if !counts.is_empty() {
        text.push_str(&format!(": {}", counts.join(", ")));
    }
    text.push_str(".\n");
    for line in headline::troubles(assessment, merged) {
        text.push_str(&format!("\n> **{}**\n", escaped(&line)));
    }
    if let Some(score) = &assessment.score {
        text.push_str(&format!("\n{}\n", score_line(score)));
    }
    text
}

fn score_line(score: &Score) -> String {
    let half = score.total.interval.map(|it| format!(" \u{b1} {:.1}", (it.high - it.low) / 2.0));
    let suites = score.suites.iter().map(|part| format!("{} {:.1}", escaped(&part.name), part.points));
    let suites: Vec<String> = suites.collect();
    let suites = if suites.is_empty() { String::new() } else { format!(": {}", suites.join(", ")) };
    format!(
        "**Score {:.1}{}** (100 is {}; more is faster){suites}",
        score.total.points,
        half.unwrap_or_default(),
        escaped(&score.reference)
    )
}

/// Benches that changed or could not be decided, the largest change first within each verdict.
fn changes(assessment: &Assessment) -> String {
    let distance = |bench: &BenchVerdict| bench.change.map_or(0.0, |change| (change.ratio - 1.0).abs());
    let mut rows = Vec::new();
    for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Equivalent) {
        let of_verdict = headline::verdicts(assessment).iter().filter(|bench| bench.verdict == verdict);
        let mut of_verdict: Vec<&BenchVerdict> = of_verdict.collect();
        of_verdict.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
        rows.extend(of_verdict.into_iter().map(change_row));
    }
    if rows.is_empty() {
        return String::new();
    }
    let shown = rows.len().min(CHANGES_MAX);
    let more = if rows.len() > shown {
        format!("\n{} more are not shown.\n", rows.len() - shown)
    } else {
        String::new()
    };
    format!(
        "\n| bench | verdict | before | after | change | interval |\n| --- | --- | ---: | ---: | ---: | --- |\n{}{more}",
        rows[..shown].concat()
    )
}

fn change_row(bench: &BenchVerdict) -> String {
    let level = |level: Option<Level>| {
        level.zip(bench.unit).map(|(level, unit)| figure(level.median, unit)).unwrap_or_default()
    };
    let change = bench.change.map(|change| format!("**{}**", words::change(change.ratio - 1.0)));
    let interval = bench.change.and_then(|change| change.interval).map(words::change_interval);
    let remedy =
        bench.change.as_ref().and_then(words::remedy).filter(|_| bench.verdict == Verdict::Undecided);
    let why: Vec<String> =
        [interval, bench.reason.as_deref().map(escaped), remedy].into_iter().flatten().collect();
    format!(
        "| {} | {} {} | {} | {} | {} | {} |\n",
        code(&bench.id),
        words::verdict_mark(bench.verdict),
        bench.verdict,
        level(bench.before),
        level(bench.after),
        change.unwrap_or_default(),
        why.join("; ")
    )
}

/// The fields that keep the sides from being compared.
fn differences(assessment: &Assessment) -> String {
    let differences = assessment.comparison.as_ref().map_or(&[][..], |comparison| comparison.differences());
    if differences.is_empty() {
        return String::new();
    }
    let row = |it: &crate::analysis::Difference| {
        format!("| {} | {} | {} |\n", escaped(&it.field), escaped(&it.a), escaped(&it.b))
    };
    let rows: String = differences.iter().map(row).collect();
    format!(
        "\nOnly like is compared, and these fields differ:\n\n| field | before | after |\n| --- | --- | --- |\n{rows}"
    )
}

fn targets(assessment: &Assessment) -> String {
    let (met, missed, _) = headline::targets(assessment);
    if met + missed == 0 {
        return String::new();
    }
    let mut text = format!("\n**Targets:** {met} of {} met.\n", met + missed);
    let missed = assessment.targets.iter().filter(|target| target.is_met == Some(false));
    for target in missed.take(CHANGES_MAX) {
        text.push_str(&format!(
            "- {} misses {}\n",
            code(&target.bench),
            escaped(&words::typeset(&target.target))
        ));
    }
    text
}

fn recommendations(assessment: &Assessment) -> String {
    let shown = assessment.recommendations.iter().filter(|it| it.severity > Severity::Note);
    let line = |it: &crate::analysis::Recommendation| {
        format!("- **{}:** {} {}\n", words::severity(it.severity), escaped(&it.found), escaped(&it.advice))
    };
    let lines: String = shown.take(CHANGES_MAX).map(line).collect();
    if lines.is_empty() { lines } else { format!("\n**To look at**\n\n{lines}") }
}

fn findings(assessment: &Assessment) -> String {
    let open = headline::open_findings(assessment);
    let line = |tracked: &&crate::tracking::TrackedFinding| {
        let share = tracked.finding.size.relative().map(|share| format!(", {}", words::change(share)));
        let place = tracked.place.as_ref().map(|place| format!(", from run {}", code(&place.run)));
        format!(
            "- {} {} {}{}{}\n",
            code(&tracked.bench),
            words::shift_mark(&tracked.finding),
            words::kind(tracked.finding.kind),
            share.unwrap_or_default(),
            place.unwrap_or_default()
        )
    };
    let lines: String = open.iter().take(CHANGES_MAX).map(line).collect();
    let history =
        if lines.is_empty() { lines } else { format!("\n**In its history** ({})\n\n{lines}", open.len()) };
    let grown = assessment
        .growth_changes
        .iter()
        .map(|change| format!("- {} {}\n", code(&change.subject), escaped(&words::growth_change(change))));
    let grown: String = grown.collect();
    let growth = if grown.is_empty() { grown } else { format!("\n**Growth over scales**\n\n{grown}") };
    growth + &history
}

/// All benches that were measured, folded, as far as there is room.
fn all_benches(assessment: &Assessment, merged: &[MergedBench<'_>], room: usize) -> String {
    const COLUMNS: &str = "| bench | P50 | P90 | P99 | max | spread | verdict |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n";
    /// For the summary, and for the line that counts what is left out.
    const AROUND: usize = 300;
    let verdicts: std::collections::HashMap<&str, Verdict> =
        headline::verdicts(assessment).iter().map(|bench| (bench.id.as_str(), bench.verdict)).collect();
    let shown: Vec<&MergedBench<'_>> =
        merged.iter().filter(|bench| bench.status != Status::Skipped).collect();
    let skipped = merged.len() - shown.len();
    let mut rows = String::new();
    let mut left_out = 0;
    for bench in &shown {
        let row = bench_row(bench, verdicts.get(bench.id).copied());
        if rows.len() + row.len() + COLUMNS.len() + AROUND > room {
            left_out += 1;
        } else {
            rows.push_str(&row);
        }
    }
    let left_out = if left_out > 0 { format!("\n{left_out} do not fit here.\n") } else { String::new() };
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!(
        "\n<details>\n<summary>All {}{skipped}</summary>\n\n{COLUMNS}{rows}{left_out}\n</details>\n",
        benches(shown.len())
    )
}

fn bench_row(bench: &MergedBench<'_>, verdict: Option<Verdict>) -> String {
    let shown = match (bench.status, verdict) {
        (Status::Failed, _) => "failed".to_owned(),
        (Status::Invalid, _) => "invalid".to_owned(),
        (_, Some(verdict)) => format!("{} {verdict}", words::verdict_mark(verdict)),
        (_, None) => String::new(),
    };
    let cells = match &bench.figures {
        Some(figures) => {
            let shown =
                [figures.p50, figures.p90, figures.p99, figures.max].map(|value| figure(value, figures.unit));
            let spread = bench.spread.map(|spread| format!("{:.1} %", spread * 100.0)).unwrap_or_default();
            format!("{} | {spread}", shown.join(" | "))
        }
        None => " | | | |".to_owned(),
    };
    format!("| {} | {cells} | {shown} |\n", code(bench.id))
}

fn environment(assessment: &Assessment) -> String {
    let run = &assessment.run;
    let machine = run.boots.iter().find_map(|stored| stored.boot.machine.as_ref());
    let cpu = machine.map(|machine| {
        let name = if machine.cpu.brand.trim().is_empty() { &machine.cpu.vendor } else { &machine.cpu.brand };
        escaped(name.trim())
    });
    let mode = run.mode().map(|mode| format!("{} ({})", mode.name(), header::meaning(mode)));
    let memory = machine.map(|machine| quantity::bytes(crate::analysis::count(machine.memory.0)));
    let boots = words::counted(run.boots.len(), "boot");
    let image =
        run.image_hash().map(|hash| format!("image {}", code(&hash.chars().take(12).collect::<String>())));
    let parts = [cpu, memory, mode, Some(boots), Some(escaped(&header::plan(run))), image];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("\n<sub>{}; {}.</sub>\n", words::moment(run.head.started), parts.join(", "))
}

/// A name in code style; one that is not plain stands as text, so that nothing in it can end the style.
fn code(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | ':');
    if !name.is_empty() && name.len() < 200 && name.chars().all(is_plain) {
        format!("`{name}`")
    } else {
        escaped(name)
    }
}

/// `text` on one line, in which nothing is markup, ends a cell of a table or calls somebody by name (CommonMark 0.31.2,
/// section 2.4).
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for character in clean(text).chars() {
        match character {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            // A word joiner behind it: GitHub looks for names after it has undone escapes.
            '@' => shown.push_str("@\u{2060}"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '$'
            | ':' => {
                shown.push('\\');
                shown.push(character);
            }
            plain => shown.push(plain),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::{self, HOSTILE};
    use proptest::prelude::*;

    #[test]
    fn names_cannot_leave_their_cell() {
        assert_eq!(code("memory/alloc-small/16"), "`memory/alloc-small/16`");
        assert_eq!(code("a`b|c"), "a\\`b\\|c");
        assert_eq!(escaped("two\nlines <b> @all"), "two lines &lt;b&gt; @\u{2060}all");
        let text = markdown(&samples::assessment());
        assert!(!text.contains("<script") && !text.contains(HOSTILE) && !text.contains('\u{1b}'));
    }

    #[test]
    fn a_comment_stays_below_what_github_takes() {
        let mut assessment = samples::assessment();
        let pattern = assessment.run.boots[0].boot.benches[1].clone();
        let many = (0..2_000).map(|number| {
            let mut bench = pattern.clone();
            bench.id = format!("memory/bench-with-a-rather-long-name/{number}");
            bench
        });
        assessment.run.boots[0].boot.benches = many.collect();
        let text = markdown(&assessment);
        assert!(text.len() <= LENGTH_MAX, "{} bytes", text.len());
        assert!(text.contains("do not fit here") && text.ends_with("</sub>\n"));
    }

    #[test]
    fn sides_that_are_not_alike_show_where() {
        let mut assessment = samples::assessment();
        let comparison = assessment.comparison.as_mut().expect("compared");
        comparison.benches.clear();
        comparison.outcome = crate::analysis::Outcome::NotComparable(vec![crate::analysis::Difference {
            field: "cpu.microcode".into(),
            a: "0x1".into(),
            b: HOSTILE.into(),
        }]);
        let text = markdown(&assessment);
        assert!(text.contains("Not comparable") && text.contains("| cpu.microcode | 0x1 |"), "{text}");
    }

    proptest! {
        #[test]
        fn every_row_of_a_table_has_its_cells(name in any::<String>(), reason in any::<String>()) {
            let mut assessment = samples::assessment();
            let bench = &mut assessment.comparison.as_mut().expect("compared").benches[3];
            (bench.id, bench.reason) = (name, Some(reason));
            let text = changes(&assessment);
            for row in text.lines().filter(|line| !line.is_empty()) {
                let unescaped = row.replace("\\\\", "").replace("\\|", "");
                prop_assert_eq!(unescaped.matches('|').count(), 7, "{}", row);
            }
        }
    }
}
