//! SARIF 2.1.0 (OASIS), which code hosts show beside the lines that results point at.

use serde::Serialize;

use super::case::{self, CaseResult};
use super::clean::clean;
use super::concern::{Concern, in_words};
use super::json::to_json;
use super::rule::{NOTE, Rule};
use super::table_place::table_place;
use super::words;
use crate::analysis::GrowthChange;
use crate::assess::{Assessment, Course};
use crate::history::Kind;
use crate::tracking::{FindingState, TrackedFinding};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// How deep lines are broken: each result and each rule has one.
const OPEN_DEPTH: usize = 4;

/// Where relative paths begin: at the root of the repository.
const ROOT: &str = "SRCROOT";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Analysis; 1],
}

/// What SARIF calls a run: that of the tool.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    tool: Tool,
    automation_details: Automation,
    column_kind: &'static str,
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Text,
    help: Text,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Automation {
    id: String,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    logical_locations: [LogicalLocation; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: &'static str,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Fingerprints {
    /// The same for the same thing on the same machine, run after run.
    #[serde(rename = "benchAndMachine/v1")]
    bench_and_machine: String,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    justification: String,
}

/// What of the run somebody should look at, as a SARIF log: what regressed, may have regressed, improved, failed or could
/// not be judged, and what the histories show. Findings that somebody has explained are there, suppressed.
#[must_use]
pub fn sarif(assessment: &Assessment) -> String {
    let rules = Rule::ALL.map(|rule| Descriptor {
        id: rule.id(),
        short_description: Text { text: rule.meaning().to_owned() },
        help: Text { text: rule.advice().to_owned() },
        default_configuration: Configuration { level: rule.level() },
    });
    let driver = Driver { name: "multios-perf", version: env!("CARGO_PKG_VERSION"), rules: rules.into() };
    let id = format!("multios-perf/{}/{}", assessment.machine, assessment.run.head.id);
    let analysis = Analysis {
        tool: Tool { driver },
        automation_details: Automation { id: clean(&id).into_owned() },
        column_kind: "unicodeCodePoints",
        results: results(assessment),
    };
    to_json(&Log { schema: SCHEMA, version: "2.1.0", runs: [analysis] }, OPEN_DEPTH)
}

fn results(assessment: &Assessment) -> Vec<SarifResult> {
    let machine = assessment.machine.as_str();
    let mut results = Vec::new();
    for case in case::suites(assessment).into_iter().flat_map(|suite| suite.cases) {
        let is_bench = case.bench.is_some() || case.verdict.is_some();
        let kind = if is_bench { "function" } else { "module" };
        let mut add =
            |rule: Rule, message: &str| results.push(result(rule, &case.id, kind, message, machine));
        if let CaseResult::Failed(wrong) = &case.result {
            wrong.iter().for_each(|(rule, message)| add(*rule, message));
        }
        match case.verdict.zip(case.concern) {
            // These are among what is wrong with the case.
            Some((_, Concern::Regressed | Concern::Invalid)) | None => {}
            Some((verdict, concern)) => add(concern.into(), &in_words(verdict)),
        }
    }
    let findings =
        assessment.courses.iter().flat_map(|course| course.findings.iter().map(move |it| (course, it)));
    let standing = findings.filter(|(_, tracked)| tracked.state == FindingState::Standing);
    results.extend(standing.map(|(course, tracked)| finding(course, tracked, machine)));
    results.extend(assessment.growth_changes.iter().map(|change| grown(change, machine)));
    results
}

fn result(rule: Rule, id: &str, kind: &'static str, message: &str, machine: &str) -> SarifResult {
    let name = clean(id);
    let physical_location = table_place(id).map(|place| PhysicalLocation {
        artifact_location: Artifact { uri: place.file, uri_base_id: ROOT },
        region: Region { start_line: place.line },
    });
    SarifResult {
        rule_id: rule.id(),
        rule_index: Rule::ALL.iter().position(|known| *known == rule).unwrap_or_default(),
        level: rule.level(),
        message: Text { text: format!("{name}: {message}") },
        locations: [Location {
            physical_location,
            logical_locations: [LogicalLocation { fully_qualified_name: name.clone().into_owned(), kind }],
        }],
        partial_fingerprints: Fingerprints { bench_and_machine: format!("{name}@{}", clean(machine)) },
        suppressions: Vec::new(),
    }
}

fn finding(course: &Course, tracked: &TrackedFinding, machine: &str) -> SarifResult {
    let found = &tracked.finding;
    let unit = course.series.points.last().map_or("", |point| point.unit.as_str());
    let place =
        tracked.place.as_ref().map(|place| format!(" at run {}", clean(&place.run))).unwrap_or_default();
    let (before, after) = (found.size.before, found.size.after);
    let message =
        format!("{}{place}, from {before:.4} to {after:.4} {}", kind_in_words(found.kind), clean(unit));
    let mut shown = result(Rule::Finding, &tracked.bench, "function", &message, machine);
    if found.size.shift < 0.0 {
        shown.level = NOTE;
    }
    // Several findings of one bench are several things.
    shown.partial_fingerprints.bench_and_machine += &format!("#{}", found.id);
    shown.suppressions = tracked
        .acknowledgement
        .iter()
        .map(|said| Suppression { kind: "external", justification: clean(&said.reason).into_owned() })
        .collect();
    shown
}

fn grown(change: &GrowthChange, machine: &str) -> SarifResult {
    let message = words::growth_change(change);
    let mut shown = result(Rule::GrowthChanged, &change.subject, "function", &message, machine);
    if !change.is_worse() {
        shown.level = NOTE;
    }
    shown.partial_fingerprints.bench_and_machine += &format!("#{}", change.id(machine));
    shown
}

const fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Step => "the level changed",
        Kind::Blip => "a short excursion",
        Kind::Drift => "the level drifts",
        Kind::WiderNoise => "the spread grew",
        Kind::TwoModes => "the figures fall into two groups",
        Kind::Environment => "the level changed together with benches that only the machine moves",
        Kind::RelabelledUnit => "the figures changed by a factor of units",
        Kind::TooFewPoints => "something may have happened, but too few points follow",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;
    use serde_json::Value;

    fn log(assessment: &Assessment) -> Value {
        serde_json::from_str(&sarif(assessment)).expect("it is JSON")
    }

    #[test]
    fn results_carry_rule_level_place_and_fingerprint() {
        let assessment = assessment();
        let log = log(&assessment);
        let results = log["runs"][0]["results"].as_array().expect("results");
        let told: Vec<_> = results.iter().map(|it| (it["ruleId"].as_str(), it["level"].as_str())).collect();
        let expected = [
            ("regressed", "error"),
            ("improved", "note"),
            ("bench-failed", "error"),
            ("finding", "warning"),
            ("growth-changed", "warning"),
        ];
        assert_eq!(told, expected.map(|(rule, level)| (Some(rule), Some(level))));
        let location = &results[0]["locations"][0];
        let file = &location["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(file, "perf-kernel/src/suites/memory/table.rs");
        assert_eq!(location["logicalLocations"][0]["fullyQualifiedName"], "memory/alloc-small/16");
        let fingerprint = &results[0]["partialFingerprints"]["benchAndMachine/v1"];
        assert_eq!(*fingerprint, format!("memory/alloc-small/16@{}", assessment.machine));
    }

    #[test]
    fn each_result_points_at_its_rule() {
        let log = log(&assessment());
        let rules = &log["runs"][0]["tool"]["driver"]["rules"];
        for result in log["runs"][0]["results"].as_array().expect("results") {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("few");
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }

    #[test]
    fn an_explained_finding_is_suppressed_and_a_withdrawn_one_is_left_out() {
        let mut assessment = assessment();
        let suppressions = |assessment: &Assessment| {
            let log = log(assessment);
            let results = log["runs"][0]["results"].as_array().expect("results").clone();
            let found = results.into_iter().find(|result| result["ruleId"] == "finding");
            found.map(|result| result["suppressions"].clone())
        };
        let said = suppressions(&assessment).expect("it stands");
        assert_eq!(said[0]["kind"], "external");
        assert!(said[0]["justification"].as_str().expect("text").starts_with("meant: "), "{said}");
        assessment.courses[0].findings[0].acknowledgement = None;
        assert_eq!(suppressions(&assessment), Some(Value::Null));
        assessment.courses[0].findings[0].state = FindingState::Withdrawn;
        assert_eq!(suppressions(&assessment), None);
    }

    #[test]
    fn a_bench_of_another_version_has_no_line() {
        let mut assessment = assessment();
        assessment.comparison.as_mut().expect("it has one").benches[1].id = "memory/never-was".into();
        assessment.run.boots[0].boot.benches[1].id = "memory/never-was".into();
        let log = log(&assessment);
        let results = log["runs"][0]["results"].as_array().expect("results");
        let regressed = results.iter().find(|result| result["ruleId"] == "regressed").expect("it is told");
        let location = &regressed["locations"][0];
        assert_eq!(location["physicalLocation"], Value::Null);
        assert_eq!(location["logicalLocations"][0]["fullyQualifiedName"], "memory/never-was");
    }
}
