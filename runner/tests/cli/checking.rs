//! `check`.

use perf_kernel::wire::{BenchRecord, Mode, Status};
use runner::exit_code;

use crate::harness::{Called, Place, benches};
use crate::samples;

fn measured() -> Vec<BenchRecord> {
    benches()[..2].to_vec()
}

fn changed(change: impl FnOnce(&mut Vec<BenchRecord>)) -> Vec<BenchRecord> {
    let mut benches = measured();
    change(&mut benches);
    benches
}

/// A place with a baseline in exact mode, in the database and in a file.
fn place() -> Place {
    let place = Place::new();
    place.stored("before", Mode::Icount, &[&measured()]);
    assert_eq!(place.call(&["baseline", "pin", "main"]).code, 0);
    assert_eq!(place.call(&["baseline", "export", "main", "main.json"]).code, 0);
    place
}

#[track_caller]
fn answers(called: &Called, code: u8, part: &str) {
    assert_eq!(called.code, i32::from(code), "{}{}", called.output, called.errors);
    assert!(called.output.contains(part), "{}", called.output);
}

#[test]
fn each_answer_has_its_code_by_name_and_by_file() {
    let more = changed(|benches| benches[0].summary.as_mut().expect("measured").p50 += 1);
    let less = changed(|benches| benches[0].summary.as_mut().expect("measured").p50 -= 1);
    let skipped = changed(|benches| benches[0] = samples::skipped("env/timer-pair", "no"));
    let failed = changed(|benches| benches[0].status = Status::Failed);
    let cases: [(&str, Mode, &[BenchRecord], u8, &str); 7] = [
        ("equal", Mode::Icount, &measured(), exit_code::OK, "passed against main"),
        ("more", Mode::Icount, &more, exit_code::REGRESSED, "regressed env/timer-pair: p50 was 90 and is 91"),
        ("less", Mode::Icount, &less, exit_code::IMPROVED, "improved env/timer-pair"),
        ("gone", Mode::Icount, &measured()[1..], exit_code::NO_DATA, "no data env/timer-pair"),
        ("skipped", Mode::Icount, &skipped, exit_code::NO_DATA, "the run skipped it"),
        ("failed", Mode::Icount, &failed, exit_code::INVALID, "invalid env/timer-pair: it failed"),
        ("other", Mode::Tcg, &measured(), exit_code::NOT_COMPARABLE, "not comparable: mode: icount and tcg"),
    ];
    let place = place();
    for (nonce, mode, benches, code, part) in cases {
        place.stored(nonce, mode, &[benches]);
        answers(&place.call(&["check", "--baseline", "main"]), code, part);
        let of_file = place.call(&["check", "last", "--baseline", "main.json"]);
        answers(&of_file, code, &part.replace("against main", "against main.json"));
        let json = place.call(&["check", "--baseline", "main", "--format", "json"]);
        let value: serde_json::Value = serde_json::from_str(&json.output).expect("JSON");
        assert_eq!(value["exit_code"].as_u64(), Some(u64::from(code)));
        let github = place.call(&["check", "--baseline", "main", "--format", "github"]);
        assert!(github.output.lines().all(|line| line.starts_with("::")), "{}", github.output);
        let is_error = github.output.contains("::error");
        assert_eq!((github.code, is_error), (i32::from(code), code != exit_code::OK), "{}", github.output);
    }
}

#[test]
fn a_filter_leaves_the_other_benches_out_of_the_answer() {
    let place = place();
    place.stored("gone", Mode::Icount, &[&measured()[1..]]);
    answers(&place.call(&["check", "--baseline", "main"]), exit_code::NO_DATA, "env/timer-pair");
    answers(&place.call(&["check", "--baseline", "main", "--filter", "memory/"]), exit_code::OK, "1 benches");
    let nothing = place.call(&["check", "--baseline", "main", "--filter", "monitor/"]);
    answers(&nothing, exit_code::NO_DATA, "not one bench");
}

#[test]
fn no_data_never_passes() {
    let place = Place::new();
    place.call(&["check", "--baseline", "main"]).fails_with(exit_code::NO_SUCH_RUN, &["\"last\""]);
    place.stored("one", Mode::Hosted, &[&measured()]);
    place
        .call(&["check", "--baseline", "main"])
        .fails_with(exit_code::MISSING, &["\"main\"", "baseline pin"]);
    place.call(&["check", "--baseline", "b.json"]).fails_with(exit_code::MISSING, &["b.json"]);
    place.file("bad.json", "{");
    place.call(&["check", "--baseline", "bad.json"]).fails_with(exit_code::CONFIGURATION, &["bad.json"]);
    assert_eq!(place.call(&["check"]).code, i32::from(exit_code::USAGE));
    for wrong in [["--margin", "0"], ["--margin", "x"], ["--alpha", "60%"], ["--format", "xml"]] {
        let called = place.call(&[&["check", "--baseline", "main"], &wrong[..]].concat());
        assert_eq!(called.code, i32::from(exit_code::USAGE), "{}", called.errors);
    }
    assert_eq!(place.call(&["baseline", "roll", "nightly", "--boots", "3"]).code, 0);
    let rolling = place.call(&["check", "--baseline", "nightly"]);
    answers(&rolling, exit_code::NO_DATA, "asks for 3 healthy boots and finds 0");
}
