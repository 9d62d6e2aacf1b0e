//! Histories in a database.

use perf_kernel::wire::Mode;

use super::samples::{Diary, noisy};
use super::*;
use crate::history::{Certainty, Detector, Event, History, Key, Kind, Point};
use crate::store::{Store, UnixSeconds};

const BENCH: &str = "memory/alloc-small/64";

fn standing(store: &Store) -> Vec<TrackedFinding> {
    let filter = Filter { state: Some(FindingState::Standing), ..Filter::default() };
    let found = findings(store, &filter).expect("readable");
    let open: Vec<_> = found.iter().filter(|finding| finding.calls_for_action()).cloned().collect();
    assert_eq!(open_findings(store, &Filter::default()).expect("readable"), open, "two ways to the same");
    found
}

fn steps(store: &Store) -> Vec<TrackedFinding> {
    standing(store).into_iter().filter(|finding| finding.finding.kind.is_new_level()).collect()
}

/// Stores and takes up a run for each value.
fn told(diary: &mut Diary, values: &[u64]) -> Vec<Change> {
    let mut changes = Vec::new();
    for value in values {
        let run = diary.store(&[(BENCH, *value)]);
        changes.extend(update(&mut diary.store, &run).expect("room"));
    }
    changes
}

#[test]
fn a_step_is_told_once_and_kept_with_its_runs_and_what_became_of_it() {
    let mut diary = Diary::new(Mode::Hardware);
    let changes = told(&mut diary, &noisy(60, 30, 800));
    let news: Vec<&Change> = changes.iter().filter(|change| change.is_news()).collect();
    assert!(news.iter().all(|change| change.bench == BENCH));
    let steps = steps(&diary.store);
    let [step] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(
        (step.finding.kind, step.finding.certainty, step.finding.at),
        (Kind::Step, Certainty::Confirmed, 30)
    );
    let place = step.place.as_ref().expect("a place");
    assert_eq!((place.run.as_str(), place.before.as_deref()), ("a000001e", Some("a000001d")));
    assert_eq!(place.revision.as_deref(), Some(&*format!("{:040x}", 30)));
    assert!(place.candidates.contains(&place.run));
    assert!(step.events[0].what.starts_with("opened as "), "{:?}", step.events);
    assert!(step.events.iter().any(|event| event.what == "confirmed"), "{:?}", step.events);
    assert!(step.calls_for_action());
    let line = news.iter().map(|change| change.sentence()).find(|line| line.contains("step")).expect("told");
    assert!(line.starts_with(&format!("{BENCH}: ")) && line.contains("+8."), "{line}");
}

#[test]
fn a_history_taken_up_run_by_run_is_that_of_one_process() {
    let values = noisy(80, 50, 300);
    let mut diary = Diary::new(Mode::Tcg);
    let mut whole: Option<History> = None;
    for (place, value) in values.iter().enumerate() {
        let run = diary.store(&[(BENCH, *value)]);
        let told: Vec<Event> =
            update(&mut diary.store, &run).expect("room").into_iter().map(|change| change.event).collect();
        let machine = diary.store.machines().expect("one").remove(0).name;
        let history = whole.get_or_insert_with(|| {
            History::new(Detector::default(), Key::of(&format!("{BENCH}\0{machine}")))
        });
        let value = diary.store.series(&machine, BENCH).expect("stored").points[place].value;
        let point = Point::new(value).at_commit(Key::of(&format!("{place:040x}"))).in_unit(Key::of("ns"));
        assert_eq!(told, history.append(point, &[]), "run {place}");
        let kept: Vec<_> = standing(&diary.store).into_iter().map(|finding| finding.finding).collect();
        assert_eq!(kept, history.findings());
    }
}

#[test]
fn a_run_that_was_taken_up_adds_nothing_again() {
    let mut diary = Diary::new(Mode::Tcg);
    told(&mut diary, &noisy(40, 20, 900));
    let before = findings(&diary.store, &Filter::default()).expect("readable");
    for place in [0_u32, 20, 39] {
        let again = update(&mut diary.store, &format!("{:08x}", 0xa000_0000_u32 + place)).expect("room");
        assert_eq!(again, []);
    }
    assert_eq!(catch_up(&mut diary.store).expect("room"), []);
    assert_eq!(findings(&diary.store, &Filter::default()).expect("readable"), before);
}

#[test]
fn runs_that_an_older_version_left_are_taken_up_in_order() {
    let values = noisy(60, 30, 800);
    let (mut one_by_one, mut at_once) = (Diary::new(Mode::Tcg), Diary::new(Mode::Tcg));
    let told = told(&mut one_by_one, &values);
    for value in &values {
        at_once.store(&[(BENCH, *value)]);
    }
    assert_eq!(catch_up(&mut at_once.store).expect("room"), told);
    let all = |store: &Store| findings(store, &Filter::default()).expect("readable");
    assert_eq!(all(&one_by_one.store), all(&at_once.store));
}

#[test]
fn a_run_that_may_still_be_going_on_waits_for_its_end() {
    let mut diary = Diary::new(Mode::Tcg);
    told(&mut diary, &[100, 100]);
    let going_on = diary.store(&[(BENCH, 100)]);
    let other = diary.store(&[(BENCH, 100)]);
    update(&mut diary.store, &other).expect("room");
    let taken = |store: &Store| store.tracked(|rows| rows.runs(1)).expect("readable").len();
    assert_eq!(taken(&diary.store), 3);
    update(&mut diary.store, &going_on).expect("room");
    assert_eq!(taken(&diary.store), 4);
    // One that nobody ends is taken up when a run is a day newer.
    diary.store(&[(BENCH, 100)]);
    for _ in 0..23 {
        let run = diary.store(&[(BENCH, 100)]);
        update(&mut diary.store, &run).expect("room");
    }
    assert_eq!(taken(&diary.store), 27);
    let run = diary.store(&[(BENCH, 100)]);
    update(&mut diary.store, &run).expect("room");
    assert_eq!(taken(&diary.store), 29);
}

#[test]
fn a_late_boot_changes_nothing_that_was_concluded() {
    let mut diary = Diary::new(Mode::Tcg);
    told(&mut diary, &noisy(40, 20, 900));
    let before = findings(&diary.store, &Filter::default()).expect("readable");
    let mut late = diary.store.load("a000000a").expect("stored");
    late.boots[0].number = 2;
    late.boots[0].boot.benches =
        vec![crate::samples::bench(BENCH, 90_000, 1), crate::samples::bench("memory/new", 5, 1)];
    diary.store.insert_boot(&late.head, &late.boots[0]).expect("room");
    assert_eq!(update(&mut diary.store, "a000000a").expect("room"), []);
    assert_eq!(findings(&diary.store, &Filter::default()).expect("readable"), before);
}

#[test]
fn one_instruction_is_a_step_in_exact_mode_at_once() {
    let mut diary = Diary::new(Mode::Icount);
    let values: Vec<u64> = (0..16).map(|i| if i < 8 { 4_612_345 } else { 4_612_346 }).collect();
    let changes = told(&mut diary, &values);
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((change.run.as_str(), change.begins.as_str()), ("a0000008", "a0000008"));
    let steps = steps(&diary.store);
    let [step] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((step.finding.size.shift, step.finding.certainty), (1.0, Certainty::Confirmed));
    assert_eq!(step.place.as_ref().expect("a place").candidates, ["a0000008"]);
}

#[test]
fn control_benches_tell_the_environment_from_the_code() {
    let mut diary = Diary::new(Mode::Hardware);
    let (subject, other) = (noisy(70, 30, 900), noisy(70, 50, 900));
    let mut control = noisy(70, 30, 700);
    control.rotate_left(1);
    control.insert(29, 10_000);
    control.truncate(70);
    for place in 0..70 {
        let benches =
            [(BENCH, subject[place]), ("memory/realloc/64", other[place]), ("env/pause", control[place])];
        let run = diary.store(&benches);
        update(&mut diary.store, &run).expect("room");
    }
    let found: Vec<_> = steps(&diary.store).into_iter().map(|step| (step.bench, step.finding.kind)).collect();
    let expected = [
        (BENCH.to_owned(), Kind::Environment),
        ("memory/realloc/64".to_owned(), Kind::Step),
        ("env/pause".to_owned(), Kind::Environment),
    ];
    assert!(expected.iter().all(|one| found.contains(one)) && found.len() == 3, "{found:?}");
}

#[test]
fn courses_end_at_the_run_that_is_asked_for() {
    let mut diary = Diary::new(Mode::Hardware);
    told(&mut diary, &noisy(60, 30, 900));
    let machine = diary.store.machines().expect("one").remove(0).name;
    let benches = ["memory/none".to_owned(), BENCH.to_owned()];
    let of = |up_to| courses(&diary.store, &machine, &benches, up_to).expect("readable");
    let whole = of(None);
    assert_eq!((whole.len(), whole[0].0.points.len(), whole[0].1.len()), (1, 60, 1));
    let early = of(Some("a0000014"));
    assert_eq!((early[0].0.points.len(), early[0].1.len()), (21, 0));
}

#[test]
fn findings_are_acknowledged_with_a_reason_and_reopened() {
    let mut diary = Diary::new(Mode::Icount);
    told(&mut diary, &[5, 5, 6, 6]);
    let id = standing(&diary.store).remove(0).finding.id.to_string();
    let now = UnixSeconds(1_800_000_000);
    for reason in ["", "  \n", &"x".repeat(3_000)] {
        let error = acknowledge(&mut diary.store, &id, reason, now).expect_err("no reason");
        assert!(matches!(error, AcknowledgeError::Reason), "{error}");
    }
    assert_eq!(
        acknowledge(&mut diary.store, &id[..6], " known: wider header ", now).expect("it is there"),
        id
    );
    let finding = standing(&diary.store).remove(0);
    let expected = Acknowledgement { at: now, reason: "known: wider header".into() };
    assert_eq!(finding.acknowledgement, Some(expected));
    assert!(!finding.calls_for_action());
    assert_eq!(reopen(&mut diary.store, &id.to_uppercase()).expect("acknowledged"), id);
    assert!(standing(&diary.store)[0].calls_for_action());
    assert!(matches!(reopen(&mut diary.store, &id), Err(AcknowledgeError::NotAcknowledged(_))));
    for name in ["", "%", "zz", "' OR 1"] {
        let error = acknowledge(&mut diary.store, name, "why", now).expect_err("no id");
        assert!(matches!(error, AcknowledgeError::NoSuchFinding { .. }), "{error}");
    }
}

#[test]
fn two_writers_take_a_run_up_once() {
    let mut diary = Diary::new(Mode::Tcg);
    for value in noisy(48, 24, 900) {
        diary.store(&[(BENCH, value)]);
    }
    let path = diary.store.path().to_owned();
    let writer = || {
        let mut store = Store::open(&path).expect("it is there");
        catch_up(&mut store).expect("the other one is quick").len()
    };
    let (a, b) = std::thread::scope(|scope| {
        let (a, b) = (scope.spawn(writer), scope.spawn(writer));
        (a.join().expect("no panic"), b.join().expect("no panic"))
    });
    let mut alone = Diary::new(Mode::Tcg);
    assert_eq!(a + b, told(&mut alone, &noisy(48, 24, 900)).len());
    assert_eq!(
        findings(&diary.store, &Filter::default()).expect("readable"),
        findings(&alone.store, &Filter::default()).expect("readable")
    );
}

#[test]
fn a_damaged_state_is_an_error_and_costs_no_result() {
    for state in [
        "{",
        "{\"noisy\":{}}",
        "[]",
        "{\"exact\":{\"findings\":[],\"level\":{\"values\":[],\"start\":99,\"step\":null,\"is_ambiguous\":false},\"before\":null}}",
    ] {
        let mut diary = Diary::new(Mode::Tcg);
        told(&mut diary, &[100, 100]);
        diary.store.tracking(|rows| rows.put_state(1, state)).expect("room");
        let run = diary.store(&[(BENCH, 100)]);
        assert!(update(&mut diary.store, &run).is_err(), "{state}");
        assert_eq!(diary.store.load(&run).expect("stored").boots.len(), 1);
    }
}

#[test]
fn a_clock_that_goes_back_does_not_reorder_a_history() {
    let mut diary = Diary::new(Mode::Icount);
    for (place, value) in [5_u64, 5, 6, 6].into_iter().enumerate() {
        let run = diary.store(&[(BENCH, value)]);
        diary
            .store
            .tracking(|rows| rows.set_started(&run, UnixSeconds(1_000_000 - 86_400 * place as u64)))
            .expect("room");
        update(&mut diary.store, &run).expect("room");
    }
    assert_eq!(steps(&diary.store)[0].place.as_ref().expect("a place").run, "a0000002");
}
