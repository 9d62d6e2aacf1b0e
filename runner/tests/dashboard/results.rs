//! Results and transcripts for the dashboard to show.

use perf_kernel::wire::{BenchRecord, EndReason, Link, LinkError, Mode, Record, Sender, Start, Status};
use runner::collect::{Boot, BootEnd};
use runner::store::{RunHead, Store, StoredBoot, UnixSeconds};

use crate::samples;

/// What a page must never take for anything but text.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}";

/// Runs of one machine with a loss and a gain, and one run of another machine.
pub(crate) fn ordinary(store: &mut Store) {
    for place in 0..48_u64 {
        let step = if place < 30 { 4_000 } else { 4_480 };
        let benches = vec![
            samples::bench("env/pause", 900 + noise(place, 20), 10),
            samples::bench("memory/alloc-small/64", step + noise(place + 100, 90), 64),
            samples::bench("memory/alloc-small/256", 4_400 + noise(place + 200, 90), 64),
            samples::bench(
                "security/verify-ed25519",
                if place < 20 { 91_000 } else { 82_000 } + noise(place + 300, 900),
                1,
            ),
            samples::skipped("kernel/syscall-null", "not built yet"),
        ];
        let revision = format!("v1.{place}");
        insert(store, &id(place), place, Mode::Hosted, Some(&revision), &benches, 3);
    }
    let exact = vec![samples::bench("env/pause", 50, 1)];
    insert(store, "bb000000", 60, Mode::Icount, None, &exact, 1);
}

/// Runs whose every name is hostile.
pub(crate) fn hostile(store: &mut Store) {
    let mut machine = samples::machine();
    machine.cpu.brand = HOSTILE.into();
    machine.cpu.vendor = HOSTILE.into();
    machine.firmware.vendor = HOSTILE.into();
    let mut failed = samples::skipped(&format!("evil/../{HOSTILE}/1"), HOSTILE);
    failed.status = Status::Failed;
    for place in 0..40 {
        let id = format!("cc{place:06}");
        let named = samples::bench(HOSTILE, if place < 22 { 1_000 } else { 1_300 } + noise(place, 20), 1);
        let mut boot = boot(Mode::Hosted, &[named, failed.clone()]);
        boot.machine = Some(machine.clone());
        boot.end = BootEnd::Crashed;
        boot.end_detail = HOSTILE.into();
        let head = RunHead {
            profile: Some(HOSTILE.into()),
            command: HOSTILE.into(),
            ..head(&id, place, Some(HOSTILE))
        };
        let stored = StoredBoot {
            number: 1,
            boot,
            transcript: None,
            transcript_hash: None,
            crash_frames: vec![HOSTILE.into()],
        };
        store.insert_boot(&head, &stored).expect("room");
    }
}

/// A number below `range` that looks like chance and is the same in every test.
fn noise(place: u64, range: u64) -> u64 {
    (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % range
}

/// The id of the ordinary run at `place`.
pub(crate) fn id(place: u64) -> String {
    format!("aa{place:06}")
}

/// Stores a run of `boots` equal boots.
pub(crate) fn insert(
    store: &mut Store,
    id: &str,
    place: u64,
    mode: Mode,
    revision: Option<&str>,
    benches: &[BenchRecord],
    boots: u32,
) {
    for number in 1..=boots {
        let stored = StoredBoot {
            number,
            boot: boot(mode, benches),
            transcript: None,
            transcript_hash: None,
            crash_frames: Vec::new(),
        };
        store.insert_boot(&head(id, place, revision), &stored).expect("room");
    }
}

pub(crate) fn head(id: &str, place: u64, revision: Option<&str>) -> RunHead {
    RunHead {
        id: id.into(),
        started: UnixSeconds(1_795_535_101 + place * 40_000),
        command: "hosted".into(),
        profile: None,
        plan: Some("preset = \"quick\"\n".into()),
        runner_version: "0.1.0".into(),
        revision: revision.map(str::to_owned),
    }
}

fn boot(mode: Mode, benches: &[BenchRecord]) -> Boot {
    let planned = u32::try_from(benches.len()).expect("few");
    Boot {
        hello: Some(samples::hello("0123456789abcdef", planned)),
        machine: Some(samples::machine()),
        clock: Some(samples::clock(mode)),
        benches: benches.to_vec(),
        ..Boot::new(BootEnd::Done)
    }
}

struct Pipe(Vec<u8>);

impl Link for &mut Pipe {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        None
    }
}

/// The frames of a boot of `benches`, one piece for the beginning, one for each bench, one for the end.
pub(crate) fn transcript(entry_ticks: u64, benches: &[BenchRecord]) -> Vec<Vec<u8>> {
    let total = u32::try_from(benches.len()).expect("few");
    let mut pipe = Pipe(Vec::new());
    // One sender numbers all frames, so that the pieces are cut out of the whole afterwards.
    let mut sender = Sender::new(&mut pipe);
    let mut hello = samples::hello("0123456789abcdef", total);
    hello.entry_ticks.0 = entry_ticks;
    let mut records = vec![
        Record::Hello(hello),
        Record::Machine(samples::machine()),
        Record::Clock(samples::clock(Mode::Tcg)),
    ];
    for (index, bench) in (0..).zip(benches) {
        records.push(Record::Start(Start { id: bench.id.clone(), index, total }));
        records.push(Record::Bench(Box::new(bench.clone())));
    }
    for record in records {
        sender.send(record).expect("a pipe takes all");
    }
    sender.end(EndReason::Done).expect("a pipe takes all");
    drop(sender);
    let frames = pipe.0.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let mut cuts = vec![frames[..3].concat()];
    cuts.extend(frames[3..3 + 2 * benches.len()].chunks(2).map(<[Vec<u8>]>::concat));
    cuts.push(frames[3 + 2 * benches.len()..].concat());
    cuts
}
