//! `compare`.

use std::fs;

use perf_kernel::wire::{BenchRecord, EndReason, Mode};
use runner::exit_code;

use crate::harness::{Called, Place, benches, text, transcript};

/// Stores the boots as one run and gives its id.
fn stored(place: &Place, mode: Mode, boots: &[&[BenchRecord]]) -> String {
    let mut arguments = vec!["replay".to_owned()];
    for (number, boot) in boots.iter().enumerate() {
        let nonce = format!("{mode:?}{number}{}", boot[0].summary.as_ref().map_or(0, |summary| summary.max));
        let bytes = transcript(&nonce, mode, boot, Some(EndReason::Done));
        arguments.push(text(&place.file(&nonce, bytes)).to_owned());
    }
    arguments.extend(["--json".to_owned(), "-".to_owned()]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let called = place.call(&arguments);
    assert_eq!(called.code, 0, "{}", called.errors);
    let document: serde_json::Value = serde_json::from_str(&called.output).expect("JSON");
    document["run"].as_str().expect("an id").to_owned()
}

fn measured() -> Vec<BenchRecord> {
    benches()[..2].to_vec()
}

/// The benches with one instruction more in the first one's slowest sample.
fn slower() -> Vec<BenchRecord> {
    let mut benches = measured();
    benches[0].summary.as_mut().expect("measured").max += 1;
    benches
}

#[track_caller]
fn shows(called: &Called, code: u8, part: &str) {
    assert_eq!(called.code, i32::from(code), "{}{}", called.output, called.errors);
    assert!(called.output.contains(part), "{}", called.output);
}

#[test]
fn two_equal_boots_of_an_exact_run_do_not_differ() {
    let place = Place::new();
    stored(&place, Mode::Icount, &[&measured(), &measured()]);
    for arguments in [
        &["compare"][..],
        &["compare", "last"],
        &["compare", "--within", "last"],
        &["compare", "last:1", "last:2"],
    ] {
        shows(&place.call(arguments), exit_code::OK, "no difference in 2 benches, exact to the instruction");
    }
}

#[test]
fn one_instruction_between_two_runs_is_a_difference() {
    let place = Place::new();
    let before = stored(&place, Mode::Icount, &[&measured()]);
    stored(&place, Mode::Icount, &[&slower()]);
    for arguments in [&["compare"][..], &["compare", &before[..5], "last"]] {
        let called = place.call(arguments);
        shows(&called, exit_code::DIFFERENT, "env/timer-pair");
        shows(&called, exit_code::DIFFERENT, "+1");
    }
}

#[test]
fn unlike_runs_are_not_compared_and_the_fields_are_shown() {
    let place = Place::new();
    stored(&place, Mode::Icount, &[&measured()]);
    stored(&place, Mode::Tcg, &[&measured()]);
    let called = place.call(&["compare"]);
    shows(&called, exit_code::NOT_COMPARABLE, "not comparable");
    shows(&called, exit_code::NOT_COMPARABLE, "icount");
}

/// So many boots whose benches take `thousandths` of what they otherwise do, each with a little more or less.
fn noisy(boots: u64, thousandths: u64) -> Vec<Vec<BenchRecord>> {
    let boot = |number: u64| {
        let mut boot = measured();
        for bench in &mut boot {
            let summary = bench.summary.as_mut().expect("measured");
            summary.p50 = (summary.p50 * 1_000 * (thousandths + number * 5 % 7)) / 1_000;
            summary.max = summary.p50 * 3 + number;
            bench.iterations *= 1_000;
        }
        boot
    };
    (0..boots).map(boot).collect()
}

fn stored_boots(place: &Place, mode: Mode, boots: &[Vec<BenchRecord>]) -> String {
    stored(place, mode, &boots.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn a_change_of_times_is_judged_over_boots() {
    let place = Place::new();
    stored_boots(&place, Mode::Hosted, &noisy(8, 1_000));
    stored_boots(&place, Mode::Hosted, &noisy(8, 1_040));
    for arguments in [&["compare"][..], &["compare", "last~1", "last"]] {
        let called = place.call(arguments);
        shows(&called, exit_code::DIFFERENT, "2 regressed");
        shows(&called, exit_code::DIFFERENT, "+3.99 %");
    }
    shows(&place.call(&["compare", "last", "last~1"]), exit_code::DIFFERENT, "2 improved");
    shows(&place.call(&["compare", "--margin", "20%"]), exit_code::OK, "2 equivalent");
    shows(&place.call(&["compare", "last", "last"]), exit_code::OK, "2 equivalent");
    shows(&place.call(&["compare", "last:1", "last:2"]), exit_code::OK, "too few boots: with 1 and 1");
    shows(&place.call(&["compare", "--within", "last"]), exit_code::OK, "boots 1 to 4 (before)");
}

#[test]
fn sets_of_boots_are_pooled_only_if_they_are_alike() {
    let place = Place::new();
    let first = stored_boots(&place, Mode::Hosted, &noisy(4, 1_000));
    let second = stored_boots(&place, Mode::Hosted, &noisy(3, 1_001));
    let slow = stored_boots(&place, Mode::Hosted, &noisy(6, 1_050));
    let emulated = stored(&place, Mode::Tcg, &[&measured()]);
    let called = place.call(&["compare", "--before", &first, &second, "--after", &slow]);
    shows(&called, exit_code::DIFFERENT, "medians of 7 boots before and 6 boots after");
    let list = format!("{first},{second}:2");
    let called = place.call(&["compare", "--before", &list, "--after", &slow]);
    shows(&called, exit_code::DIFFERENT, "medians of 5 boots before");
    place
        .call(&["compare", "--before", &first, &emulated, "--after", &slow])
        .fails_with(exit_code::NOT_COMPARABLE, &["boots before", "mode is \"hosted\" and \"tcg\""]);
    let twice = format!("{first}:1");
    place
        .call(&["compare", "--before", &first, "--after", &slow, &twice])
        .fails_with(exit_code::NO_SUCH_RUN, &["boot 1", "twice"]);
}

#[test]
fn boots_of_one_run_that_differ_are_compared_with_nothing() {
    let place = Place::new();
    let nonces = [("a", Mode::Hosted), ("b", Mode::Tcg)];
    let files = nonces
        .map(|(nonce, mode)| place.file(nonce, transcript(nonce, mode, &measured(), Some(EndReason::Done))));
    let [first, second] = files.each_ref().map(|file| text(file));
    assert_eq!(place.call(&["replay", first, second, "--quiet"]).code, 0);
    let called = place.call(&["compare", "last", "last"]);
    shows(&called, exit_code::NOT_COMPARABLE, "mode among the boots before");
}

#[test]
fn comparisons_are_written_as_json() {
    let place = Place::new();
    stored_boots(&place, Mode::Hosted, &noisy(8, 1_000));
    stored_boots(&place, Mode::Hosted, &noisy(8, 1_040));
    let called = place.call(&["compare", "--alpha", "0.01", "--json", "-"]);
    let document: serde_json::Value = serde_json::from_str(&called.output).expect("JSON");
    let comparison = &document["comparisons"][0];
    assert_eq!((&document["format"], &comparison["method"]), (&1.into(), &"boots".into()));
    assert_eq!(comparison["settings"]["alpha"], 0.01);
    let bench = &comparison["benches"][0];
    assert_eq!((bench["verdict"].as_str(), bench["unit"].as_str()), (Some("regressed"), Some("ns")));
    assert!(bench["change"]["interval"]["low"].as_f64().expect("eight boots") > 1.0, "{bench}");
    assert_eq!(bench["before"]["boots"], 8);
    let called = place.call(&["compare", "--json", "found.json"]);
    shows(&called, exit_code::DIFFERENT, "2 regressed");
    assert!(fs::read_to_string(place.path("found.json")).expect("written").contains("\"regressed\""));
}

#[test]
fn random_halves_of_equal_boots_are_seldom_called_different() {
    let place = Place::new();
    stored_boots(&place, Mode::Hosted, &noisy(12, 1_000));
    let called = place.call(&["compare", "--within", "last", "--splits", "50", "--seed", "7"]);
    shows(&called, exit_code::OK, "split at random 50 times, 6 and 6");
    shows(&called, exit_code::OK, "kept");
    assert_eq!(
        called.output,
        place.call(&["compare", "--within", "last", "--splits", "50", "--seed", "7"]).output
    );
    stored_boots(&place, Mode::Hosted, &noisy(3, 2_000));
    place
        .call(&["compare", "--within", "last", "--splits", "5"])
        .fails_with(exit_code::NO_SUCH_RUN, &["3 boots"]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let place = Place::new();
    for arguments in [["--margin", "0"], ["--margin", "150%"], ["--alpha", "0.5"], ["--splits", "5"]] {
        let called = place.call(&[&["compare"], &arguments[..]].concat());
        assert_eq!(called.code, i32::from(exit_code::USAGE), "{}", called.errors);
    }
}

#[test]
fn runs_and_boots_that_are_not_there_are_named() {
    let place = Place::new();
    for arguments in [&["show"][..], &["compare"], &["show", "--db", "deep/results.db"]] {
        place.call(arguments).fails_with(exit_code::NO_SUCH_RUN, &["\"last\"", "multios-perf runs"]);
    }
    assert!(place.call(&["runs"]).output.starts_with("no runs are stored yet"));
    assert!(!place.path("deep").exists() && !place.database().exists(), "looking makes no file");
    stored(&place, Mode::Icount, &[&measured()]);
    place.call(&["show", "0123abcd"]).fails_with(exit_code::NO_SUCH_RUN, &["\"0123abcd\""]);
    place.call(&["show", "last:2"]).fails_with(exit_code::NO_SUCH_RUN, &["boot 2", "it has 1"]);
    place.call(&["compare", "last"]).fails_with(exit_code::NO_SUCH_RUN, &["fewer than two", "--boots"]);
    let called = place.call(&["show", "latest"]);
    assert_eq!(called.code, i32::from(exit_code::USAGE));
    assert!(called.errors.contains("names no run"), "{}", called.errors);
}
