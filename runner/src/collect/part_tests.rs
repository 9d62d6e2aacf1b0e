//! Boots in parts: machines that are reset in the middle and go on.

use std::time::Duration;

use perf_kernel::units::Hertz;
use perf_kernel::wire::{Clock, Command, Crash, EndReason, Hello, Mode, Record, Resumes, Status};

use super::trial::{Kernel, Step, Trial, bench, clock, crash, hello, start, transcript_of};
use super::{Boot, BootEnd, CollectCause, Expected};

/// The first record of a start that goes on after so many resets at bench `from`, in which the machine was reset.
fn resumed_hello(resets: u32, from: u32, quarantined: Option<&str>) -> Hello {
    let Record::Hello(hello) = hello(1) else { panic!("it is one") };
    Hello { resumes: Some(Resumes { resets, from, quarantined: quarantined.map(str::to_owned) }), ..hello }
}

/// The records of a start that reports `offender` and measures `id`.
fn resumed(resets: u32, offender: &str, id: &str) -> Vec<Record> {
    let Record::Bench(mut failed) = bench(offender, Status::Failed) else { panic!("it is one") };
    failed.reason = Some("quarantined: the machine was reset while it ran".to_owned());
    vec![
        Record::Hello(resumed_hello(resets, resets, Some(offender))),
        clock(),
        start(offender),
        Record::Bench(failed),
        start(id),
        bench(id, Status::Measured),
    ]
}

/// A first start that measures `env/timer-pair` and ends in `env/pause`.
fn first() -> Vec<Record> {
    vec![
        hello(1),
        clock(),
        start("env/timer-pair"),
        bench("env/timer-pair", Status::Measured),
        start("env/pause"),
    ]
}

fn crashed() -> Vec<u8> {
    transcript_of([first(), vec![crash()]].concat(), Some(EndReason::Resets))
}

fn ids(boot: &Boot) -> Vec<(&str, Status)> {
    boot.benches.iter().map(|bench| (bench.id.as_str(), bench.status)).collect()
}

const WHOLE: [(&str, Status); 3] =
    [("env/timer-pair", Status::Measured), ("env/pause", Status::Failed), ("env/l1-load", Status::Measured)];

#[test]
fn a_kernel_that_resets_the_machine_and_goes_on_makes_one_boot() {
    let second = transcript_of(resumed(1, "env/pause", "env/l1-load"), Some(EndReason::FailedBenches));
    let steps = vec![
        Step::Bytes(crashed()),
        Step::Quiet(Duration::from_secs(4)),
        Step::Bytes(b"SeaBIOS\r\n".to_vec()),
        Step::Bytes(second.clone()),
    ];
    let live = Trial::of(steps).run().boot();
    let replayed = Trial::replay([crashed(), b"SeaBIOS\r\n".to_vec(), second].concat()).run().boot();
    for boot in [live, replayed] {
        assert_eq!((boot.end, ids(&boot)), (BootEnd::FailedBenches, WHOLE.to_vec()));
        assert_eq!(boot.end_detail, "resumed after 1 reset; quarantined: env/pause (#PF)");
        assert_eq!((boot.damage.is_manifest_kept, &boot.crash), (Some(true), &None));
        let offender: Option<&Crash> = boot.benches[1].crash.as_deref();
        assert_eq!(offender.map(|crash| crash.message.as_str()), Some("read of 0x0"));
        assert_eq!(boot.benches[1].reason.as_deref(), Some("quarantined: #PF: read of 0x0"));
        let resumes = boot.hello.and_then(|hello| hello.resumes);
        assert_eq!(resumes.map(|resumes| resumes.resets), Some(1));
    }
}

#[test]
fn a_kernel_that_waits_for_leave_to_reset_gets_it_and_what_it_has_lost_is_asked_for() {
    let mut kernel = Kernel::after([first(), vec![crash()]].concat(), Some(EndReason::Resets));
    let mut frames = kernel.take_frames();
    frames.remove(3);
    let mut steps: Vec<Step> = frames.into_iter().map(Step::Bytes).collect();
    steps.push(Step::Quiet(Duration::from_secs(1)));
    let second = transcript_of(resumed(1, "env/pause", "env/l1-load"), Some(EndReason::FailedBenches));
    steps.push(Step::Bytes(second));
    let outcome = Trial { kernel: Some(kernel), stays_on: true, ..Trial::of(steps) }.run();
    let commands: Vec<Command> = outcome.commands.iter().map(|(_, command)| command.clone()).collect();
    let asked = Command::Resend { from: 3, to: 3 };
    assert_eq!(commands, [asked, Command::Acknowledge, Command::Acknowledge]);
    let boot = outcome.boot();
    assert_eq!((boot.damage.frames_missing.len(), ids(&boot)), (0, WHOLE.to_vec()));
}

#[test]
fn a_silent_machine_is_reset_and_its_kernel_goes_on() {
    let second = transcript_of(resumed(1, "env/pause", "env/l1-load"), Some(EndReason::FailedBenches));
    let after_resets = vec![vec![Step::Quiet(Duration::from_secs(3)), Step::Bytes(second)]];
    let steps = vec![Step::Bytes(transcript_of(first(), None))];
    let outcome = Trial { stays_on: true, after_resets, ..Trial::of(steps) }.run();
    assert!(outcome.took < Duration::from_secs(16), "{:?}", outcome.took);
    let boot = outcome.boot();
    assert_eq!((boot.end, ids(&boot)), (BootEnd::FailedBenches, WHOLE.to_vec()));
    assert_eq!(boot.benches[1].reason.as_deref(), Some("quarantined: no new record for 10 s in env/pause"));
    let told = "resumed after 1 reset; quarantined: env/pause (no new record for 10 s in env/pause)";
    assert_eq!(boot.end_detail, told);
}

#[test]
fn a_boot_may_be_in_three_parts() {
    let second = [resumed(1, "env/pause", "env/l1-load"), vec![start("env/spin-noise")]].concat();
    let third = resumed(2, "env/spin-noise", "kernel/syscall-null");
    let bytes =
        [crashed(), transcript_of(second, None), transcript_of(third, Some(EndReason::FailedBenches))];
    let boot = Trial::replay(bytes.concat()).run().boot();
    let more = [("env/spin-noise", Status::Failed), ("kernel/syscall-null", Status::Measured)];
    assert_eq!((boot.end, ids(&boot)), (BootEnd::FailedBenches, [&WHOLE[..], &more].concat()));
    let told = "resumed after 2 resets; quarantined: env/pause (#PF), \
                env/spin-noise (the machine was reset while it ran)";
    assert_eq!(boot.end_detail, told);
}

#[test]
fn a_machine_is_reset_no_more_often_than_allowed() {
    let hung = |resets: u32, id: &str, next: &str| {
        let mut records = resumed(resets, id, "env/l1-load");
        records.push(start(next));
        vec![Step::Bytes(transcript_of(records, None))]
    };
    let after_resets = vec![hung(1, "env/pause", "a"), hung(2, "a", "b"), hung(3, "b", "c")];
    let steps = vec![Step::Bytes(transcript_of(first(), None))];
    let outcome = Trial { stays_on: true, after_resets, ..Trial::of(steps) }.run();
    let boot = outcome.boot();
    assert_eq!(boot.end, BootEnd::Hung);
    assert!(boot.end_detail.starts_with("no new record for 10 s in b; resumed after 2 resets"), "{boot:#?}");
    assert_eq!(boot.bench_running.as_deref(), Some("b"));
}

#[test]
fn a_kernel_whose_resets_are_used_up_ends_as_crashed() {
    let mut second = resumed(1, "env/pause", "env/l1-load");
    second.push(start("env/spin-noise"));
    second.push(crash());
    let bytes = [crashed(), transcript_of(second, Some(EndReason::Crashed))].concat();
    let boot = Trial::replay(bytes).run().boot();
    assert_eq!((boot.end, ids(&boot)), (BootEnd::Crashed, WHOLE.to_vec()));
    assert!(boot.crash.is_some());
    assert_eq!(boot.end_detail, "#PF: read of 0x0; resumed after 1 reset; quarantined: env/pause (#PF)");
}

#[test]
fn a_machine_that_does_not_come_back_has_crashed() {
    let outcome = Trial { stays_on: true, ..Trial::of(vec![Step::Bytes(crashed())]) }.run();
    assert_eq!(outcome.took, Duration::from_secs(10));
    let boot = outcome.boot();
    assert_eq!((boot.end, boot.end_detail.as_str()), (BootEnd::Crashed, "#PF: read of 0x0"));
}

#[test]
fn a_start_of_another_run_does_not_go_on_with_this_one() {
    let other = |change: fn(&mut Hello)| {
        let mut records = resumed(1, "env/pause", "env/l1-load");
        let mut hello = resumed_hello(1, 1, Some("env/pause"));
        change(&mut hello);
        records[0] = Record::Hello(hello);
        [crashed(), transcript_of(records, Some(EndReason::FailedBenches))].concat()
    };
    let changes: [fn(&mut Hello); 4] = [
        |hello| hello.nonce = "n-2".to_owned(),
        |hello| hello.plan_hash = "2".repeat(32),
        |hello| hello.image_hash = "2".repeat(32),
        |hello| hello.resumes.as_mut().unwrap().resets = 0,
    ];
    for change in changes {
        let boots = Trial::replay(other(change)).run().boots();
        let ends: Vec<_> = boots.iter().map(|boot| boot.end).collect();
        assert_eq!(ends, [BootEnd::Crashed, BootEnd::FailedBenches]);
    }
    let expected = Expected { nonce: Some("n-1".to_owned()), ..Expected::default() };
    let error = Trial { expected, ..Trial::replay(other(changes[0])) }.run().result.unwrap_err();
    assert!(matches!(error.cause, CollectCause::OtherRun { what: "nonce", .. }), "{error}");
    assert_eq!(error.boots.len(), 1);
}

#[test]
fn a_machine_that_forgets_begins_anew() {
    let second = transcript_of([vec![hello(2)], first()[1..].to_vec()].concat(), None);
    let steps = vec![Step::Bytes(transcript_of(first(), None))];
    let after_resets = vec![vec![Step::Bytes(second)]];
    let outcome = Trial { stays_on: true, after_resets, ..Trial::of(steps) }.run();
    let boots = outcome.boots();
    let ends: Vec<_> = boots.iter().map(|boot| boot.end).collect();
    assert_eq!(ends, [BootEnd::Hung, BootEnd::Hung]);
}

#[test]
fn a_record_that_was_told_before_the_reset_stays_as_it_was_told() {
    let told = [first(), vec![bench("env/pause", Status::Measured)]].concat();
    let second = transcript_of(resumed(1, "env/pause", "env/l1-load"), Some(EndReason::FailedBenches));
    let boot = Trial::replay([transcript_of(told, None), second].concat()).run().boot();
    let measured = ("env/pause", Status::Measured);
    assert_eq!(ids(&boot), [WHOLE[0], measured, WHOLE[2]]);
}

#[test]
fn figures_of_starts_whose_counters_run_apart_are_not_mixed() {
    let with_clock = |change: fn(&mut Clock)| {
        let Record::Clock(mut other) = clock() else { panic!("it is one") };
        change(&mut other);
        let mut records = resumed(1, "env/pause", "env/l1-load");
        records[1] = Record::Clock(other);
        let second = transcript_of(records, Some(EndReason::FailedBenches));
        Trial::replay([crashed(), second].concat()).run().boot()
    };
    let near = with_clock(|clock| clock.frequency = Hertz(1_000_900_000));
    assert_eq!(ids(&near), WHOLE);
    let changes: [fn(&mut Clock); 2] =
        [|clock| clock.frequency = Hertz(1_010_000_000), |clock| clock.mode = Mode::Kvm];
    for change in changes {
        let boot = with_clock(change);
        assert_eq!(ids(&boot)[2], ("env/l1-load", Status::Invalid));
        assert!(boot.benches[2].reason.as_deref().is_some_and(|reason| reason.starts_with("clock: ")));
    }
}

#[test]
fn a_start_that_was_reset_between_benches_quarantines_none() {
    let mut second = vec![Record::Hello(resumed_hello(1, 1, None))];
    second.extend([clock(), start("env/pause"), bench("env/pause", Status::Measured)]);
    let bytes = [transcript_of(first()[..4].to_vec(), None), transcript_of(second, Some(EndReason::Done))];
    let boot = Trial::replay(bytes.concat()).run().boot();
    assert_eq!((boot.end, boot.end_detail.as_str()), (BootEnd::Done, "resumed after 1 reset"));
}
