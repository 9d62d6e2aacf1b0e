//! A whole boot on a scripted platform, read back from the wire.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::subject::lack;
use super::{
    Identity, NoProgress, Note, Progress, Subjects, Suites, boot, fingerprint, greet, linger, resume,
};
use crate::plan::Plan;
use crate::platform::scripted::ScriptedPlatform;
use crate::platform::{Offence, Platform};
use crate::suites::{Bench, Body, Need, SUITES, Selected, Suite, select};
use crate::units::Ticks;
use crate::wire::{
    BenchRecord, Command, Crash, Decoder, EndReason, Event, Link, LinkError, Mode, Record, Sender, Start,
    Status, encode_frame,
};

const ONE: Subjects<'static> = Subjects::One(&Suites);

/// A line whose bytes a test keeps.
#[derive(Default)]
struct Line {
    to_host: Vec<u8>,
    from_host: Vec<u8>,
}

impl Link for Line {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.to_host.extend_from_slice(bytes);
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        (!self.from_host.is_empty()).then(|| self.from_host.remove(0))
    }
}

fn records(sender: &mut Sender<Line>) -> Vec<Record> {
    let record = |event| match event {
        Event::Frame(frame) => {
            let frame: crate::wire::Frame = *frame;
            frame.record
        }
        other => panic!("no frame: {other:?}"),
    };
    Decoder::new().push(&sender.link_mut().to_host).into_iter().map(record).collect()
}

/// A plan that is over soon.
fn short(filter: &[&str]) -> Plan {
    let filter = filter.iter().map(ToString::to_string).collect();
    Plan { filter, warm_up_ms_max: 2, sampling_ms_max: 4, samples_max: 100, ..Plan::quick() }
}

fn benches(platform: &ScriptedPlatform, plan: &Plan) -> (EndReason, Vec<BenchRecord>) {
    let mut sender = Sender::new(Line::default());
    let reason = boot(platform, &mut sender, plan, ONE, &mut NoProgress);
    let bench = |record| match record {
        Record::Bench(bench) => Some(*bench),
        _ => None,
    };
    (reason, records(&mut sender).into_iter().filter_map(bench).collect())
}

#[test]
fn a_boot_tells_machine_clock_benches_ledger_and_end_in_that_order() {
    let platform = ScriptedPlatform::default();
    let mut sender = Sender::new(Line::default());
    let plan = short(&["env/reference-loop", "env/pause"]);
    assert_eq!(boot(&platform, &mut sender, &plan, ONE, &mut NoProgress), EndReason::Done);
    let records = records(&mut sender);
    let kinds: Vec<&str> = records.iter().map(Record::kind).filter(|kind| *kind != "log").collect();
    let kinds: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "beacon").collect();
    assert_eq!(kinds, ["machine", "clock", "start", "bench", "start", "bench", "ledger", "end"]);
    let Some(Record::Clock(clock)) = records.iter().find(|record| record.kind() == "clock") else { panic!() };
    assert_eq!((clock.mode, platform.mode()), (Mode::Hosted, Mode::Hosted));
    assert_eq!(clock.frequency, platform.frequency());
    let Some(Record::Ledger(ledger)) = records.iter().find(|record| record.kind() == "ledger") else {
        panic!()
    };
    let probes: Vec<&str> = ledger.probes.iter().map(|probe| probe.id.as_str()).collect();
    assert_eq!(probes, ["env/reference-loop", "env/l1-load"]);
    let running = platform.running.borrow();
    let pause = Some("env/pause".to_string());
    assert_eq!(running[..2], [pause, None]);
}

#[test]
fn a_measured_bench_has_its_figures() {
    let plan = Plan { raw_samples: true, ..short(&["env/reference-loop"]) };
    let (_, benches) = benches(&ScriptedPlatform::default(), &plan);
    let [record] = &benches[..] else { panic!("one bench was selected") };
    assert_eq!((record.status, record.reason.as_deref()), (Status::Measured, None));
    let summary = record.summary.as_ref().expect("there are samples");
    assert!(summary.n >= 10 && summary.n <= 100);
    assert_eq!(record.attempts, summary.n * record.iterations);
    assert_eq!(record.successes, record.attempts);
    assert_eq!(record.raw.as_ref().map(Vec::len), usize::try_from(summary.n).ok());
    assert!(record.overhead_ticks > 0 && record.system.elapsed_ticks >= summary.min * summary.n);
    assert_eq!(record.windows.as_ref().map(|windows| windows.samples), Some(summary.n / 10));
    let checks: Vec<&str> = record.validity.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(checks, ["result", "checksum", "settled", "progress", "overhead", "clock"]);
}

#[test]
fn benches_that_misbehave_are_failed_and_the_boot_goes_on() {
    let platform = ScriptedPlatform::default();
    let crash = Box::new(Crash {
        cause: "#PF".to_string(),
        message: "read at 0x0".to_string(),
        bench: None,
        cpu: 0,
        registers: None,
        backtrace: Vec::from([1, 2]),
        image_base: 0,
        ticks: Some(Ticks(7)),
    });
    let left = Offence::LeftBehind("4 frames".to_string());
    platform.offences.borrow_mut().extend([Some(Offence::Crashed(crash.clone())), None, Some(left)]);
    let plan = short(&["env/timer-pair", "env/l1-load", "env/reference-loop"]);
    let (reason, benches) = benches(&platform, &plan);
    assert_eq!(reason, EndReason::FailedBenches);
    let told: Vec<_> = benches.iter().map(|bench| (bench.status, bench.reason.as_deref())).collect();
    let failed = |reason| (Status::Failed, Some(reason));
    let expected =
        [failed("crashed: #PF: read at 0x0"), (Status::Measured, None), failed("left behind: 4 frames")];
    assert_eq!(told, expected);
    assert_eq!((benches[0].crash.as_ref(), &benches[0].summary), (Some(&crash), &None));
    assert_eq!(platform.running.borrow().last(), Some(&None), "no bench runs any more");
}

/// What a start with `note` sends, without log records and time marks.
fn resumed(plan: &Plan, note: &Note) -> (EndReason, Vec<Record>) {
    let mut sender = Sender::new(Line::default());
    let platform = ScriptedPlatform::default();
    let reason = resume(&platform, &mut sender, plan, ONE, &mut NoProgress, Some(note));
    let is_told = |record: &Record| !matches!(record, Record::Log(_) | Record::Beacon(_));
    (reason, records(&mut sender).into_iter().filter(is_told).collect())
}

/// The note of a boot that was reset in its second bench.
fn note_of_second(id: &str) -> Note {
    let mut note = Note::new("image".to_string(), "plan".to_string());
    note.begin(&[("env/reference-loop", 1)]);
    note.start(&Start { id: "env/timer-pair".to_string(), index: 0, total: 3 });
    note.finish(&BenchRecord::new("env/timer-pair".to_string(), Status::Measured), 0);
    note.start(&Start { id: id.to_string(), index: 1, total: 3 });
    note.resumed("image", "plan").expect("it is of this image and plan")
}

#[test]
fn a_start_after_a_reset_reports_the_bench_that_ran_and_goes_on_behind_it() {
    let plan = short(&["env/timer-pair", "env/l1-load", "env/reference-loop"]);
    let ids: Vec<String> = select(&plan).expect("they are there").iter().map(Selected::id).collect();
    let (reason, records) = resumed(&plan, &note_of_second(&ids[1]));
    assert_eq!(reason, EndReason::FailedBenches);
    let bench = |record: &Record| match record {
        Record::Bench(bench) => Some((bench.id.clone(), bench.status, bench.reason.clone())),
        _ => None,
    };
    let told: Vec<_> = records.iter().filter_map(bench).collect();
    let reason = Some("quarantined: the machine was reset while it ran".to_string());
    let expected = [(ids[1].clone(), Status::Failed, reason), (ids[2].clone(), Status::Measured, None)];
    assert_eq!(told, expected);
    let starts = records.iter().filter(|record| record.kind() == "start").count();
    assert_eq!(starts, 2, "each bench that is told of is announced");
    let Some(Record::Ledger(ledger)) = records.iter().find(|record| record.kind() == "ledger") else {
        panic!()
    };
    let costs: Vec<u64> = ledger.probes.iter().map(|probe| probe.start_milliticks).collect();
    assert_eq!(costs, [1], "the end is held against the beginning of the first start");
}

#[test]
fn a_boot_that_was_reset_too_often_ends_as_crashed() {
    let plan = Plan { resets_max: 0, ..short(&["env/timer-pair", "env/l1-load", "env/reference-loop"]) };
    let (reason, records) = resumed(&plan, &note_of_second("env/l1-load"));
    assert_eq!(reason, EndReason::Crashed);
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["machine", "crash", "end"]);
    let Record::Crash(crash) = &records[1] else { panic!() };
    assert_eq!((crash.cause.as_str(), crash.bench.as_deref()), ("reset", Some("env/l1-load")));
}

#[test]
fn equal_plans_do_equal_work() {
    let plan = short(&["env/reference-loop"]);
    let sums = [(); 2].map(|()| {
        let (_, benches) = benches(&ScriptedPlatform::default(), &plan);
        let checksum = benches[0].checksum.clone().expect("it was measured");
        let each = crate::suites::probes::REFERENCE_RESULT;
        assert_eq!(checksum, alloc::format!("{:016x}", each.wrapping_mul(benches[0].attempts)));
        u64::from_str_radix(&checksum, 16).expect("it is hexadecimal")
    });
    assert!(sums.iter().all(|sum| *sum != 0));
}

#[test]
fn clocks_that_disagree_make_every_bench_invalid() {
    let platform = ScriptedPlatform { clocks: [2_000_000_000, 2_010_000_000].into(), ..Default::default() };
    let (reason, benches) = benches(&platform, &short(&["env/pause"]));
    assert_eq!(reason, EndReason::FailedBenches);
    assert_eq!(benches[0].status, Status::Invalid);
    let reason = benches[0].reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("clock: ") && reason.contains("differ by"), "{reason}");
}

#[test]
fn what_is_not_built_or_not_offered_is_skipped_with_its_reason() {
    let missing = SUITES.iter().flat_map(|suite| suite.benches).find(|bench| !bench.is_built());
    if let Some(missing) = missing {
        let (reason, skipped) = benches(&ScriptedPlatform::default(), &short(&[missing.id]));
        assert_eq!(reason, EndReason::Done);
        let told = (skipped[0].status, skipped[0].reason.as_deref());
        assert_eq!(told, (Status::Skipped, Some("not built yet")));
    }
    static PRIVILEGED: Suite = Suite {
        name: "privileged",
        about: "",
        limits: &[],
        needs: &[Need::Ring0],
        benches: &[Bench {
            needs: &[Need::Smp],
            body: Body::Built(|_| panic!("the machine offers neither")),
            ..Bench::new("privileged/shootdown", "")
        }],
    };
    let selected = Selected { suite: &PRIVILEGED, bench: &PRIVILEGED.benches[0], scale: None };
    let lack = |offers: &[Need]| {
        lack(&ScriptedPlatform { offers: offers.to_vec(), ..Default::default() }, &selected)
    };
    assert_eq!(lack(&[Need::Smp]).as_deref(), Some("no ring0 in a test"));
    assert_eq!(lack(&[Need::Ring0]).as_deref(), Some("no smp in a test"));
    assert_eq!(lack(&[Need::Ring0, Need::Smp]), None);
}

#[test]
fn a_bench_that_overruns_its_time_fails_without_a_timing() {
    let plan = Plan { bench_ms_max: 1, ..short(&["env/spin-noise", "env/reference-loop"]) };
    let (reason, benches) =
        benches(&ScriptedPlatform::default(), &Plan { sampling_ms_max: 50, samples_max: 100_000, ..plan });
    assert_eq!(reason, EndReason::FailedBenches);
    for record in benches {
        assert_eq!((record.status, record.summary), (Status::Failed, None), "{}", record.id);
        assert_eq!(record.reason.as_deref(), Some("took longer than 1 ms"));
    }
}

#[test]
fn progress_is_told_what_the_wire_is_told() {
    #[derive(Default)]
    struct Told(Vec<String>);
    impl Progress for Told {
        fn started(&mut self, start: &Start) {
            self.0.push(alloc::format!("{} of {}: {}", start.index, start.total, start.id));
        }
        fn finished(&mut self, record: &BenchRecord) {
            self.0.push(alloc::format!("{:?}", record.status));
        }
        fn ended(&mut self, reason: EndReason) {
            self.0.push(alloc::format!("{reason:?}"));
        }
    }
    let mut told = Told::default();
    let mut sender = Sender::new(Line::default());
    boot(&ScriptedPlatform::default(), &mut sender, &short(&["env/pause"]), ONE, &mut told);
    assert_eq!(told.0, ["0 of 1: env/pause", "Measured", "Done"]);
}

#[test]
fn a_boot_is_greeted_with_its_identity() {
    let identity = Identity {
        image_hash: fingerprint(b"image"),
        plan_file: b"nonce = \"n-7\"\nfilter = [\"env/\"]\n\n\n".to_vec(),
        entry_ticks: Ticks(9),
        resumes: None,
    };
    let mut sender = Sender::new(Line::default());
    let plan = greet(&mut sender, &identity).expect("the plan is fine");
    assert_eq!(plan.nonce, "n-7");
    let [Record::Hello(hello)] = &records(&mut sender)[..] else { panic!("hello is the only record") };
    assert_eq!((hello.nonce.as_str(), hello.benches_planned, hello.entry_ticks), ("n-7", 5, Ticks(9)));
    assert_eq!(hello.plan_hash, fingerprint(b"nonce = \"n-7\"\nfilter = [\"env/\"]"));
}

#[test]
fn a_plan_that_cannot_be_run_is_refused_after_hello() {
    let identity = Identity {
        image_hash: String::new(),
        plan_file: b"samples = 3\n".to_vec(),
        entry_ticks: Ticks(0),
        resumes: None,
    };
    let mut sender = Sender::new(Line::default());
    assert!(greet(&mut sender, &identity).is_err());
    let records = records(&mut sender);
    let [Record::Hello(_), Record::Refused(refused), Record::End(end)] = &records[..] else {
        panic!("{records:?}");
    };
    assert!(refused.reason.starts_with("failed to read plan.toml"), "{}", refused.reason);
    assert_eq!(end.reason, EndReason::Refused);
}

#[test]
fn lingering_ends_when_the_host_has_everything_or_is_gone() {
    let platform = ScriptedPlatform::default();
    let plan = Plan { linger_ms: 3_600_000, ..Plan::quick() };
    let mut sender = Sender::new(Line::default());
    assert!(!linger(&platform, &mut sender, &plan, |_| true));
    sender.link_mut().from_host.extend(encode_frame(&Command::Acknowledge));
    assert!(linger(&platform, &mut sender, &plan, |_| false));
    let mut unheard = Sender::new(Line::default());
    assert!(!linger(&platform, &mut unheard, &Plan { linger_ms: 1, ..plan }, |_| false));
}
