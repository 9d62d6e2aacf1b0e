//! `detect`, `history` and `findings`.

use perf_kernel::wire::{EndReason, Mode};
use runner::exit_code;

use crate::harness::{Called, Place, text, transcript};
use crate::samples;

const BENCH: &str = "memory/alloc-small/64";

/// Replays a boot whose bench costs `ticks`.
fn replayed(place: &Place, number: usize, ticks: u64) -> Called {
    let nonce = format!("boot{number}");
    let boot = [samples::bench(BENCH, ticks, 1)];
    let bytes = transcript(&nonce, Mode::Icount, &boot, Some(EndReason::Done));
    let called = place.call(&["replay", text(&place.file(&nonce, bytes))]);
    assert_eq!(called.code, 0, "{}", called.errors);
    called
}

/// Three runs and a fourth with one instruction more. Replayed boots have no revision, so that the image must differ.
fn stepped(place: &Place) -> Called {
    for number in 0..3 {
        replayed(place, number, 1_000);
    }
    let nonce = "boot3";
    let mut hello = samples::hello(nonce, 1);
    hello.image_hash = "00ff".repeat(8);
    let bytes = crate::harness::transcript_from(
        hello,
        Mode::Icount,
        &[samples::bench(BENCH, 1_001, 1)],
        Some(EndReason::Done),
    );
    place.call(&["replay", text(&place.file(nonce, bytes))])
}

#[test]
fn a_run_that_changes_a_history_says_so_and_history_and_findings_show_it() {
    let place = Place::new();
    let called = stepped(&place);
    assert_eq!(called.code, 0);
    assert!(called.errors.contains("memory/alloc-small/64: opened as step at run "), "{}", called.errors);
    let history = place.call(&["history", BENCH]);
    assert_eq!(history.code, 0, "{}", history.errors);
    for part in ["4 runs, 1,000 to 1,001", "+0.10 %", "confirmed", "opened as step"] {
        assert!(history.output.contains(part), "{part}: {}", history.output);
    }
    let list = place.call(&["history"]);
    assert!(list.output.contains(BENCH) && list.output.contains("step"), "{}", list.output);
    let findings = place.call(&["findings", "--json"]);
    let findings: serde_json::Value = serde_json::from_str(&findings.output).expect("JSON");
    assert_eq!(findings[0]["finding"]["kind"], "step");
    let document: serde_json::Value =
        serde_json::from_str(&place.call(&["history", BENCH, "--json"]).output).expect("JSON");
    assert_eq!(document["points"].as_array().map(Vec::len), Some(4));
    assert_eq!(document["findings"], findings);
}

#[test]
fn a_finding_is_acknowledged_with_a_reason_and_reopened() {
    let place = Place::new();
    stepped(&place);
    let findings = place.call(&["findings"]);
    assert!(findings.output.contains("1 findings, 1 of them call for action"), "{}", findings.output);
    let id = findings.output.lines().nth(2).and_then(|line| line.split_whitespace().next()).expect("an id");
    assert_eq!(place.call(&["findings", "acknowledge", id]).code, i32::from(exit_code::USAGE));
    place.call(&["findings", "acknowledge", id, "--reason", " "]).fails_with(exit_code::USAGE, &["reason"]);
    assert_eq!(place.call(&["findings", "acknowledge", id, "--reason", "wider\u{1b}[2J header"]).code, 0);
    let findings = place.call(&["findings"]).output;
    assert!(
        findings.contains("0 of them call") && findings.contains("acknowledged: wider\\u{1b}"),
        "{findings}"
    );
    assert_eq!(place.call(&["findings", "reopen", id]).code, 0);
    place.call(&["findings", "reopen", id]).fails_with(exit_code::NO_SUCH_RUN, &["not acknowledged"]);
    place
        .call(&["findings", "acknowledge", "ffffffffffffffff", "--reason", "x"])
        .fails_with(exit_code::NO_SUCH_RUN, &["find the finding \"ffffffffffffffff\": there is none"]);
}

#[test]
fn nothing_stored_is_nothing_found_and_makes_no_file() {
    let place = Place::new();
    assert!(place.call(&["findings"]).output.contains("0 findings"));
    assert!(place.call(&["history"]).output.contains("no history shows anything"));
    place.call(&["history", BENCH]).fails_with(exit_code::NO_SUCH_RUN, &["no stored run has a valid figure"]);
    place.call(&["findings", "reopen", "ab"]).fails_with(exit_code::NO_SUCH_RUN, &["nothing is stored yet"]);
    assert!(!place.database().exists());
    stepped(&place);
    place
        .call(&["findings", "--machine", "zz"])
        .fails_with(exit_code::NO_SUCH_RUN, &["find the machine \"zz\""]);
}

#[test]
fn a_database_that_is_none_is_told() {
    let place = Place::new();
    let file = place.file("notes.txt", "x".repeat(500));
    for command in ["history", "findings"] {
        let called = place.call(&[command, "--db", text(&file)]);
        called.fails_with(exit_code::DATABASE_UNUSABLE, &["no SQLite database"]);
    }
}

#[test]
fn detect_prints_the_first_index_of_each_new_level_and_nothing_else() {
    let place = Place::new();
    let rows =
        |value: fn(usize) -> String| (0..80).map(|i| format!("{i},{}\n", value(i))).collect::<String>();
    let stepped = rows(|i| if i < 40 { "41000".into() } else { "41007".into() });
    let file = place.file("a.csv", format!("index,value\n{stepped}"));
    assert_eq!(place.call(&["detect", text(&file)]).output, "40\n");
    assert!(place.call(&["detect", "--verbose", text(&file)]).output.contains(" step, confirmed at 40 "));
    for (name, value) in [
        ("constant", (|_| "5".into()) as fn(usize) -> String),
        ("zero", |_| "0".into()),
        ("negative", |i| format!("-{}", i % 3)),
        ("huge", |i| if i % 2 == 0 { "1.7e308".into() } else { "-1.7e308".into() }),
        ("missing", |i| if i % 2 == 0 { "nan".into() } else { "3".into() }),
    ] {
        let file = place.file(name, format!("index,value\n{}", rows(value)));
        let called = place.call(&["detect", text(&file)]);
        assert_eq!((called.code, called.output.as_str()), (0, "\n"), "{name}: {}", called.errors);
    }
}

#[test]
fn detect_names_file_and_line_of_bad_input() {
    let place = Place::new();
    let detect = |name: &str, contents: &[u8]| place.call(&["detect", text(&place.file(name, contents))]);
    detect("a.csv", b"").fails_with(exit_code::CONFIGURATION, &["a.csv", "the file is empty"]);
    detect("b.csv", b"x,y\n1,2\n").fails_with(exit_code::CONFIGURATION, &["b.csv", "column \"value\""]);
    detect("c.csv", b"value\n1\n\x1b[2J\n").fails_with(exit_code::CONFIGURATION, &["c.csv", "line 3"]);
    detect("d.csv", b"value\n1\n\xff\n").fails_with(exit_code::CONFIGURATION, &["d.csv", "line 3", "UTF-8"]);
    place.call(&["detect", "none.csv"]).fails_with(exit_code::MISSING, &["none.csv"]);
    let empty = detect("e.csv", b"value\n");
    assert_eq!((empty.code, empty.output.as_str()), (i32::from(exit_code::NO_DATA), "\n"));
    let one = detect("f.csv", b"value\n5\n");
    assert_eq!((one.code, one.output.as_str()), (0, "\n"));
    assert!(one.errors.contains("1 points"), "{}", one.errors);
    assert_eq!(place.call(&["detect", "--rate", "2", "f.csv"]).code, i32::from(exit_code::USAGE));
}

#[test]
fn an_audit_of_too_little_history_is_no_success() {
    let place = Place::new();
    let called = place.call(&["audit"]);
    assert_eq!(called.code, i32::from(exit_code::NO_DATA));
    assert!(called.errors.contains("none has 30 points"), "{}", called.errors);
    stepped(&place);
    let called = place.call(&["audit", "--generate", text(&place.path("set"))]);
    assert_eq!(called.code, i32::from(exit_code::NO_DATA));
    assert!(called.errors.contains("no history of at least 30 points has noise"), "{}", called.errors);
    assert!(!place.path("set").exists());
}

#[test]
fn an_audit_of_csv_files_and_a_generated_set_depend_on_their_seed_alone() {
    let place = Place::new();
    let values: String = (0..60_u32).map(|i| format!("{}\n", 1_000 + i * i * 7 % 23)).collect();
    let file = place.file("a.csv", format!("value\n{values}"));
    let audit = || place.call(&["audit", "--from", text(&file), "--replicates", "2", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&audit().output).expect("JSON");
    assert_eq!(
        (document["histories"].as_u64(), document["recall"].as_array().map(Vec::len)),
        (Some(1), Some(16))
    );
    assert_eq!(audit().output, audit().output);
    for name in ["one", "two"] {
        let folder = place.path(name);
        let called =
            place.call(&["audit", "--from", text(&file), "--seed", "5", "--generate", text(&folder)]);
        assert_eq!(called.code, 0, "{}", called.errors);
        let again = place.call(&["audit", "--from", text(&file), "--generate", text(&folder)]);
        again.fails_with(exit_code::CONFIGURATION, &["it exists already"]);
    }
    let labels = |name: &str| std::fs::read(place.path(name).join("labels.json")).expect("written");
    assert_eq!(labels("one"), labels("two"));
    let series = std::fs::read_dir(place.path("one/series")).expect("written").count();
    assert_eq!(series, 420);
}
