//! Time of the dashboard's pages over a connection, with a million stored results.
//!
//! The results go through the store as those of real runs do, and every run is taken up into the histories of its machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use criterion::{Criterion, criterion_group, criterion_main};
use perf_kernel::wire::{BenchRecord, Mode};
use runner::collect::{Boot, BootEnd};
use runner::serve::{Dashboard, DashboardOptions, Token};
use runner::store::{Folder, RunHead, Store, StoredBoot, UnixSeconds};
use runner::tracking;
use tokio::sync::oneshot;

#[path = "../src/samples.rs"]
mod samples;

const MACHINES: u64 = 8;
const RUNS: u64 = 2_000;
const BOOTS: u32 = 5;
const BENCHES: u64 = 100;

/// A number below `range` that looks like chance and is the same every time.
fn noise(place: u64, range: u64) -> u64 {
    (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % range
}

/// The benches of a boot; one in twenty became slower on each machine, at a run of its own.
fn benches(run: u64, boot: u32) -> Vec<BenchRecord> {
    let of = |bench: u64| {
        let is_slower = bench.is_multiple_of(20) && run > RUNS / 4 + bench * 10;
        let level = (1_000 + bench * 97) * if is_slower { 112 } else { 100 };
        let ticks = level + noise(run * 1_000 + bench * 10 + u64::from(boot), level / 50);
        samples::bench(&format!("suite{}/subject-{bench}/64", bench % 7), ticks, 64)
    };
    (0..BENCHES).map(of).collect()
}

fn boot(run: u64, number: u32) -> Boot {
    let mut machine = samples::machine();
    machine.cpu.microcode = u32::try_from(run % MACHINES).ok();
    let planned = u32::try_from(BENCHES).unwrap_or(u32::MAX);
    Boot {
        hello: Some(samples::hello("0123456789abcdef", planned)),
        machine: Some(machine),
        clock: Some(samples::clock(Mode::Hardware)),
        benches: benches(run, number),
        ..Boot::new(BootEnd::Done)
    }
}

fn fill(store: &mut Store) {
    for run in 0..RUNS {
        let head = RunHead {
            id: format!("{run:08x}"),
            started: UnixSeconds(1_700_000_000 + run * 7_200),
            command: "run".into(),
            profile: Some("lab".into()),
            plan: Some("preset = \"quick\"\n".into()),
            runner_version: "0.1.0".into(),
            revision: Some(format!("v1.{run}")),
        };
        for number in 1..=BOOTS {
            let boot = boot(run, number);
            let stored = StoredBoot {
                number,
                boot,
                transcript: None,
                transcript_hash: None,
                crash_frames: Vec::new(),
            };
            store.insert_boot(&head, &stored).expect("room");
        }
    }
    tracking::catch_up(store).expect("room");
}

/// The status of the answer and how many bytes it has.
fn get(address: SocketAddr, path: &str) -> (String, usize) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    (answer.get(9..12).unwrap_or_default().to_owned(), answer.len())
}

fn pages(c: &mut Criterion) {
    let place = tempfile::tempdir().expect("a folder");
    let database = place.path().join("results.db");
    let mut store = Store::open(&database).expect("room");
    fill(&mut store);
    let machine = store.machines().expect("stored").remove(0).name;
    drop(store);
    let size = std::fs::metadata(&database).expect("it is there").len();
    println!("{} results in {} MB", RUNS * u64::from(BOOTS) * BENCHES, size / 1_000_000);

    let options = DashboardOptions {
        folder: Folder::find(Some(&database)).expect("chosen"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        token: Token::generate().expect("random bytes"),
    };
    let dashboard = Dashboard::bind(options).expect("a free port");
    let address = dashboard.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = thread::spawn(move || dashboard.run(async { drop(stopped.await) }));
    let mut group = c.benchmark_group("page");
    group.sample_size(20);
    for (name, path) in [
        ("overview", "/".to_owned()),
        ("runs", "/runs?page=30".to_owned()),
        ("run", "/runs/000007c0".to_owned()),
        ("machines", "/machines".to_owned()),
        ("machine", format!("/machines/{machine}")),
        ("benches", "/benches".to_owned()),
        ("bench", "/benches/suite0/subject-0/64".to_owned()),
        ("compare", "/compare?b=000007c0".to_owned()),
        ("findings", "/findings?state=all".to_owned()),
        ("search", "/search?q=v1.77".to_owned()),
    ] {
        let (status, bytes) = get(address, &path);
        assert_eq!(status, "200", "{path}");
        println!("{name}: {bytes} bytes");
        group.bench_function(name, |b| b.iter(|| get(address, &path)));
    }
    group.finish();
    drop(stop);
    serving.join().expect("it ends").expect("it served");
}

criterion_group!(benches_of_pages, pages);
criterion_main!(benches_of_pages);
