//! `baseline`.

use std::fs;

use perf_kernel::wire::{BenchRecord, Mode, Status};
use runner::exit_code;

use crate::harness::{Place, benches, text};
use crate::samples;

const IDS: [&str; 4] = ["env/pause", "env/l1-load", "memory/alloc-small/16", "memory/alloc-small/64"];

/// Four benches of `ticks` each.
fn measured(ticks: u64) -> Vec<BenchRecord> {
    IDS.map(|id| samples::bench(id, ticks, 1)).to_vec()
}

/// Eight runs of one boot, all nearly the same.
fn place_with_history() -> Place {
    let place = Place::new();
    for number in 0..8 {
        place.stored(&format!("history{number}"), Mode::Hosted, &[&measured(10_000 + number * 10)]);
    }
    place
}

#[track_caller]
fn works(place: &Place, arguments: &[&str], part: &str) {
    let called = place.call(arguments);
    assert_eq!(called.code, 0, "{}{}", called.output, called.errors);
    assert!(called.output.contains(part), "\"{part}\" is not in {}", called.output);
}

#[test]
fn a_pinned_run_is_listed_shown_replaced_and_forgotten() {
    let place = Place::new();
    let run = place.stored("one", Mode::Hosted, &[&measured(1_000), &measured(1_200)]);
    works(&place, &["baseline", "list"], "no baselines are stored yet");
    works(&place, &["baseline", "pin", "main"], &format!("main is now run {run} (2 boots)"));
    works(&place, &["baseline", "list"], &run);
    works(&place, &["baseline", "show", "main"], "550 ns");
    works(&place, &["baseline", "pin", "main", "last:2"], &format!("before it was run {run}"));
    works(&place, &["baseline", "show", "main"], "600 ns");
    works(&place, &["baseline", "remove", "main"], "forgotten for 1 machines");
    for action in ["show", "remove", "export"] {
        let arguments: &[&str] = if action == "export" { &["b.json"] } else { &[] };
        let arguments = [&["baseline", action, "main"], arguments].concat();
        place.call(&arguments).fails_with(exit_code::MISSING, &["\"main\"", "baseline list"]);
    }
}

#[test]
fn an_unhealthy_run_is_refused_unless_a_reason_is_given_and_kept() {
    let place = Place::new();
    place.stored("failed", Mode::Hosted, &[&benches()]);
    let refused = place.call(&["baseline", "pin", "main"]);
    refused.fails_with(exit_code::INVALID, &["boot 1", "failed or are invalid", "--anyway REASON"]);
    place.call(&["baseline", "pin", "main", "--anyway", " "]).fails_with(exit_code::INVALID, &["--anyway"]);
    works(&place, &["baseline", "list"], "no baselines are stored yet");
    works(
        &place,
        &["baseline", "pin", "main", "--anyway", "only the forged signature fails"],
        "main is now run",
    );
    works(&place, &["baseline", "list"], "only the forged signature fails (it has a boot 1 that has benches");
    let checked = place.call(&["check", "--baseline", "main"]);
    assert!(checked.output.contains("only the forged signature fails"), "{}", checked.output);
}

#[test]
fn a_run_that_is_unlike_the_history_of_its_machine_is_refused() {
    let place = place_with_history();
    place.stored("hot", Mode::Hosted, &[&measured(13_000)]);
    place
        .call(&["baseline", "pin", "main"])
        .fails_with(exit_code::INVALID, &["is atypical: 4 of 4 benches", "2 of the 2 under env/", "+29."]);
    works(&place, &["baseline", "pin", "main", "last~1"], "main is now run");
}

#[test]
fn a_run_without_figures_is_not_pinned() {
    let place = Place::new();
    place.stored("nothing", Mode::Hosted, &[&[samples::skipped("env/pause", "no")]]);
    place
        .call(&["baseline", "pin", "main"])
        .fails_with(exit_code::CONFIGURATION, &["pin run", "has no measured bench"]);
}

#[test]
fn a_rolling_baseline_is_the_newest_healthy_boots_and_says_which_it_leaves_out() {
    let place = place_with_history();
    works(&place, &["baseline", "roll", "nightly", "--boots", "3"], "newest 3 healthy boots");
    let hot = place.stored("hot", Mode::Hosted, &[&measured(13_000)]);
    let shown = place.call(&["baseline", "show", "nightly"]);
    assert!(
        shown.output.contains(&format!("nightly leaves out {hot}:1: it is atypical")),
        "{}",
        shown.output
    );
    let boots = shown.output.lines().find(|line| line.starts_with("boots now: ")).expect("they are named");
    assert!(boots.matches(':').count() == 4 && !boots.contains(&hot), "{boots}");
    let checked = place.call(&["check", "last~1", "--baseline", "nightly", "--format", "json"]);
    assert!(!checked.output.contains(&hot), "only boots before the run count: {}", checked.output);
}

#[test]
fn a_rolling_baseline_names_its_machine() {
    let place = place_with_history();
    let machine =
        |arguments: &[&str]| place.call(&[&["baseline", "roll", "n", "--boots", "2"], arguments].concat());
    let made = machine(&[]);
    let name = made.output.split("machine ").nth(1).expect("it is named").trim_end().to_owned();
    assert_eq!(machine(&["--machine", &name[..6]]).code, 0);
    machine(&["--machine", "zz"]).fails_with(exit_code::NO_SUCH_RUN, &["\"zz\"", "0 stored machines"]);
    assert_eq!(machine(&["--boots", "0"]).code, i32::from(exit_code::USAGE));
}

#[test]
fn an_exported_baseline_comes_back_byte_for_byte() {
    let (place, other) = (Place::new(), Place::new());
    place.stored("one", Mode::Hosted, &[&measured(1_000)]);
    works(&place, &["baseline", "pin", "main"], "main is now run");
    place.stored("two", Mode::Kvm, &[&measured(2_000)]);
    works(&place, &["baseline", "roll", "main", "--boots", "5"], "newest 5");
    works(&place, &["baseline", "export", "main", "b.json"], "b.json now holds main");
    let file = place.path("b.json");
    let exported = fs::read_to_string(&file).expect("written");
    assert!(!exported.contains(text(&place.path(""))), "no place of this machine belongs in a repository");
    works(&other, &["baseline", "import", text(&file)], "main now holds 2 machines");
    assert_eq!(other.call(&["baseline", "export", "main", "-"]).output, exported);
    works(&other, &["baseline", "import", text(&file), "--name", "old"], "old now holds 2 machines");
    works(&other, &["baseline", "export", "main", text(&file)], "b.json now holds main");
    assert_eq!(fs::read_to_string(&file).expect("written again"), exported);
    assert!(!place.path("b.json.new").exists());
}

#[test]
fn files_that_are_no_baselines_are_named_and_nothing_is_imported() {
    let place = Place::new();
    place.stored("one", Mode::Hosted, &[&measured(1_000)]);
    let import = |name: &str| place.call(&["baseline", "import", name]);
    import("none.json").fails_with(exit_code::MISSING, &["none.json", "baseline export"]);
    place.file("text.json", "not json");
    import("text.json")
        .fails_with(exit_code::CONFIGURATION, &["text.json", "neither what `baseline export`"]);
    place.file("newer.json", "{\"format\": 99, \"kind\": \"multios-perf-baseline\"}");
    import("newer.json").fails_with(exit_code::CONFIGURATION, &["its format is 99"]);
    place.file("newer-run.json", "{\"format\": 99}");
    import("newer-run.json").fails_with(exit_code::CONFIGURATION, &["its format is 99"]);
    fs::create_dir(place.path("folder.json")).expect("room");
    import("folder.json").fails_with(exit_code::CONFIGURATION, &["folder.json"]);
    works(&place, &["baseline", "pin", "main"], "main");
    let to_nowhere = place.call(&["baseline", "export", "main", "nowhere/b.json"]);
    to_nowhere.fails_with(exit_code::MISSING, &["nowhere/b.json"]);
    let wrong_name = place.call(&["baseline", "pin", "../main"]);
    assert_eq!(wrong_name.code, i32::from(exit_code::USAGE));
    assert!(wrong_name.errors.contains("as the name of a baseline"), "{}", wrong_name.errors);
    works(&place, &["baseline", "show", "main"], "env/pause");
}

#[test]
fn results_of_json_serve_as_a_baseline() {
    let place = Place::new();
    place.stored("one", Mode::Icount, &[&measured(1_000)]);
    place.call(&["show", "--json", "kept.json", "--quiet"]);
    works(&place, &["baseline", "import", "kept.json"], "kept now holds 1 machines");
    works(&place, &["baseline", "show", "kept"], "1,000");
    works(&place, &["check", "--baseline", "kept.json"], "passed");
}

#[test]
fn creep_by_steps_that_nobody_sees_is_found_against_the_pinned_run() {
    let place = Place::new();
    place.stored("start", Mode::Hosted, &[&measured(100_000)]);
    works(&place, &["baseline", "pin", "main"], "main is now run");
    let mut ticks = 100_000_u64;
    for step in 0..6 {
        ticks += ticks * 3 / 1_000;
        let mut benches = measured(100_000);
        benches[2] = samples::bench(IDS[2], ticks, 1);
        place.stored(&format!("step{step}"), Mode::Hosted, &[&benches]);
    }
    works(&place, &["baseline", "creep", "main", "last~4"], "no bench crept");
    let found = place.call(&["baseline", "creep", "main"]);
    assert_eq!(found.code, i32::from(exit_code::DIFFERENT), "{}{}", found.output, found.errors);
    let line = found.output.lines().find(|line| line.starts_with(IDS[2])).expect("it crept");
    assert!(line.contains("+1.8 %") && line.contains("+0.3 %"), "{line}");
    assert!(!found.output.contains(IDS[3]), "{}", found.output);
    works(&place, &["baseline", "creep", "main", "--margin", "2%"], "no bench crept");
    works(&place, &["baseline", "roll", "nightly", "--boots", "3"], "nightly");
    place.call(&["baseline", "creep", "nightly"]).fails_with(exit_code::CONFIGURATION, &["rolls on"]);
    place.stored("other", Mode::Kvm, &[&measured(100_000)]);
    place
        .call(&["baseline", "creep", "main"])
        .fails_with(exit_code::NOT_COMPARABLE, &["no entry for the machine"]);
}

#[test]
fn a_status_that_is_not_measured_is_not_kept_as_a_figure() {
    let place = Place::new();
    let mut benches = measured(1_000);
    benches[3].status = Status::Skipped;
    place.stored("one", Mode::Hosted, &[&benches]);
    works(&place, &["baseline", "pin", "main"], "main is now run");
    assert!(!place.call(&["baseline", "export", "main", "-"]).output.contains(IDS[3]));
}
