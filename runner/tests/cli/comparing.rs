//! `compare`.

use perf_kernel::wire::{BenchRecord, EndReason, Mode};
use runner::exit_code;

use crate::harness::{Called, Place, benches, text, transcript};
use crate::samples;

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

#[test]
fn times_are_set_side_by_side_without_a_verdict() {
    let place = Place::new();
    let mut slow = measured();
    slow[1] = samples::bench("memory/alloc-small/64", 40_000, 64);
    stored(&place, Mode::Hosted, &[&measured()]);
    stored(&place, Mode::Hosted, &[&slow]);
    let called = place.call(&["compare", "last~1", "last"]);
    shows(&called, exit_code::OK, "without a verdict");
    shows(&called, exit_code::OK, "10.000");
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
