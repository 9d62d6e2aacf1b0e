//! Runs for tests.

use perf_kernel::wire::{BenchRecord, Mode};

use super::{Run, RunHead, StoredBoot, UnixSeconds};
use crate::collect::{Boot, BootEnd, Damage};
use crate::samples;

/// A boot that ended well.
pub(crate) fn boot(mode: Mode, benches: Vec<BenchRecord>) -> Boot {
    let planned = u32::try_from(benches.len()).expect("few");
    Boot {
        end: BootEnd::Done,
        end_detail: String::new(),
        hello: Some(samples::hello("0123456789abcdef", planned)),
        machine: Some(samples::machine()),
        clock: Some(samples::clock(mode)),
        benches,
        bench_running: None,
        ledger: None,
        crash: None,
        log: Vec::new(),
        beacons: Vec::new(),
        damage: Damage { is_manifest_kept: Some(true), ..Damage::default() },
    }
}

/// A run of `boots` under the quick plan.
pub(crate) fn run(id: &str, boots: Vec<Boot>) -> Run {
    let head = RunHead {
        id: id.into(),
        started: UnixSeconds(1_795_535_101),
        command: "run".into(),
        profile: Some("default".into()),
        plan: Some("preset = \"quick\"\n".into()),
        runner_version: "0.1.0".into(),
        revision: None,
    };
    let stored = |(place, boot)| StoredBoot {
        number: u32::try_from(place).expect("few") + 1,
        boot,
        transcript: None,
        transcript_hash: None,
        crash_frames: Vec::new(),
    };
    Run { head, boots: boots.into_iter().enumerate().map(stored).collect() }
}
