//! Boots as a kernel's own sender makes them, over lines that do what lines do.

use std::time::Duration;

use perf_kernel::units::{Bytes, Nanoseconds, Ticks};
use perf_kernel::wire::{
    Beacon, BenchRecord, Command, End, EndReason, FORMAT_VERSION, Frame, Hello, Level, LogLine, Manifest,
    Record, Refused, RollingHash, Sender, Start, Status, encode_frame,
};
use proptest::prelude::*;

use super::trial::{Kernel, PATIENCE, Pipe, Step, Trial, bench, crash, hello, records, start, transcript_of};
use super::{Boot, BootEnd, CollectCause, Expected, Observer, Patience, Silent, collect};
use crate::source::{ProcessSource, SourceError};

#[test]
fn a_whole_boot_is_done() {
    let boot = Trial::of(vec![Step::Bytes(transcript_of(records(1), Some(EndReason::Done)))]).run().boot();
    assert_eq!((boot.end, boot.end_detail.as_str()), (BootEnd::Done, ""));
    assert_eq!(
        boot.benches.iter().map(|bench| bench.id.as_str()).collect::<Vec<_>>(),
        ["env/pause", "env/l1-load"]
    );
    assert_eq!(boot.damage.is_manifest_kept, Some(true));
    assert_eq!(boot.bench_running, None);
    assert!(boot.hello.is_some() && boot.clock.is_some() && boot.damage.frames_missing.is_empty());
}

#[test]
fn the_transcript_holds_every_byte_before_it_is_parsed() {
    let bytes = [b"noise\x1e{".to_vec(), transcript_of(records(1), None), b"\xff\x00".to_vec()].concat();
    let outcome = Trial::of(bytes.chunks(50).map(|piece| Step::Bytes(piece.to_vec())).collect()).run();
    assert_eq!(outcome.transcript, bytes);
    let boot = outcome.boot();
    assert_eq!(boot.damage.frames_damaged, 1);
    assert_eq!(boot.log.len(), 2);
}

#[test]
fn a_bench_that_failed_makes_failed_benches_whatever_the_kernel_says() {
    let mut failed = records(1);
    failed.push(bench("env/spin-noise", Status::Failed));
    for reason in [EndReason::FailedBenches, EndReason::Done] {
        let boot = Trial::replay(transcript_of(failed.clone(), Some(reason))).run().boot();
        assert_eq!(boot.end, BootEnd::FailedBenches);
    }
}

#[test]
fn bytes_that_stop_without_an_end_are_a_lost_machine_with_the_bench_that_ran() {
    let mut cut = records(1);
    cut.pop();
    let boot = Trial::of(vec![Step::Bytes(transcript_of(cut, None))]).run().boot();
    assert_eq!(boot.end, BootEnd::PowerLost);
    assert_eq!(boot.end_detail, "the bytes ended in env/l1-load: it is off");
    assert_eq!(boot.bench_running.as_deref(), Some("env/l1-load"));
    let boot = Trial::of(Vec::new()).run().boot();
    assert_eq!(boot.end_detail, "the bytes ended before the first record: it is off");
}

#[test]
fn silence_while_the_machine_is_on_is_a_hang() {
    let steps = vec![Step::Quiet(Duration::from_secs(5)), Step::Bytes(transcript_of(records(1), None))];
    let outcome = Trial { stays_on: true, ..Trial::of(steps) }.run();
    assert_eq!(outcome.took, Duration::from_secs(15));
    assert_eq!(outcome.boot().end, BootEnd::Hung);
}

#[test]
fn a_machine_that_says_the_same_over_and_over_is_hung() {
    let boot = transcript_of(records(1), None);
    let step = || [Step::Bytes(boot.clone()), Step::Quiet(Duration::from_secs(3))];
    let outcome = Trial::of((0..10).flat_map(|_| step()).collect()).run();
    assert!(outcome.took < Duration::from_secs(15));
    let boot = outcome.boot();
    assert_eq!(boot.end, BootEnd::Hung);
    assert_eq!(boot.damage.frames_repeated % 7, 0);
}

#[test]
fn a_boot_that_takes_too_long_in_all_is_stopped() {
    let mut sender = Kernel::after(records(1), None);
    let mut steps = Vec::new();
    for ticks in 0..30 {
        sender.sender.send(Record::Beacon(Beacon { ticks: Ticks(ticks) })).unwrap();
        steps.extend([Step::Bytes(sender.take_bytes()), Step::Quiet(Duration::from_secs(5))]);
    }
    let outcome = Trial::of(steps).run();
    assert_eq!(outcome.took, PATIENCE.boot);
    let boot = outcome.boot();
    assert_eq!(
        (boot.end, boot.end_detail.as_str()),
        (BootEnd::Hung, "still running after 60 s between benches")
    );
}

#[test]
fn the_user_can_stop_and_keeps_what_came() {
    let boot = Trial {
        stays_on: true,
        ..Trial::of(vec![Step::Bytes(transcript_of(records(1), None)), Step::Interrupt])
    }
    .run()
    .boot();
    assert_eq!((boot.end, boot.benches.len()), (BootEnd::Interrupted, 2));
}

#[test]
fn a_crash_is_a_crash_with_or_without_its_end() {
    let mut crashed = records(1);
    crashed.push(crash());
    for reason in [None, Some(EndReason::Crashed)] {
        let boot = Trial::replay(transcript_of(crashed.clone(), reason)).run().boot();
        assert_eq!((boot.end, boot.end_detail.as_str()), (BootEnd::Crashed, "#PF: read of 0x0"));
    }
}

#[test]
fn a_refused_plan_is_told_with_its_reason() {
    let refused = Record::Refused(Refused { reason: "unknown key".to_owned() });
    let boot = Trial::replay(transcript_of(vec![hello(1), refused], Some(EndReason::Refused))).run().boot();
    assert_eq!((boot.end, boot.end_detail.as_str()), (BootEnd::Refused, "unknown key"));
}

#[test]
fn lost_frames_are_asked_for_and_fill_their_places() {
    let mut kernel = Kernel::after(records(1), Some(EndReason::Done));
    let mut frames = kernel.take_frames();
    frames.remove(3);
    frames.remove(1);
    let steps = frames.into_iter().map(Step::Bytes).collect();
    let outcome = Trial { kernel: Some(kernel), stays_on: true, ..Trial::of(steps) }.run();
    let commands: Vec<Command> = outcome.commands.iter().map(|(_, command)| command.clone()).collect();
    let resend = |seq| Command::Resend { from: seq, to: seq };
    assert_eq!(commands, [resend(1), resend(3), Command::Acknowledge]);
    let boot = outcome.boot();
    assert_eq!((boot.end, boot.damage.is_manifest_kept), (BootEnd::Done, Some(true)));
    assert_eq!(
        boot.benches.iter().map(|bench| bench.id.as_str()).collect::<Vec<_>>(),
        ["env/pause", "env/l1-load"]
    );
    assert!(boot.clock.is_some());
}

#[test]
fn frames_that_cannot_be_had_are_given_up_and_named() {
    let mut kernel = Kernel::after(records(1), Some(EndReason::Done));
    let mut frames = kernel.take_frames();
    frames.remove(3);
    let steps = frames.into_iter().map(Step::Bytes).collect();
    // A kernel that has dropped what it is asked for, and says so.
    kernel.sender = Sender::with_kept_bytes(Pipe::default(), Bytes(1));
    for record in records(1) {
        kernel.sender.send(record).unwrap();
    }
    kernel.sender.end(EndReason::Done).unwrap();
    kernel.take_bytes();
    let outcome = Trial { kernel: Some(kernel), stays_on: true, ..Trial::of(steps) }.run();
    assert!(outcome.took < Duration::from_secs(5));
    assert!(outcome.commands.len() < 10);
    let boot = outcome.boot();
    assert_eq!((boot.end, boot.damage.is_manifest_kept), (BootEnd::FailedBenches, Some(false)));
    assert_eq!(boot.damage.frames_missing, [3]);
    assert!(boot.end_detail.contains("never arrived"), "{}", boot.end_detail);
    assert!(boot.log.iter().any(|line| line.text.contains("no longer kept")));
}

#[test]
fn a_line_without_a_way_back_ends_after_its_grace() {
    let steps = vec![Step::Bytes(transcript_of(records(1), Some(EndReason::Done)))];
    let outcome = Trial { stays_on: true, ..Trial::of(steps) }.run();
    assert!(outcome.took <= Duration::from_secs(2));
    assert_eq!(outcome.boot().end, BootEnd::Done);
}

#[test]
fn repeated_pieces_change_nothing() {
    let bytes = transcript_of(records(1), Some(EndReason::Done));
    let boot = Trial::replay([&bytes[..], &bytes[..700], &bytes].concat()).run().boot();
    let once = Trial::replay(bytes).run().boot();
    assert_eq!((boot.end, &boot.benches), (BootEnd::Done, &once.benches));
    assert!(boot.damage.frames_repeated > 8);
}

#[test]
fn a_machine_that_starts_again_gives_two_boots() {
    let first = transcript_of(records(1)[..5].to_vec(), None);
    let second = transcript_of(records(2), Some(EndReason::Done));
    let boots = Trial::of(vec![Step::Bytes([first, second].concat())]).run().boots();
    let ends: Vec<_> = boots.iter().map(|boot| (boot.end, boot.benches.len())).collect();
    assert_eq!(ends, [(BootEnd::PowerLost, 1), (BootEnd::Done, 2)]);
    assert_eq!(boots[0].end_detail, "the machine started again between benches");
    assert_eq!(boots[0].damage.frames_repeated, 0);
    assert_eq!(boots[1].damage.is_manifest_kept, Some(true));
}

#[test]
fn boots_that_begin_with_the_same_frames_are_told_apart_where_they_differ() {
    let mut other = records(1);
    other[3] = bench("env/pause", Status::Invalid);
    let first = transcript_of(records(1), Some(EndReason::Done));
    let second = transcript_of(other, Some(EndReason::FailedBenches));
    let boots = Trial::replay([first, second].concat()).run().boots();
    let ends: Vec<_> =
        boots.iter().map(|boot| (boot.end, boot.benches.len(), boot.hello.is_some())).collect();
    assert_eq!(ends, [(BootEnd::Done, 2, true), (BootEnd::FailedBenches, 2, true)]);
    assert_eq!(boots[1].damage.is_manifest_kept, Some(true));
}

#[test]
fn a_second_boot_whose_hello_is_lost_is_not_mixed_with_the_first() {
    let first = transcript_of(records(1)[..4].to_vec(), None);
    let mut other = records(2);
    other[2] = start("env/l1-load");
    other[3] = bench("env/l1-load", Status::Measured);
    let second = Kernel::after(other, Some(EndReason::Done)).take_frames()[1..].concat();
    let boots = Trial::replay([first, second].concat()).run().boots();
    assert_eq!(boots.len(), 2);
    assert_eq!(boots[0].benches.len(), 1);
    assert!(boots[1].hello.is_none());
    assert_eq!((boots[1].end, boots[1].damage.frames_missing.as_slice()), (BootEnd::FailedBenches, &[0][..]));
}

#[test]
fn a_machine_that_starts_again_after_its_end_does_not_keep_the_collection_busy() {
    let steps = (0..50).flat_map(|boot| {
        [
            Step::Bytes(transcript_of(records(boot), Some(EndReason::Done))),
            Step::Quiet(Duration::from_millis(500)),
        ]
    });
    let outcome = Trial::of(steps.collect()).run();
    assert!(outcome.took <= Duration::from_secs(3));
    assert_eq!(outcome.boot().end, BootEnd::Done);
}

#[test]
fn records_of_a_newer_format_are_refused_even_if_they_cannot_be_read() {
    for hello in [
        serde_json::json!({"seq": 0, "kind": "hello", "format_version": FORMAT_VERSION + 1, "nonce": 7}),
        serde_json::json!({"seq": 0, "kind": "hello", "format_version": FORMAT_VERSION + 1, "nonce": "n",
            "image_hash": "", "plan_hash": "", "version": "9", "benches_planned": 0, "entry_ticks": 0}),
    ] {
        let error = Trial::replay(encode_frame(&hello)).run().result.unwrap_err();
        assert!(
            matches!(error.cause, CollectCause::NewerFormat { found, .. } if found == FORMAT_VERSION + 1)
        );
    }
}

#[test]
fn kinds_of_the_future_are_passed_over_and_counted() {
    let mut bytes = transcript_of(records(1)[..1].to_vec(), None);
    let mut hash = RollingHash::new();
    let weather = encode_frame(&serde_json::json!({"seq": 1, "kind": "weather", "rain_mm": 3}));
    bytes.extend(weather);
    for frame in bytes.split_inclusive(|byte| *byte == b'\n') {
        hash.update(RollingHash::digest(&frame[1..frame.len() - 1]));
    }
    let manifest = |kind: &str| Manifest {
        records: [("hello".to_owned(), 1), (kind.to_owned(), 1)].into(),
        rolling_hash: hash.to_hex(),
    };
    for (kind, end) in [("weather", BootEnd::Done), ("log", BootEnd::FailedBenches)] {
        let record = Record::End(End { reason: EndReason::Done, manifest: manifest(kind) });
        let end_frame = encode_frame(&Frame { seq: 2, record });
        let boot = Trial::replay([&bytes[..], &end_frame].concat()).run().boot();
        let is_kept = kind == "weather";
        // `log` is a kind that this reader knows, so that a record of it must have come.
        assert_eq!(boot.damage.is_manifest_kept, Some(is_kept), "{kind}");
        assert_eq!(boot.end, end);
    }
}

#[test]
fn records_of_another_run_are_refused() {
    let expecting = |nonce: &str, plan_hash: String| {
        let expected =
            Expected { nonce: Some(nonce.to_owned()), plan_hash: Some(plan_hash), image_hash: None };
        let transcript = transcript_of(records(1), Some(EndReason::Done));
        Trial { expected, ..Trial::replay(transcript) }.run().result
    };
    assert!(expecting("n-1", "1".repeat(32)).is_ok());
    let error = expecting("n-2", "1".repeat(32)).unwrap_err();
    assert!(error.to_string().contains("their nonce is \"n-1\" and not \"n-2\""), "{error}");
    assert!(expecting("n-1", "2".repeat(32)).is_err());
}

/// A disk with room for so many bytes.
struct Disk(usize);

impl std::io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_keeps_the_boots_so_far() {
    let frames = Kernel::after(records(1), Some(EndReason::Done)).take_frames();
    let room = frames[..4].iter().map(Vec::len).sum::<usize>() + 10;
    let trial = Trial::of(frames.into_iter().map(Step::Bytes).collect());
    let error = trial.run_with(&mut Disk(room), &mut Silent).result.unwrap_err();
    assert!(matches!(error.cause, CollectCause::Transcript(_)), "{error}");
    assert_eq!(error.boots.len(), 1);
    assert_eq!((error.boots[0].end, error.boots[0].benches.len()), (BootEnd::Interrupted, 1));
}

#[test]
fn a_source_that_breaks_keeps_the_boots_so_far() {
    let steps = vec![Step::Bytes(transcript_of(records(1), None)), Step::Break];
    let error = Trial::of(steps).run().result.unwrap_err();
    assert!(matches!(error.cause, CollectCause::Source(SourceError::Qemu(_))), "{error}");
    assert_eq!(error.boots[0].benches.len(), 2);
}

#[test]
fn beacons_have_their_arrival_unless_it_says_nothing() {
    let mut kernel = Kernel::after(records(1), Some(EndReason::Done));
    let frames = kernel.take_frames();
    let steps = vec![
        Step::Quiet(Duration::from_secs(2)),
        Step::Bytes(frames[..5].concat()),
        Step::Quiet(Duration::from_millis(30)),
        Step::Bytes(frames[5..].concat()),
    ];
    let boot = Trial::of(steps).run().boot();
    assert_eq!(boot.beacons.len(), 1);
    assert_eq!((boot.beacons[0].ticks, boot.beacons[0].arrival), (Ticks(500), Nanoseconds(2_000_000_000)));
    assert_eq!(Trial::replay(frames.concat()).run().boot().beacons, []);
    let late = Trial::of(vec![Step::Bytes([&frames[..4], &frames[5..], &frames[4..5]].concat().concat())]);
    assert_eq!(late.run().boot().beacons, []);
}

#[test]
fn sequence_numbers_that_cannot_be_are_not_believed() {
    let far = Frame { seq: u64::MAX, record: Record::Beacon(Beacon { ticks: Ticks(1) }) };
    let zero = Frame { seq: 0, record: Record::Beacon(Beacon { ticks: Ticks(1) }) };
    let late_hello = Frame { seq: 3, record: hello(1) };
    let bytes: Vec<u8> = [far, zero, late_hello].iter().flat_map(encode_frame).collect();
    let boot = Trial::replay(bytes).run().boot();
    assert_eq!((boot.damage.frames_damaged, boot.damage.frames_missing.len()), (3, 0));
}

/// Writes down what it is told.
#[derive(Default)]
struct Diary(Vec<String>);

impl Observer for Diary {
    fn hello(&mut self, hello: &Hello) {
        self.0.push(format!("hello {}", hello.nonce));
    }

    fn start(&mut self, start: &Start) {
        self.0.push(format!("start {}", start.id));
    }

    fn bench(&mut self, bench: &BenchRecord) {
        self.0.push(format!("bench {}", bench.id));
    }

    fn text(&mut self, line: &str) {
        self.0.push(format!("text {line}"));
    }

    fn log(&mut self, line: &LogLine) {
        self.0.push(format!("log {}", line.text));
    }

    fn end(&mut self, end: &End) {
        self.0.push(format!("end {:?}", end.reason));
    }

    fn closed(&mut self, boot: &Boot) {
        self.0.push(format!("closed {:?}", boot.end));
    }
}

#[test]
fn the_observer_hears_of_every_record_once() {
    let mut records = records(1);
    records.truncate(4);
    records.push(Record::Log(LogLine { level: Level::Info, text: "tick".to_owned() }));
    let bytes = transcript_of(records, Some(EndReason::Done));
    let mut diary = Diary::default();
    let trial = Trial::replay([b"SeaBIOS\r\n", &bytes[..], &bytes].concat());
    trial.run_with(&mut Vec::new(), &mut diary);
    let expected = [
        "text SeaBIOS",
        "hello n-1",
        "start env/pause",
        "bench env/pause",
        "log tick",
        "end Done",
        "closed Done",
    ];
    assert_eq!(diary.0, expected);
}

#[test]
fn a_boot_comes_through_a_real_process_that_hears_the_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boot.transcript");
    std::fs::write(&path, transcript_of(records(1), Some(EndReason::Done))).unwrap();
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", "cat \"$0\"; read -r answer; test -n \"$answer\" && exit 7"]).arg(&path);
    let mut source = ProcessSource::start(command, "install a shell").unwrap();
    let mut kept = Vec::new();
    // The script ends by itself; the patience only keeps a broken one from blocking the tests.
    let patience = Patience { hang: Duration::from_secs(60), boot: Duration::from_secs(60), resets_max: 0 };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let boots = collect(&mut source, &mut kept, &mut Silent, &patience, &stop).unwrap();
    assert_eq!(boots.iter().map(|boot| boot.end).collect::<Vec<_>>(), [BootEnd::Done]);
    assert_eq!(kept, std::fs::read(&path).unwrap());
    assert_eq!(source.status().and_then(|status| status.code()), Some(7));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn harm_on_the_line_makes_no_wrong_bench_and_no_false_success(
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 1_u8..), 0..4),
        repeats in proptest::collection::vec(any::<[proptest::sample::Index; 3]>(), 0..2),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let sent = records(1);
        let mut bytes = transcript_of(sent.clone(), Some(EndReason::Done));
        for (place, change) in flips {
            let place = place.index(bytes.len());
            bytes[place] ^= change;
        }
        for places in repeats {
            let [from, to, at] = places.map(|place| place.index(bytes.len()));
            let copy = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(at..at, copy);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let boot = Trial::replay(bytes).run().boot();
        for bench in &boot.benches {
            prop_assert!(sent.contains(&Record::Bench(Box::new(bench.clone()))));
        }
        let is_whole = boot.benches.len() == 2 && boot.damage.frames_missing.is_empty();
        prop_assert!(boot.end != BootEnd::Done || is_whole);
        prop_assert_ne!(boot.end, BootEnd::Crashed);
    }
}
