//! How fast records come from a file into memory and from there into the store. The goal is 10,000 records a second.

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use perf_kernel::units::Ticks;
use perf_kernel::wire::{EndReason, FORMAT_VERSION, Hello, Link, LinkError, Record, Sender};
use runner::collect::{Boot, BootEnd, Patience, Silent, collect};
use runner::source::FileSource;
use runner::store::{RunHead, Store, StoredBoot, UnixSeconds};

use records::record;

#[path = "shared/records.rs"]
mod records;

/// Bench records in the transcript.
const RECORDS: u64 = 10_000;

/// A link that keeps what is sent.
struct Kept(Vec<u8>);

impl Link for Kept {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        None
    }
}

/// What a boot of [`RECORDS`] benches puts on the wire, with as many figures in each as a real one has.
fn transcript() -> Vec<u8> {
    let mut sender = Sender::new(Kept(Vec::new()));
    let mut send = |record| sender.send(record).expect("memory takes everything");
    send(Record::Hello(Hello {
        format_version: FORMAT_VERSION,
        nonce: "collect-bench".to_owned(),
        image_hash: "0".repeat(32),
        plan_hash: "1".repeat(32),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        compiler: "rustc 1.96.0".into(),
        benches_planned: 10_000,
        entry_ticks: Ticks(1_000_000),
        resumes: None,
    }));
    for index in 0..RECORDS {
        let id = format!("memory/alloc-small/{index}");
        send(Record::Bench(Box::new(record(id, 1_000 + index % 977))));
    }
    sender.end(EndReason::Done).expect("memory takes everything");
    std::mem::take(&mut sender.link_mut().0)
}

/// Replays the transcript at `path`, keeping its bytes at `kept` as a run does.
fn collect_file(path: &Path, kept: &Path) -> Vec<Boot> {
    let mut source = FileSource::open(path).expect("the transcript was written");
    let mut transcript = File::create(kept).expect("the folder is ours");
    let patience = Patience { hang: Duration::from_secs(60), boot: Duration::from_secs(600), resets_max: 0 };
    let stop = AtomicBool::new(false);
    let boots =
        collect(&mut source, &mut transcript, &mut Silent, &patience, &stop).expect("nothing is wrong");
    assert_eq!(boots.iter().map(|boot| boot.end).collect::<Vec<_>>(), [BootEnd::Done]);
    assert_eq!(boots[0].benches.len() as u64, RECORDS);
    boots
}

/// Stores the boots as `run` does, opening and closing the database too.
fn store(database: &Path, run: u32, boots: Vec<Boot>) {
    let head = RunHead {
        id: format!("{run:08x}"),
        started: UnixSeconds(u64::from(run)),
        command: "replay".to_owned(),
        profile: None,
        plan: None,
        runner_version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: None,
    };
    let mut store = Store::open(database).expect("the folder is ours");
    for (number, boot) in (1..).zip(boots) {
        let (transcript, transcript_hash, crash_frames) = (None, None, Vec::new());
        let stored = StoredBoot { number, boot, transcript, transcript_hash, crash_frames };
        store.insert_boot(&head, &stored).expect("there is room");
    }
}

fn throughput(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is room for scratch files");
    let (path, kept) = (folder.path().join("boot.transcript"), folder.path().join("kept.transcript"));
    std::fs::write(&path, transcript()).expect("there is room for scratch files");
    let mut group = criterion.benchmark_group("collect");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(10);
    group.bench_function("decode", |bencher| bencher.iter(|| black_box(collect_file(&path, &kept))));
    let database = folder.path().join("results.db");
    let mut run = 0_u32;
    group.bench_function("decode-and-store", |bencher| {
        bencher.iter(|| {
            run += 1;
            store(&database, run, collect_file(&path, &kept));
        });
    });
    group.finish();
}

criterion_group!(benches, throughput);
criterion_main!(benches);
