//! What goes wrong ends in one sentence and its own exit code, and nothing collected is lost.

use std::fs;
use std::process::Command;

use perf_kernel::wire::{EndReason, Mode};
use runner::exit_code;
use rusqlite::Connection;

use crate::harness::{Called, Place, benches, text, transcript};
use crate::samples;

fn good_transcript(place: &Place) -> String {
    let bytes = transcript("n1", Mode::Tcg, &benches()[..2], Some(EndReason::Done));
    text(&place.file("boot.transcript", bytes)).to_owned()
}

#[test]
fn wrong_command_lines_are_usage_errors() {
    let place = Place::new();
    for arguments in [&["walk"][..], &["run", "--boots", "0"], &["replay"], &["run", "--scales", "huge"]] {
        assert_eq!(place.call(arguments).code, i32::from(exit_code::USAGE), "{arguments:?}");
    }
}

#[test]
fn a_file_without_records_is_no_transcript() {
    let place = Place::new();
    let path = place.file("notes", "nothing to see\n\u{1e}{\"kind\":\"hello\"} 00000000\n");
    place.call(&["replay", text(&path)]).fails_with(exit_code::CONFIGURATION, &["notes", "no record"]);
    assert_eq!(place.call(&["runs"]).output.lines().count(), 1);
}

#[test]
fn a_bad_transcript_does_not_keep_a_good_one_from_being_stored() {
    let place = Place::new();
    let good = good_transcript(&place);
    let called = place.call(&["replay", "missing", &good]);
    called.fails_with(exit_code::MISSING, &["failed to replay missing", "not found"]);
    assert!(called.output.contains("2 measured"), "{}", called.output);
}

#[test]
fn unknown_benches_and_plans_are_refused_before_anything_starts() {
    let place = Place::new();
    let marker = place.path("started");
    let program = place.script("program", &format!("touch {}", text(&marker)));
    let program = text(&program);
    let plan = place.file("p.toml", "sample_max = 3\n");
    let cases: [(&[&str], &[&str]); 3] = [
        (&["--filter", "memory/aloc"], &["\"memory/aloc\"", "multios-perf list"]),
        (&["--plan", text(&plan)], &["p.toml", "sample_max"]),
        (&["--plan", "fast"], &["fast", "quick, standard, full"]),
    ];
    for (more, parts) in cases {
        let called = place.call(&[&["hosted", "--program", program], more].concat());
        called.fails_with(exit_code::CONFIGURATION, parts);
    }
    assert!(!marker.exists() && !place.database().exists());
}

#[test]
fn a_wrong_qemu_toml_and_a_missing_image_are_named() {
    let place = Place::new();
    place.call(&["run"]).fails_with(exit_code::CONFIGURATION, &["qemu.toml", "not found"]);
    place.file("qemu.toml", "[profile.default]\ncpus = 4\n");
    place.call(&["run"]).fails_with(exit_code::CONFIGURATION, &["qemu.toml, line 2", "cpus"]);
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../qemu.toml"), place.path("qemu.toml"))
        .expect("it is there");
    place.call(&["run", "--profile", "fast"]).fails_with(exit_code::CONFIGURATION, &["\"fast\"", "icount"]);
    place.call(&["run"]).fails_with(exit_code::MISSING, &["multios-perf-bios.img", "make perf-image"]);
    place.call(&["run", "--image", "my.img"]).fails_with(exit_code::MISSING, &["my.img"]);
}

#[test]
fn a_missing_qemu_is_named_with_its_remedy() {
    let place = Place::new();
    place.file("my.img", "");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../qemu.toml"), place.path("qemu.toml"))
        .expect("it is there");
    let mut command = place.command(&["run", "--image", "my.img"]);
    let called = Called::of(command.env("PATH", place.path("nothing")).output().expect("it starts"));
    called.fails_with(exit_code::MISSING, &["boot the image in QEMU", "qemu-system-x86_64", "make setup"]);
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let place = Place::new();
    let good = good_transcript(&place);
    place.call(&["replay", &good]);
    let connection = Connection::open(place.database()).expect("it is there");
    connection.pragma_update(None, "journal_mode", "delete").expect("nobody else");
    connection.pragma_update(None, "user_version", 99).expect("nobody else");
    drop(connection);
    let before = fs::read(place.database()).expect("it is there");
    let newer = exit_code::DATABASE_NEWER;
    for arguments in [&["replay", &good][..], &["runs"], &["show"], &["compare"]] {
        place.call(arguments).fails_with(newer, &["results.db", "newer version", "--db"]);
    }
    assert_eq!(fs::read(place.database()).expect("it is there"), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = Place::new();
    let path = place.file("notes.txt", "x".repeat(1000));
    let called = place.call(&["replay", &good_transcript(&place), "--db", text(&path)]);
    called.fails_with(exit_code::DATABASE_UNUSABLE, &["notes.txt", "no SQLite database"]);
    assert_eq!(fs::read(&path).expect("it is there"), "x".repeat(1000).as_bytes());
}

#[test]
fn a_full_disk_under_a_report_is_told_and_the_run_is_kept() {
    let place = Place::new();
    let called = place.call(&["replay", &good_transcript(&place), "--json", "/dev/full"]);
    called.fails_with(exit_code::DISK_FULL, &["/dev/full", "the run is kept"]);
    assert!(place.call(&["show"]).output.contains("2 measured"));
}

#[test]
fn a_database_that_may_not_grow_is_told_and_can_be_filled_later() {
    let place = Place::new();
    let many: Vec<_> = (0..400).map(|number| samples::bench(&format!("env/bench-{number}"), 90, 1)).collect();
    let path = place.file("boot.transcript", transcript("n1", Mode::Tcg, &many, Some(EndReason::Done)));
    place.make_database();
    // The shell's limit counts in units of 512 bytes; without the trap the signal would end the program.
    let script = "trap '' XFSZ; ulimit -f 256; exec \"$@\"";
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", script, "sh", env!("CARGO_BIN_EXE_multios-perf"), "replay", text(&path)]);
    place.settle(&mut limited);
    let called = Called::of(limited.output().expect("a shell"));
    called.fails_with(exit_code::DISK_FULL, &["results.db", "make room"]);
    let called = place.call(&["replay", text(&path)]);
    assert!(called.code == 0 && called.output.contains("400 measured"), "{}", called.errors);
}

#[test]
fn watching_needs_a_terminal_and_a_run() {
    let place = Place::new();
    place.call(&["watch"]).fails_with(exit_code::USAGE, &["standard output is no terminal", "show"]);
    place.call(&["watch", "3f2a"]).fails_with(exit_code::NO_SUCH_RUN, &["begins with \"3f2a\""]);
}
