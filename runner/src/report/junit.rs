//! JUnit XML, which most CI systems show as a table of tests.

use std::time::Duration;

use perf_kernel::wire::Mode;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::case::{self, BOOTS, Case, CaseResult};
use super::clean::clean;
use super::document::rounded;
use super::rule::Rule;
use crate::assess::Assessment;

/// The run as JUnit XML: a test suite for each suite and one for the boots, a test case for each bench. What was judged
/// and found wanting is a failure, what could not be judged an error. Figures are properties, in the units of JSON.
#[must_use]
pub fn junit(assessment: &Assessment) -> String {
    let head = &assessment.run.head;
    let mut report = Report::new(format!("multios-perf {}", text(&head.id)));
    for suite in case::suites(assessment) {
        let mut shown = TestSuite::new(text(&suite.name));
        if suite.name == BOOTS {
            shown.add_properties(properties_of_run(assessment));
        }
        // Instructions are no time, whatever frequency their counter claims.
        let has_time = assessment.run.mode().is_some_and(|mode| mode != Mode::Icount);
        shown.add_test_cases(suite.cases.iter().map(|case| test_case(case, &suite.name, has_time)));
        report.add_test_suite(shown);
    }
    let written = report.to_string();
    // Neither a vector nor text without control characters refuses.
    debug_assert!(written.is_ok(), "{written:?}");
    written.unwrap_or_default()
}

fn test_case(case: &Case<'_>, suite: &str, has_time: bool) -> TestCase {
    let status = match &case.result {
        CaseResult::Passed => TestCaseStatus::success(),
        CaseResult::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(text(reason));
            status
        }
        CaseResult::Failed(wrong) => failure(wrong),
    };
    let mut shown = TestCase::new(text(&case.id), status);
    shown.set_classname(text(suite));
    let time =
        case.seconds.filter(|_| has_time).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    if let Some(time) = time {
        shown.set_time(time);
    }
    shown.add_properties(properties_of_case(case));
    shown
}

fn failure(wrong: &[(Rule, String)]) -> TestCaseStatus {
    let gravest = wrong.first();
    let is_error = gravest.is_some_and(|(rule, _)| rule.is_error());
    let kind = if is_error { NonSuccessKind::Error } else { NonSuccessKind::Failure };
    let mut status = TestCaseStatus::non_success(kind);
    if let Some((rule, message)) = gravest {
        status.set_type(rule.id()).set_message(text(message));
    }
    let all: Vec<_> =
        wrong.iter().map(|(rule, message)| format!("{}: {}", rule.id(), text(message))).collect();
    status.set_description(all.join("\n"));
    status
}

fn properties_of_run(assessment: &Assessment) -> Vec<Property> {
    let run = &assessment.run;
    let reference = assessment.comparison.as_ref().map(|comparison| comparison.a.as_str());
    let all = [
        ("run", Some(run.head.id.as_str())),
        ("started", Some(&*run.head.started.to_string())),
        ("machine", Some(&assessment.machine)),
        ("mode", run.mode().map(Mode::name)),
        ("image_hash", run.image_hash()),
        ("revision", run.head.revision.as_deref()),
        ("reference", reference),
    ]
    .map(|(name, value)| value.map(|value| Property::new(name, text(value))));
    all.into_iter().flatten().collect()
}

fn properties_of_case(case: &Case<'_>) -> Vec<Property> {
    let mut properties = Vec::new();
    let mut add = |name: &str, value: String| properties.push(Property::new(name, value));
    if let Some(figures) = case.figures() {
        add("unit", figures.unit.name().to_owned());
        add("boots", case.medians.len().to_string());
        add("n", figures.n.to_string());
        let all = [
            ("min", Some(figures.min)),
            ("p50", Some(figures.p50)),
            ("p90", Some(figures.p90)),
            ("p95", Some(figures.p95)),
            ("p99", Some(figures.p99)),
            ("p999", figures.p999),
            ("max", Some(figures.max)),
            ("mean", Some(figures.mean)),
            ("mad", Some(figures.mad)),
            ("operations_per_second", figures.rates.map(|rates| rates.operations.round())),
            ("bytes_per_second", figures.rates.and_then(|rates| rates.bytes()).map(f64::round)),
        ];
        let known = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.for_each(|(name, value)| add(name, rounded(value).to_string()));
    }
    if let Some(verdict) = case.verdict {
        add("verdict", verdict.verdict.name().to_owned());
        if let Some(change) = verdict.change {
            add("change_ratio", ratio(change.ratio));
            let ends = change.interval.map(|interval| [("low", interval.low), ("high", interval.high)]);
            let ends = ends.into_iter().flatten();
            ends.for_each(|(end, value)| add(&format!("change_ratio_{end}"), ratio(value)));
        }
    }
    properties
}

/// A ratio to a millionth, which shows one instruction in a million.
fn ratio(ratio: f64) -> String {
    format!("{ratio:.6}")
}

/// `text` in characters that XML 1.0 can carry (section 2.2). Control characters are escaped as everywhere; the two
/// that are left are no characters at all.
fn text(text: &str) -> String {
    clean(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::{HOSTILE, assessment};
    use proptest::prelude::*;

    #[test]
    fn each_way_to_end_has_its_element() {
        let mut assessment = assessment();
        let mut invalid = assessment.run.boots[0].boot.benches[0].clone();
        invalid.id = "env/pause".into();
        invalid.status = perf_kernel::wire::Status::Invalid;
        assessment.run.boots[0].boot.benches.push(invalid);
        let xml = junit(&assessment);
        assert!(xml.contains("tests=\"8\" skipped=\"1\" failures=\"2\" errors=\"1\""), "{xml}");
        assert!(xml.contains("<failure message=\"100 ns to 103 ns; +3.4 %"), "{xml}");
        assert!(xml.contains("<skipped message=\"not built yet\"/>"), "{xml}");
        assert!(xml.contains("<property name=\"p50\" value=\"71\"/>"), "{xml}");
    }

    #[test]
    fn time_is_told_where_ticks_are_time() {
        let mut assessment = assessment();
        assert!(junit(&assessment).contains(" time=\""));
        for stored in &mut assessment.run.boots {
            stored.boot.clock = Some(crate::samples::clock(Mode::Icount));
        }
        assert!(!junit(&assessment).contains(" time=\""));
    }

    #[test]
    fn hostile_text_stays_text() {
        let xml = junit(&assessment());
        assert!(!xml.contains('\u{1b}') && !xml.contains("<script>"), "{xml}");
        assert!(xml.contains("&lt;script&gt;"), "{HOSTILE} is shown");
    }

    proptest! {
        #[test]
        fn only_characters_of_xml_come_out(id in any::<String>(), reason in any::<String>()) {
            let mut assessment = assessment();
            let bench = &mut assessment.run.boots[0].boot.benches[3];
            (bench.id, bench.reason) = (id, Some(reason));
            let is_of_xml = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
            prop_assert!(junit(&assessment).chars().all(is_of_xml));
        }
    }
}
