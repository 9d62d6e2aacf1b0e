//! One boot out of the parts that resets have left of it.

use perf_kernel::units::PartsPerMillion;
use perf_kernel::wire::{BenchRecord, Clock, Hello, Mode, Resumes, Status};

use super::classify::{is_good, what_never_arrived};
use super::{Boot, BootEnd};

/// How far the counters of two starts may be apart to be taken for one: what the sources of a clock may disagree by.
const CLOCKS_APART_MAX: PartsPerMillion = PartsPerMillion(1_000);
/// How the reason of a bench begins that ran when the machine was reset.
const QUARANTINED: &str = "quarantined: ";

/// Whether a start that says `hello` goes on with `boot`: same image, plan and nonce, and a reset more.
pub(crate) fn goes_on_with(boot: &Boot, hello: &Hello) -> bool {
    let Some((before, resumes)) = boot.hello.as_ref().zip(hello.resumes.as_ref()) else { return false };
    let are_same = (&before.nonce, &before.plan_hash, &before.image_hash)
        == (&hello.nonce, &hello.plan_hash, &hello.image_hash);
    are_same && resumes.resets > resets(before)
}

/// Resets of the boot before the start that says `hello`.
pub(super) fn resets(hello: &Hello) -> u32 {
    hello.resumes.as_ref().map_or(0, |resumes| resumes.resets)
}

/// `boot` with what its next start has told. The first start says what the boot is and how its ticks become time, the last
/// one how it ended.
pub(super) fn join(mut boot: Boot, mut next: Boot) -> Boot {
    let resumes = next.hello.as_mut().and_then(|hello| hello.resumes.take());
    let quarantined = resumes.as_ref().and_then(|resumes| resumes.quarantined.as_deref());
    for record in next.benches.iter_mut().filter(|record| Some(record.id.as_str()) == quarantined) {
        explain(record, &boot);
    }
    if let Some(reason) = boot.clock.as_ref().zip(next.clock.as_ref()).and_then(|(a, b)| apart(a, b)) {
        next.benches.iter_mut().for_each(|record| invalidate(record, &reason));
    }
    let is_told = |record: &BenchRecord| boot.benches.iter().any(|told| place(told) == place(record));
    next.benches.retain(|record| !is_told(record));
    boot.benches.append(&mut next.benches);
    if let Some(hello) = &mut boot.hello {
        hello.resumes = resumes;
    }
    boot.machine = boot.machine.or(next.machine);
    boot.clock = boot.clock.or(next.clock);
    // The ledger is written at the end, and is that of the last start.
    boot.ledger = next.ledger;
    boot.crash = next.crash;
    boot.bench_running = next.bench_running;
    boot.log.append(&mut next.log);
    // Each start counts from anew; the one that can be held against the host's clock for longest is kept.
    if next.beacons.len() > boot.beacons.len() {
        boot.beacons = next.beacons;
    }
    boot.damage.frames_damaged += next.damage.frames_damaged;
    boot.damage.frames_repeated += next.damage.frames_repeated;
    boot.damage.frames_missing.append(&mut next.damage.frames_missing);
    if boot.damage.is_manifest_kept != Some(false) {
        boot.damage.is_manifest_kept = next.damage.is_manifest_kept;
    }
    let ending = match next.end {
        BootEnd::Done | BootEnd::FailedBenches => what_never_arrived(&boot),
        _ => next.end_detail,
    };
    let is_whole = ending.is_empty() && boot.benches.iter().all(|bench| is_good(bench.status));
    boot.end = if next.end == BootEnd::Done && !is_whole { BootEnd::FailedBenches } else { next.end };
    boot.end_detail = detail(&boot, &ending);
    boot
}

/// What makes a record the only one of its kind in a boot.
fn place(record: &BenchRecord) -> impl PartialEq + use<'_> {
    (&record.id, record.side, record.round)
}

/// Says of a bench that ran when the machine was reset what its own start has told of it.
fn explain(record: &mut BenchRecord, before: &Boot) {
    let crash = before.crash.as_ref().filter(|crash| crash.bench.as_ref() == Some(&record.id));
    if let (None, Some(crash)) = (&record.crash, crash) {
        record.reason = Some(format!("{QUARANTINED}{}: {}", crash.cause, crash.message));
        record.crash = Some(Box::new(crash.clone()));
    } else if record.crash.is_none() && before.end == BootEnd::Hung {
        record.reason = Some(format!("{QUARANTINED}{}", before.end_detail));
    }
}

/// Why the ticks of two starts are not the same time; `None` if they are.
fn apart(first: &Clock, next: &Clock) -> Option<String> {
    if first.mode != next.mode {
        return Some("ticks meant something else before the reset".to_owned());
    }
    let (before, now) = (first.frequency.0, next.frequency.0);
    let distance = PartsPerMillion::of(now.abs_diff(before), before)?;
    // An emulated counter is no clock to begin with.
    (distance > CLOCKS_APART_MAX && first.mode != Mode::Tcg)
        .then(|| format!("the counter ran at {before} Hz before the reset and at {now} Hz after it"))
}

fn invalidate(record: &mut BenchRecord, reason: &str) {
    if record.status == Status::Measured {
        record.status = Status::Invalid;
        record.reason = Some(format!("clock: {reason}"));
    }
}

fn detail(boot: &Boot, ending: &str) -> String {
    let resets = boot
        .hello
        .as_ref()
        .and_then(|hello| hello.resumes.as_ref())
        .map_or(0, |Resumes { resets, .. }| *resets);
    let mut text = String::new();
    if !ending.is_empty() {
        text.push_str(ending);
        text.push_str("; ");
    }
    text.push_str(&format!("resumed after {resets} {}", if resets == 1 { "reset" } else { "resets" }));
    let quarantined = boot.benches.iter().filter_map(|bench| {
        let reason = bench.reason.as_deref()?.strip_prefix(QUARANTINED)?;
        let cause = bench.crash.as_ref().map_or(reason, |crash| &crash.cause);
        Some(format!("{} ({cause})", bench.id))
    });
    let quarantined: Vec<String> = quarantined.collect();
    if !quarantined.is_empty() {
        text.push_str(&format!("; quarantined: {}", quarantined.join(", ")));
    }
    text
}
