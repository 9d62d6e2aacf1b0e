//! Boots from start to end, with programs that stand in for the kernel.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use perf_kernel::plan::{self, Plan};
use perf_kernel::run::fingerprint;
use perf_kernel::wire::{EndReason, Hello, Mode};
use runner::exit_code;
use runner::live::{self, LiveState};
use runner::store::Folder;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Called, Place, benches, text, transcript, transcript_from};
use crate::samples;

/// Makes [`stand_in`] a program that sends a transcript for the plan that the variable names.
const PLAN_VARIABLE: &str = "CLI_TEST_PLAN";
/// Whether that transcript has an end.
const CUT_VARIABLE: &str = "CLI_TEST_CUT";

/// Not a test: the kernel's place is taken by this program itself, called by [`kernel`].
#[test]
fn stand_in() {
    let Some(path) = std::env::var_os(PLAN_VARIABLE) else { return };
    let text = fs::read(path).expect("the plan is there");
    let Plan { nonce, .. } = plan::parse(&text).expect("the runner writes plans that the kernel reads");
    let end = std::env::var_os(CUT_VARIABLE).is_none().then_some(EndReason::Done);
    let plan_hash = fingerprint(plan::trim(&text));
    let hello = Hello { plan_hash, ..samples::hello(&nonce, 2) };
    let bytes = transcript_from(hello, Mode::Icount, &benches()[..2], end);
    std::io::stdout().write_all(&bytes).expect("the runner listens");
}

/// A program that sends a transcript, and then does `more`.
fn kernel(place: &Place, more: &str) -> PathBuf {
    let program = std::env::current_exe().expect("it runs");
    let call = format!("{} hosted::stand_in --exact --nocapture", text(&program));
    place.script("kernel", &format!("export {PLAN_VARIABLE}=\"$2\"\n{more}\n{call}"))
}

fn hosted<'a>(program: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["hosted", "--program", text(program)], more].concat()
}

#[test]
fn two_boots_are_collected_kept_and_stored() {
    let place = Place::new();
    let program = kernel(&place, "");
    let called = place.call(&hosted(&program, &["--boots", "2", "--json", "r.json"]));
    assert_eq!(called.code, 0, "{}{}", called.output, called.errors);
    assert!(called.errors.contains("boot 2 of 2: "), "{}", called.errors);
    assert!(called.output.contains("2: done"), "{}", called.output);
    let compared = place.call(&["compare"]);
    assert!(
        compared.code == 0 && compared.output.contains("no difference in 2 benches"),
        "{}",
        compared.output
    );
    let transcripts = place.database().with_file_name("transcripts");
    assert_eq!(
        fs::read_dir(transcripts).expect("kept").count(),
        3,
        "two transcripts and what they do not tell"
    );
}

#[test]
fn a_run_writes_its_page_and_one_that_cannot_be_written_costs_no_run() {
    let place = Place::new();
    let program = kernel(&place, "");
    let called = place.call(&hosted(&program, &["--html", "page.html"]));
    assert_eq!(called.code, 0, "{}", called.errors);
    assert!(called.errors.contains("as a page for a browser: page.html"), "{}", called.errors);
    let page = fs::read_to_string(place.path("page.html")).expect("written");
    assert!(page.contains("env/timer-pair") && page.contains("There is no earlier run"), "{page}");

    let called = place.call(&hosted(&program, &["--html", "not/there/page.html"]));
    assert_eq!(called.code, i32::from(exit_code::MISSING), "{}", called.errors);
    assert!(called.errors.contains("write the html report not/there/page.html"), "{}", called.errors);
    let runs = place.call(&["runs"]).output;
    assert_eq!(runs.matches(" hosted ").count(), 2, "{runs}");
}

#[test]
fn quiet_is_quiet() {
    let place = Place::new();
    let program = kernel(&place, "");
    let called = place.call(&hosted(&program, &["--quiet"]));
    assert_eq!((called.code, called.output.as_str(), called.errors.as_str()), (0, "", ""));
}

#[test]
fn what_a_run_kept_replays_to_the_same_run() {
    let place = Place::new();
    let program = kernel(&place, "");
    let first = place.call(&hosted(&program, &["--seed", "7"]));
    assert_eq!(first.code, 0, "{}", first.errors);
    let folder = place.database().with_file_name("transcripts");
    let kept = fs::read_dir(folder).expect("kept").map(|entry| entry.expect("readable").path());
    let transcript = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "transcript"));
    let transcript = transcript.expect("one boot");
    let again = place.call(&["replay", text(&transcript), "--db", "other.db"]);
    assert_eq!(again.output, first.output);
    assert!(again.output.contains("seed 7"), "{}", again.output);
}

#[test]
fn two_runners_share_a_database() {
    let place = Place::new();
    let program = kernel(&place, "");
    let start = || {
        let mut command = place.command(&hosted(&program, &["--boots", "3"]));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let both = [start(), start()].map(|child| Called::of(child.wait_with_output().expect("it ends")));
    assert!(both.iter().all(|called| called.code == 0), "{}{}", both[0].errors, both[1].errors);
    let runs = place.call(&["runs"]).output;
    assert_eq!(runs.matches("3 done").count(), 2, "{runs}");
}

#[test]
fn a_locked_database_loses_nothing() {
    let place = Place::new();
    place.make_database();
    let other = Connection::open(place.database()).expect("it is there");
    other.execute_batch("BEGIN IMMEDIATE").expect("free");
    let program = kernel(&place, "");
    let called = place.call(&hosted(&program, &[]));
    called.fails_with(exit_code::DATABASE_BUSY, &["results.db", "locked", "multios-perf replay"]);
    assert!(called.output.contains("2 measured"), "{}", called.output);
    other.execute_batch("ROLLBACK").expect("begun");
    let folder = place.database().with_file_name("transcripts");
    let pattern = format!("multios-perf replay {}/", text(&folder));
    let named = called.errors.split(&pattern).nth(1).expect("the sentence says where");
    let run = named.split("-*").next().expect("a run");
    let replayed = place.call(&["replay", text(&folder.join(format!("{run}-1.transcript")))]);
    assert_eq!((replayed.code, replayed.output), (0, called.output));
}

#[test]
fn a_program_that_dies_says_why() {
    let place = Place::new();
    let program = place.script("kernel", "echo no vector unit >&2; exit 3");
    let called = place.call(&hosted(&program, &[]));
    assert_eq!(called.code, i32::from(exit_code::POWER_LOST), "{}", called.errors);
    assert!(
        called.output.contains("power lost") && called.output.contains("no vector unit"),
        "{}",
        called.output
    );
}

#[test]
fn garbage_is_kept_and_is_no_result() {
    let place = Place::new();
    let program = place.script("kernel", "printf 'gar\\033[2Jbage\\036{}\\n\\377\\n'");
    let called = place.call(&hosted(&program, &[]));
    assert_eq!(called.code, i32::from(exit_code::POWER_LOST), "{}", called.errors);
    assert!(called.output.contains("0 measured"), "{}", called.output);
}

#[test]
fn another_runs_records_are_refused_and_kept() {
    let place = Place::new();
    let bytes = transcript("another-nonce", Mode::Tcg, &benches(), Some(EndReason::Done));
    let bytes = place.file("other", bytes);
    let program = place.script("kernel", &format!("cat {}", text(&bytes)));
    let called = place.call(&hosted(&program, &[]));
    called.fails_with(exit_code::SOURCE_BROKE, &["another-nonce"]);
}

#[test]
fn silence_is_a_hang_that_names_its_bench() {
    let place = Place::new();
    let program = kernel(&place, &format!("export {CUT_VARIABLE}=1"));
    let mut script = fs::read_to_string(&program).expect("just written");
    script.push_str("exec cat\n");
    let program = place.script("hanging", &script);
    let called = place.call(&hosted(&program, &["--silence", "1"]));
    assert_eq!(called.code, i32::from(exit_code::HUNG), "{}{}", called.output, called.errors);
    assert!(called.output.contains("hung") && called.output.contains("2 measured"), "{}", called.output);
}

#[test]
fn ctrl_c_keeps_what_came() {
    let place = Place::new();
    let program = kernel(&place, &format!("export {CUT_VARIABLE}=1"));
    let mut script = fs::read_to_string(&program).expect("just written");
    script.push_str("exec cat\n");
    let program = place.script("hanging", &script);
    let mut command = place.command(&hosted(&program, &["--boots", "5"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let has_begun = lines.by_ref().any(|line| line.expect("text").contains("mode icount"));
    assert!(has_begun, "the boot began");
    let folder = Folder::find(Some(&place.database())).expect("chosen");
    let live = live::runs(&folder);
    assert_eq!((live[0].state, live[0].boots_asked, live[0].turn), (LiveState::GoingOn, Some(5), 1));
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("small")).expect("not zero");
    kill_process(pid, Signal::INT).expect("it runs");
    lines.for_each(drop);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(i32::from(exit_code::INTERRUPTED)));
    assert_eq!(live::runs(&folder), [], "it is over");
    let shown = place.call(&["show"]);
    assert!(shown.output.contains("1: interrupted"), "{}", shown.output);
}

#[test]
fn a_missing_program_is_named() {
    let place = Place::new();
    place
        .call(&["hosted", "--program", "nowhere"])
        .fails_with(exit_code::MISSING, &["nowhere", "make hosted"]);
}
