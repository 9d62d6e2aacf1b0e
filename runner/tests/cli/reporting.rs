//! `report`.

use std::fs;

use perf_kernel::wire::{EndReason, Mode};
use runner::exit_code;

use crate::harness::{Place, benches, text, transcript};

/// Two stored runs of the same machine.
fn two_runs() -> Place {
    let place = Place::new();
    for nonce in ["one", "two"] {
        let bytes = transcript(nonce, Mode::Icount, &benches(), Some(EndReason::FailedBenches));
        let file = place.file(nonce, bytes);
        assert_eq!(
            place.call(&["replay", text(&file), "--quiet"]).code,
            i32::from(exit_code::FAILED_BENCHES)
        );
    }
    place
}

#[test]
fn several_formats_are_written_at_once_and_again_to_the_byte() {
    let place = two_runs();
    let write = || {
        let called = place.call(&[
            "report",
            "--junit",
            "j.xml",
            "--sarif",
            "s.sarif",
            "--openmetrics",
            "o.prom",
            "--ktap",
            "-",
        ]);
        assert_eq!(called.code, 0, "{}", called.errors);
        let files = ["j.xml", "s.sarif", "o.prom"].map(|name| fs::read(place.path(name)).expect("written"));
        (called.output, files)
    };
    let first = write();
    assert!(first.0.starts_with("KTAP version 1\n"), "{}", first.0);
    assert!(first.0.contains("not ok 1 security/verify-ed25519\n"), "{}", first.0);
    assert!(first.0.contains("# held against "), "the run before is the reference: {}", first.0);
    assert_eq!(write(), first);
}

#[test]
fn a_file_can_be_the_reference() {
    let place = two_runs();
    assert_eq!(place.call(&["show", "last~1", "--json", "before.json"]).code, 0);
    let called = place.call(&["report", "--against", "before.json", "--ktap", "-"]);
    assert!(called.output.contains("# held against before.json\n"), "{}{}", called.output, called.errors);
    let reason = ["nowhere.json", "there is no such file"];
    place.call(&["report", "--against", "nowhere.json", "--ktap", "-"]).fails_with(exit_code::USAGE, &reason);
    place
        .call(&["report", "--against", "last~7", "--ktap", "-"])
        .fails_with(exit_code::NO_SUCH_RUN, &["last~7"]);
}

#[test]
fn what_cannot_be_written_is_refused_in_one_sentence() {
    let place = two_runs();
    place.call(&["report", "--ktap", "-", "--csv", "-"]).fails_with(exit_code::USAGE, &["standard output"]);
    let called = place.call(&["report"]);
    assert_eq!(called.code, i32::from(exit_code::USAGE));
    assert!(called.errors.contains("--junit <FILE>"), "it names the formats: {}", called.errors);
    place.call(&["report", "--ktap", "no/folder/k"]).fails_with(exit_code::MISSING, &["no/folder/k"]);
}
