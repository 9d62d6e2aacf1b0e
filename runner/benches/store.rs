//! How fast a database of a million results takes boots and answers:
//! `cargo bench --package runner --bench store -- --boots 3000`.
//!
//! Writes gigabytes into a scratch folder beside `--folder`. Each answer is timed several times and the fastest is shown,
//! because the machine may have other work; CPU time is that of this process alone.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use perf_kernel::units::{Bytes, Hertz, Ticks};
use perf_kernel::wire::{
    CacheLevel, Clock, Console, Cpu, FORMAT_VERSION, Firmware, Hello, Interference, Machine, Mode,
};
use runner::analysis::compare;
use runner::assess::gather;
use runner::collect::{Boot, BootEnd};
use runner::report::{PageOptions, Palette, SkippedDetail, entries, html, page};
use runner::store::{RunHead, RunName, Store, StoredBoot, UnixSeconds};
use rustix::time::{ClockId, clock_gettime};

use records::record;

#[path = "shared/records.rs"]
mod records;

/// Results in a boot.
const RESULTS: u32 = 339;

/// Boots in a run.
const BOOTS: u32 = 10;

#[derive(Parser)]
struct Arguments {
    /// Boots to store
    #[arg(long, default_value_t = 300)]
    boots: u32,
    /// Where to make the scratch folder
    #[arg(long, default_value = "target")]
    folder: PathBuf,
    /// How often each answer is timed
    #[arg(long, default_value_t = 5)]
    times: u32,
    /// What Cargo gives every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let Arguments { boots, folder, times, .. } = Arguments::parse();
    std::fs::create_dir_all(&folder).expect("room for scratch files");
    let scratch = tempfile::tempdir_in(&folder).expect("room for scratch files");
    let path = scratch.path().join("results.db");
    ingest(&path, boots);
    let gigabytes = std::fs::metadata(&path).expect("just written").len() as f64 / 1e9;
    println!("database: {gigabytes:.2} GB");
    best("open", times, || Store::open(&path).expect("it is ours"));
    answers(&Store::open(&path).expect("it is ours"), times);
}

/// Times what the commands and the dashboard ask for.
fn answers(store: &Store, times: u32) {
    best("machines", times, || store.machines().expect("stored"));
    best("all runs", times, || store.runs().expect("stored"));
    let machine = store.machines().expect("stored").remove(0).name;
    best("series of one bench", times, || store.series(&machine, "env/pause").expect("stored"));
    best("series of all benches", times, || store.all_series(&machine).expect("stored"));
    let id = |back| store.find(&RunName::Last(back)).expect("stored");
    let (before, after) = (id(1), id(0));
    best("load a run of 10 boots", times, || store.load(&after).expect("stored"));
    best("compare two runs of 10 boots", times, || {
        let side = |id: &str| store.load(id).expect("stored").side(None).expect("it has boots");
        compare(&side(&before), &side(&after))
    });
    best("report of a run as a table", times, || {
        let options = PageOptions { palette: Palette::Plain, width: None, skipped: SkippedDetail::Grouped };
        page(&store.load(&after).expect("stored"), &options)
    });
    best("report of a run as a page, with its histories", times, || {
        let run = store.load(&after).expect("stored");
        html(&gather(store, run, None).expect("readable"))
    });
}

/// Stores `number` boots, each made before its time is taken, and says how many results a second that was.
fn ingest(path: &Path, number: u32) {
    let ids = ids();
    let mut store = Store::open(path).expect("the folder is ours");
    let mut whole = Spent::default();
    let mut tenths = Vec::new();
    let mut tenth = Spent::default();
    for place in 0..number {
        let (head, stored) = (head(place / BOOTS), boot(&ids, place));
        let start = Spent::now();
        store.insert_boot(&head, &stored).expect("there is room");
        let spent = Spent::now().since(start);
        (whole, tenth) = (whole.and(spent), tenth.and(spent));
        if (place + 1) % (number / 10).max(1) == 0 {
            tenths.push(std::mem::take(&mut tenth));
        }
    }
    let results = f64::from(number) * f64::from(RESULTS);
    let rate = |results: f64, time: Duration| results / time.as_secs_f64();
    println!(
        "ingest: {results} results, {:.0} a second, {:.0} a second of CPU",
        rate(results, whole.wall),
        rate(results, whole.cpu)
    );
    let rates: Vec<_> =
        tenths.iter().map(|tenth| format!("{:.0}", rate(results / 10.0, tenth.wall))).collect();
    println!("ingest by tenths, a second: {}", rates.join(" "));
}

/// The ids of the catalogue, as often as it takes, at scales that it does not have.
fn ids() -> Vec<String> {
    let known = entries().into_iter().map(|entry| entry.id);
    let more = (0..RESULTS).map(|place| format!("memory/alloc-small/{}", 1_000_000 + place));
    known.chain(more).take(339).collect()
}

/// Time that passed, and time that this process computed.
#[derive(Clone, Copy, Default)]
struct Spent {
    wall: Duration,
    cpu: Duration,
}

impl Spent {
    /// The time since some start.
    fn now() -> Self {
        let read = |clock| {
            let time = clock_gettime(clock);
            Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
        };
        Self { wall: read(ClockId::Monotonic), cpu: read(ClockId::ProcessCPUTime) }
    }

    fn since(self, start: Self) -> Self {
        Self { wall: self.wall.saturating_sub(start.wall), cpu: self.cpu.saturating_sub(start.cpu) }
    }

    fn and(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

fn best<T>(what: &str, times: u32, mut work: impl FnMut() -> T) {
    let mut fastest = Spent { wall: Duration::MAX, cpu: Duration::MAX };
    for _ in 0..times {
        let start = Spent::now();
        black_box(work());
        let spent = Spent::now().since(start);
        fastest = Spent { wall: fastest.wall.min(spent.wall), cpu: fastest.cpu.min(spent.cpu) };
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!("{what}: {:.2} ms, {:.2} ms of CPU", milliseconds(fastest.wall), milliseconds(fastest.cpu));
}

fn head(run: u32) -> RunHead {
    RunHead {
        id: format!("{run:08x}"),
        started: UnixSeconds(1_795_535_000 + u64::from(run) * 600),
        command: "run".to_owned(),
        profile: Some("default".to_owned()),
        plan: Some("preset = \"full\"\n".to_owned()),
        runner_version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: Some(format!("{:040x}", run / 4)),
    }
}

fn boot(ids: &[String], place: u32) -> StoredBoot {
    let bench = |(bench, id): (u64, &String)| {
        let mixed = u64::from(place).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(bench * 977);
        record(id.clone(), 1_000 + 7 * bench + (mixed >> 54) % 20)
    };
    let boot = Boot {
        hello: Some(hello()),
        machine: Some(machine()),
        clock: Some(clock()),
        ledger: Some(Interference::default()),
        benches: (0..).zip(ids).map(bench).collect(),
        ..Boot::new(BootEnd::Done)
    };
    StoredBoot {
        number: place % BOOTS + 1,
        boot,
        transcript: Some(format!("transcripts/{place:08x}.transcript").into()),
        transcript_hash: Some(format!("{place:032x}")),
        crash_frames: Vec::new(),
    }
}

fn hello() -> Hello {
    Hello {
        format_version: FORMAT_VERSION,
        nonce: "0123456789abcdef".to_owned(),
        image_hash: "9f3c21d0a1b2c3d4e5f60718293a4b5c".to_owned(),
        plan_hash: "00112233445566778899aabbccddeeff".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        compiler: "rustc 1.96.0".to_owned(),
        benches_planned: RESULTS,
        entry_ticks: Ticks(1_000_000),
        resumes: None,
    }
}

fn clock() -> Clock {
    Clock {
        mode: Mode::Hardware,
        frequency: Hertz(2_000_000_000),
        is_invariant: true,
        sources: Vec::new(),
        disagreement: None,
        is_valid: true,
        note: String::new(),
        overhead_ticks: 40,
    }
}

fn machine() -> Machine {
    Machine {
        cpu: Cpu {
            vendor: "AuthenticAMD".to_owned(),
            brand: "Example 9000 Processor".to_owned(),
            family: 25,
            model: 1,
            stepping: 1,
            microcode: Some(0x0a00_1234),
            features: ["aes", "avx2", "rdtscp", "vaes"].map(str::to_owned).to_vec(),
            caches: vec![CacheLevel { level: 1, size: Bytes(32 << 10), line: Bytes(64) }],
        },
        cpus_present: 8,
        cpus_started: 1,
        memory: Bytes(16 << 30),
        heap: Bytes(1 << 30),
        firmware: Firmware { kind: "uefi".to_owned(), vendor: "EDK II".to_owned() },
        hypervisor: None,
        console: Console { kind: "uart".to_owned(), place: "port 0x3f8".to_owned() },
    }
}
