//! `bisect`.

use std::fs;
use std::path::Path;
use std::process::Command;

use perf_kernel::wire::{EndReason, Mode};
use runner::exit_code;
use runner::store::{RunHead, SideFile, UnixSeconds};

use crate::harness::{Called, Place, text, transcript};
use crate::samples;

const BENCH: &str = "memory/alloc-small/64";

/// Commits of the repository; from number 6 on the kernel is slower.
const COMMITS: usize = 12;
const SLOW_FROM: usize = 6;

/// A repository in which the file `speed` holds the number of the commit; gives the commits' hashes.
fn repository(place: &Place) -> Vec<String> {
    let folder = place.path("repository");
    fs::create_dir(&folder).expect("room");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        place.settle(&mut command);
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
        let output =
            command.arg("-C").arg(&folder).args(identity).args(arguments).output().expect("git is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    git(&["init", "--quiet"]);
    let commit = |number: usize| {
        fs::write(folder.join("speed"), format!("{number}\n")).expect("room");
        git(&["add", "speed"]);
        git(&["commit", "--quiet", "-m", &format!("change {number}")]);
        git(&["rev-parse", "HEAD"])
    };
    (0..COMMITS).map(commit).collect()
}

/// Writes a run that measured `revision` as the runner keeps it, without storing it; gives its transcript.
fn kept(
    place: &Place,
    folder: &str,
    run: &str,
    command: &str,
    revision: &str,
    ticks: u64,
) -> std::path::PathBuf {
    let folder = place.path(folder);
    fs::create_dir_all(&folder).expect("room");
    let bytes = transcript(run, Mode::Icount, &[samples::bench(BENCH, ticks, 1)], Some(EndReason::Done));
    let path = folder.join(format!("{run}-1.transcript"));
    fs::write(&path, bytes).expect("room");
    let head = RunHead {
        id: run.to_owned(),
        started: UnixSeconds(1_800_000_000),
        command: command.to_owned(),
        profile: Some("icount".into()),
        plan: Some("preset = \"quick\"\n".into()),
        runner_version: "0.1.0".into(),
        revision: Some(revision.to_owned()),
    };
    SideFile::new(head).write(&folder.join(format!("{run}.run.json"))).expect("room");
    path
}

const fn ticks(commit: usize) -> u64 {
    if commit < SLOW_FROM { 1_000 } else { 1_040 }
}

/// A history of two runs each of the first and the last commit, and the id of its step.
fn history(place: &Place, hashes: &[String]) -> String {
    for (number, commit) in [0, 0, COMMITS - 1, COMMITS - 1].into_iter().enumerate() {
        let run = format!("a000000{number}");
        let path = kept(place, "history", &run, "run", &hashes[commit], ticks(commit));
        let called = place.call(&["replay", text(&path)]);
        assert_eq!(called.code, 0, "{}", called.errors);
    }
    let findings = place.call(&["findings"]).output;
    let line = findings.lines().find(|line| line.contains(" step ")).expect("a step");
    line.split_whitespace().next().expect("an id").to_owned()
}

fn bisect(place: &Place, arguments: &[&str]) -> Called {
    let repository = place.path("repository");
    place.call(&[&["bisect", "--repository", text(&repository)], arguments].concat())
}

fn is_clean(repository: &Path) -> bool {
    let list =
        Command::new("git").arg("-C").arg(repository).args(["worktree", "list"]).output().expect("git");
    let left = fs::read_dir(repository.join("target/bisect")).map_or(0, Iterator::count);
    String::from_utf8_lossy(&list.stdout).lines().count() == 1 && left == 0
}

#[test]
fn the_revision_to_boot_next_is_printed_with_what_to_type() {
    let place = Place::new();
    let hashes = repository(&place);
    let id = history(&place, &hashes);
    let called = bisect(&place, &[&id]);
    assert_eq!(called.code, 0, "{}", called.errors);
    let next = &hashes[5];
    for part in [
        "not decided yet".to_owned(),
        format!("git checkout {next}"),
        "make perf-image".to_owned(),
        format!("multios-perf run --profile=icount --aside --revision={next} --filter={BENCH} --boots=1"),
    ] {
        assert!(called.output.contains(&part), "{part}: {}", called.output);
    }
}

#[test]
fn driving_finds_the_first_slow_revision_and_leaves_nothing_behind() {
    let place = Place::new();
    let hashes = repository(&place);
    let id = history(&place, &hashes);
    for (number, hash) in hashes.iter().enumerate() {
        kept(&place, "boots", &format!("b00000{number:02}"), "aside", hash, ticks(number));
    }
    let program = env!("CARGO_BIN_EXE_multios-perf");
    let build = "test $(cat speed) -ne 5 && cp speed built";
    let boots = place.path("boots");
    let run = format!(
        "test \"$PERF_REVISION\" = \"$(git rev-parse HEAD)\" && test \"$PERF_BENCH\" = {BENCH} && {program} replay \
         --quiet --db \"$PERF_DB\" {}/b00000$(printf %02d $(cat built))-1.transcript",
        boots.display()
    );
    let called = bisect(&place, &["--drive", "--build", build, "--run", &run, &id]);
    let repository = place.path("repository");
    assert!(is_clean(&repository), "{}", called.errors);
    // Commit 5 does not build, so that 5 and 6 cannot be told apart.
    assert_eq!(called.code, i32::from(exit_code::NO_DATA), "{}{}", called.output, called.errors);
    assert!(called.output.contains("no revision is left that boots"), "{}", called.output);
    assert_eq!(called.output.matches("50.0 %").count(), 2, "{}", called.output);
    assert!(called.errors.contains("gone round: its build ended with exit status: 1"), "{}", called.errors);

    let called = bisect(&place, &["--drive", "--build", "cp speed built", "--run", &run, &id]);
    assert_eq!(called.code, 0, "{}{}", called.output, called.errors);
    let done = format!("done: it begins with {} change 6", hashes[SLOW_FROM]);
    assert!(called.output.contains(&done), "{}", called.output);
    assert!(is_clean(&repository), "{}", called.errors);
    assert_eq!(fs::read_to_string(repository.join("speed")).expect("untouched"), "11\n");
    // Old revisions that were measured again are no part of the history.
    let history = place.call(&["history", BENCH]).output;
    assert!(history.contains("4 runs") && !history.contains("b0000006"), "{history}");
}

#[test]
fn what_cannot_be_bisected_is_explained() {
    let place = Place::new();
    bisect(&place, &["ab"]).fails_with(exit_code::NO_SUCH_RUN, &["nothing is stored yet"]);
    let hashes = repository(&place);
    let id = history(&place, &hashes);
    bisect(&place, &["ffffffffffff"]).fails_with(exit_code::NO_SUCH_RUN, &["there is none"]);
    let elsewhere = place.call(&["bisect", &id]);
    assert!([3, 4].contains(&elsewhere.code), "{}", elsewhere.errors);
    fs::create_dir(place.path("other")).expect("room");
    let other = place.path("other");
    let mut git = Command::new("git");
    place.settle(&mut git);
    assert!(git.arg("-C").arg(&other).args(["init", "--quiet"]).status().expect("git").success());
    let called = place.call(&["bisect", "--repository", text(&other), &id]);
    called.fails_with(exit_code::NO_SUCH_RUN, &["find the revision", "--repository"]);
    let failing = bisect(&place, &["--drive", "--build", "true", "--run", "true", "--runs-max", "2", &id]);
    assert_eq!(failing.code, i32::from(exit_code::NO_DATA), "{}", failing.errors);
    assert!(failing.errors.contains("added no valid figure"), "{}", failing.errors);
    assert!(is_clean(&place.path("repository")));
}
