//! `replay`, `show`, `runs`, `list`, and the two contracts for scripts.

use std::fs;

use perf_kernel::wire::{EndReason, Mode};
use runner::exit_code;
use serde_json::Value;

use crate::harness::{Place, benches, text, transcript};
use crate::samples;

#[test]
fn a_transcript_is_stored_and_reported_once() {
    let place = Place::new();
    let bytes = transcript("n1", Mode::Hosted, &benches(), Some(EndReason::FailedBenches));
    let path = place.file("boot.transcript", bytes);
    let first = place.call(&["replay", text(&path)]);
    assert_eq!(first.code, i32::from(exit_code::FAILED_BENCHES), "{}", first.errors);
    for part in
        ["alloc-small/64", "31.2 ns", "FAILED security/verify-ed25519", "2 measured, 1 failed, 1 skipped"]
    {
        assert!(first.output.contains(part), "{part}: {}", first.output);
    }
    let second = place.call(&["replay", text(&path)]);
    assert!(second.errors.contains("is stored as run"), "{}", second.errors);
    assert_eq!(second.output, first.output);
    assert_eq!(place.call(&["show"]).output, first.output);
    assert_eq!(place.call(&["runs"]).output.lines().count(), 2);
}

#[test]
fn the_json_contract_holds() {
    let place = Place::new();
    let path = place.file("b", transcript("n1", Mode::Hosted, &benches(), Some(EndReason::FailedBenches)));
    let called = place.call(&["replay", text(&path), "--json", "-"]);
    let document: Value = serde_json::from_str(&called.output).expect("only JSON on standard output");
    assert!(document["run"].is_string());
    assert_eq!((document["format"].as_u64(), document["mode"].as_str()), (Some(1), Some("hosted")));
    let boot = &document["boots"][0];
    assert_eq!(boot["end"], "failed_benches");
    let bench = |place: usize| &boot["benches"][place];
    assert_eq!((&bench(1)["id"], &bench(1)["status"]), (&"memory/alloc-small/64".into(), &"measured".into()));
    assert_eq!(
        (&bench(1)["unit"], &bench(1)["n"], &bench(1)["p50"]),
        (&"ns".into(), &1000.into(), &31.25.into())
    );
    for field in ["min", "p90", "p95", "p99", "max", "mean", "deviation", "mad", "operations_per_second"] {
        assert!(bench(1)[field].is_number(), "{field}");
    }
    assert_eq!(bench(1)["p999"], Value::Null);
    assert_eq!((&bench(2)["status"], &bench(3)["status"]), (&"failed".into(), &"skipped".into()));
    assert_eq!((&bench(3)["reason"], &bench(3)["p50"]), (&"not built yet".into(), &Value::Null));
}

#[test]
fn files_are_written_beside_the_report() {
    let place = Place::new();
    let path = place.file("b", transcript("n1", Mode::Icount, &benches()[..2], Some(EndReason::Done)));
    let called =
        place.call(&["replay", text(&path), "--json", "r.json", "--csv", "r.csv", "--db", "lab/night.db"]);
    assert_eq!(called.code, 0, "{}", called.errors);
    assert!(called.output.contains("2 measured"));
    let json = fs::read_to_string(place.path("r.json")).expect("written");
    assert!(json.contains("\"unit\": \"instructions\""));
    let csv = fs::read_to_string(place.path("r.csv")).expect("written");
    assert_eq!(csv.lines().count(), 3);
    assert!(place.path("lab/night.db").is_file() && !place.database().exists());
}

#[test]
fn the_list_contract_holds() {
    let called = Place::new().call(&["list", "--json"]);
    let list: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&called.output).expect("an array");
    let keys: Vec<_> = list[0].keys().map(String::as_str).collect();
    let mut expected = ["id", "suite", "scale", "limit", "needs", "built"];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    let find = |id: &str| list.iter().find(|entry| entry["id"] == id).expect("in the catalogue");
    assert_eq!(find("memory/alloc-small/64")["scale"], "64");
    assert_eq!(find("env/timer-pair")["scale"], Value::Null);
    assert!(find("env/timer-pair")["built"].is_boolean());
    assert_eq!(find("kernel/ipi-roundtrip")["needs"], serde_json::json!(["ring0", "smp"]));
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let place = Place::new();
    let benches = [
        samples::bench("evil\u{1b}]0;owned\u{7}/x", 90, 1),
        samples::skipped("kernel/a", "because\u{1b}[2J \u{202e}txt"),
    ];
    let path = place.file("b\u{1b}[31m", transcript("n\u{9b}1m", Mode::Tcg, &benches, Some(EndReason::Done)));
    for more in [&["--all"][..], &["--json", "-"], &["--csv", "-"]] {
        let called = place.call(&[&["replay", text(&path)], more].concat());
        for text in [&called.output, &called.errors] {
            assert!(!text.chars().any(|it| it.is_control() && it != '\n' && it != '\r'), "{text:?}");
            assert!(!text.contains('\u{202e}'), "{text:?}");
        }
    }
    let missing = place.call(&["replay", "no\u{1b}[2Jfile"]);
    assert_eq!(missing.code, i32::from(exit_code::MISSING), "{}", missing.errors);
}

#[test]
fn a_cut_transcript_shows_what_came() {
    let place = Place::new();
    let path = place.file("b", transcript("n1", Mode::Tcg, &benches()[..2], None));
    let called = place.call(&["replay", text(&path)]);
    assert_eq!(called.code, i32::from(exit_code::POWER_LOST));
    assert!(
        called.output.contains("power lost") && called.output.contains("2 measured"),
        "{}",
        called.output
    );
}
