//! Runs that measured two builds in turn.

use perf_kernel::wire::{BenchRecord, EndReason, Mode, Side};
use runner::exit_code;

use crate::harness::{Place, text, transcript};
use crate::samples;

/// The four measurements of a round, of which the candidate's take `candidate_ticks`.
fn round(candidate_ticks: u64) -> Vec<BenchRecord> {
    let record = |side: Side| {
        let ticks = if side == Side::Candidate { candidate_ticks } else { 4_000 };
        BenchRecord { side: Some(side), round: Some(0), ..samples::bench("memory/alloc-small/64", ticks, 40) }
    };
    [Side::Base, Side::Candidate, Side::Candidate, Side::Base].map(record).to_vec()
}

/// Stores a boot of such a round and gives the run's id with what was printed.
fn stored(place: &Place, mode: Mode, candidate_ticks: u64) -> (String, String) {
    let bytes = transcript("pair", mode, &round(candidate_ticks), Some(EndReason::Done));
    let file = place.file("pair", bytes);
    let called = place.call(&["replay", text(&file), "--json", "pair.json"]);
    assert_eq!(called.code, 0, "{}", called.errors);
    let document = std::fs::read_to_string(place.path("pair.json")).expect("it was written");
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    (document["run"].as_str().expect("an id").to_owned(), called.output)
}

#[test]
fn one_instruction_is_shown_as_a_regression() {
    let place = Place::new();
    let (run, page) = stored(&place, Mode::Icount, 4_040);
    let line = page.lines().find(|line| line.starts_with("memory/alloc-small/64")).expect("the bench");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["memory/alloc-small/64", "100", "101", "+1", "regressed"]);
    let shown = place.call(&["show", &run]);
    assert!(shown.code == 0 && shown.output.contains("1 regressed"), "{}{}", shown.output, shown.errors);
    let document = place.call(&["show", &run, "--json", "-"]);
    let document: serde_json::Value = serde_json::from_str(&document.output).expect("JSON");
    let bench = &document["benches"][0];
    assert_eq!((bench["verdict"].as_str(), bench["statistic"].as_str()), (Some("regressed"), Some("p50")));
    assert_eq!((bench["base"].as_f64(), bench["candidate"].as_f64()), (Some(100.0), Some(101.0)));
}

#[test]
fn one_boot_of_times_decides_nothing() {
    let place = Place::new();
    let (_, page) = stored(&place, Mode::Hosted, 8_000);
    assert!(page.contains("+100.00 %") && page.contains("1 undecided"), "{page}");
}

#[test]
fn a_run_of_two_builds_is_compared_with_nothing_else() {
    let place = Place::new();
    let (run, _) = stored(&place, Mode::Icount, 4_000);
    let part = format!("`multios-perf show {run}`");
    place.call(&["compare", &run, &run]).fails_with(exit_code::NO_SUCH_RUN, &["two builds in turn", &part]);
    place.call(&["compare"]).fails_with(exit_code::NO_SUCH_RUN, &["last"]);
    place.call(&["show", "last"]).fails_with(exit_code::NO_SUCH_RUN, &["there is none"]);
    place.call(&["show", &run, "--csv", "-"]).fails_with(exit_code::USAGE, &["--json has its verdicts"]);
    place.call(&["report", &run, "--html", "-"]).fails_with(exit_code::NO_SUCH_RUN, &[&part]);
}

#[test]
fn programs_that_were_not_built_are_named_with_the_remedy() {
    let place = Place::new();
    place.call(&["ab", "hosted"]).fails_with(exit_code::MISSING, &["perf-hosted", "make ab-hosted"]);
    place.call(&["layout", "hosted"]).fails_with(exit_code::MISSING, &["perf-hosted"]);
    place
        .call(&["ab", "build", "--base", "HEAD"])
        .fails_with(exit_code::MISSING, &["not in a git repository"]);
    let margin = place.call(&["ab", "hosted", "--margin", "-1"]);
    assert_eq!(margin.code, i32::from(exit_code::USAGE), "{}", margin.errors);
}
