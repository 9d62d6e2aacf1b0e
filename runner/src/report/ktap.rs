//! The Kernel Test Anything Protocol, version 1 (`Documentation/dev-tools/ktap.rst` of Linux).

use super::case::{self, Case, CaseResult, Suite};
use super::clean::clean;
use super::concern::in_words;
use super::quantity::{counted, figure};
use super::rule::Rule;
use crate::assess::Assessment;

const VERSION: &str = "KTAP version 1";

/// One level of nesting.
const INDENT: &str = "  ";

/// The run as KTAP: a test for each suite and one for the boots, a subtest for each bench, its figures as diagnostics.
#[must_use]
pub fn ktap(assessment: &Assessment) -> String {
    let suites = case::suites(assessment);
    let run = &assessment.run;
    let mut text = format!("{VERSION}\n1..{}\n", suites.len());
    let mode = run.mode().map_or("unknown", perf_kernel::wire::Mode::name);
    text.push_str(&diagnostic(&format!("run {}, mode {mode}, machine {}", run.head.id, assessment.machine)));
    if let Some(comparison) = &assessment.comparison {
        text.push_str(&diagnostic(&format!("held against {}", comparison.a)));
    }
    for (number, suite) in (1..).zip(&suites) {
        text.push_str(&nested(suite));
        text.push_str(&suite_line(number, suite));
    }
    text
}

fn nested(suite: &Suite<'_>) -> String {
    let head = format!("{VERSION}\n# Subtest: {}\n1..{}\n", escaped(&suite.name), suite.cases.len());
    let cases: String = (1..).zip(&suite.cases).map(|(number, case)| case_lines(number, case)).collect();
    (head + &cases).lines().map(|line| format!("{INDENT}{line}\n")).collect()
}

fn suite_line(number: usize, suite: &Suite<'_>) -> String {
    let is_skipped = |case: &Case<'_>| matches!(case.result, CaseResult::Skipped(_));
    let (ok, directive) = if suite.cases.iter().any(|case| matches!(case.result, CaseResult::Failed(_))) {
        ("not ok", "")
    } else if suite.cases.iter().all(is_skipped) {
        ("ok", " # SKIP nothing of it ran")
    } else {
        ("ok", "")
    };
    format!("{ok} {number} {}{directive}\n", escaped(&suite.name))
}

fn case_lines(number: usize, case: &Case<'_>) -> String {
    let name = escaped(&case.id);
    let mut text = String::new();
    if let Some(figures) = figures_in_words(case) {
        text.push_str(&diagnostic(&format!("{}: {figures}", case.id)));
    }
    // What is wrong with a case is told below.
    if let Some(verdict) = case.verdict.filter(|_| !matches!(case.result, CaseResult::Failed(_))) {
        text.push_str(&diagnostic(&format!("{}: {}: {}", case.id, verdict.verdict, in_words(verdict))));
    }
    let line = match &case.result {
        CaseResult::Passed => format!("ok {number} {name}"),
        CaseResult::Skipped(reason) => format!("ok {number} {name} # SKIP {}", escaped(reason)),
        CaseResult::Failed(wrong) => {
            let all = wrong.iter().map(|(rule, message)| format!("{}: {message}", rule.id()));
            text.extend(all.map(|message| diagnostic(&format!("{}: {message}", case.id))));
            format!("not ok {number} {name}{}", directive(wrong))
        }
    };
    // A reason may be empty, and a line of a text format ends where its text does.
    text + line.trim_end() + "\n"
}

/// The directive for a case that could not be judged.
fn directive(wrong: &[(Rule, String)]) -> String {
    match wrong.first() {
        Some((rule, message)) if rule.is_error() => format!(" # ERROR {}", escaped(message)),
        _ => String::new(),
    }
}

fn figures_in_words(case: &Case<'_>) -> Option<String> {
    let figures = case.figures()?;
    let shown = |value: f64| figure(value, figures.unit);
    Some(format!(
        "p50 {}, mad {}, p99 {}, max {}, n {}, boots {}",
        shown(figures.p50),
        shown(figures.mad),
        shown(figures.p99),
        shown(figures.max),
        counted(figures.n),
        case.medians.len()
    ))
}

fn diagnostic(text: &str) -> String {
    format!("# {}\n", escaped(text))
}

/// `text` without `#`, which would end a description and could begin a directive.
fn escaped(text: &str) -> String {
    clean(text).replace('#', "\\u{23}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;
    use proptest::prelude::*;

    #[test]
    fn a_suite_fails_with_its_benches_and_is_skipped_with_all_of_them() {
        let text = ktap(&assessment());
        assert!(text.starts_with("KTAP version 1\n1..4\n"), "{text}");
        let ends: Vec<_> =
            text.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok")).collect();
        assert_eq!(
            ends,
            ["ok 1 boots", "ok 2 env", "not ok 3 memory", "ok 4 kernel # SKIP nothing of it ran"]
        );
        assert!(text.contains("\n  ok 1 kernel/syscall # SKIP not built yet\n"), "{text}");
    }

    #[test]
    fn a_name_cannot_pass_as_a_directive() {
        let mut assessment = assessment();
        assessment.run.boots.truncate(1);
        assessment.run.boots[0].boot.benches[3].id = "memory/evil # SKIP".into();
        assert!(ktap(&assessment).contains("not ok 3 memory/evil \\u{23} SKIP\n"));
    }

    proptest! {
        /// The plan is kept whatever a kernel sends.
        #[test]
        fn each_line_has_one_of_the_forms(id in any::<String>(), reason in any::<String>()) {
            let mut assessment = assessment();
            let bench = &mut assessment.run.boots[0].boot.benches[3];
            (bench.id, bench.reason) = (id, Some(reason));
            let mut cases = 0;
            for line in ktap(&assessment).lines().map(str::trim_start) {
                let is_case = line.starts_with("ok ") || line.starts_with("not ok ");
                cases += usize::from(is_case);
                prop_assert!(is_case || line == VERSION || line.starts_with("# ") || line.starts_with("1.."), "{}", line);
                prop_assert!(!is_case || line.matches('#').count() <= 1, "{}", line);
            }
            let suites = case::suites(&assessment);
            prop_assert_eq!(cases, suites.iter().map(|suite| suite.cases.len() + 1).sum::<usize>());
        }
    }
}
