//! How a boot ended: from what it said, and else from how its bytes stopped.

use std::time::Duration;

use perf_kernel::wire::{EndReason, Refused, Status};

use super::{Boot, BootEnd};

/// How the bytes of a boot stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HowClosed {
    /// The source gave no more; why.
    SourceEnded(String),
    /// No new frame for that long.
    Quiet(Duration),
    /// The boot took longer than that in all.
    OutOfTime(Duration),
    /// The user or an error of the host stopped the run; why.
    Stopped(String),
    /// The machine started again.
    NextBoot,
    /// Everything that could be had is there.
    Settled,
}

/// The end of `boot`, whose other fields are complete, and what people should know about it.
pub(super) fn classify(
    boot: &Boot,
    end: Option<EndReason>,
    refused: Option<&Refused>,
    how: &HowClosed,
) -> (BootEnd, String) {
    if let Some(crash) = &boot.crash {
        return (BootEnd::Crashed, format!("{}: {}", crash.cause, crash.message));
    }
    if let Some(refused) = refused {
        return (BootEnd::Refused, refused.reason.clone());
    }
    match end {
        Some(EndReason::Crashed | EndReason::Resets) => {
            (BootEnd::Crashed, "the record of the crash never arrived".to_owned())
        }
        Some(EndReason::Refused) => (BootEnd::Refused, "the record with the reason never arrived".to_owned()),
        Some(EndReason::Done) => of_whole_plan(boot),
        Some(EndReason::FailedBenches) => (BootEnd::FailedBenches, what_never_arrived(boot)),
        Some(EndReason::Unknown) => (
            BootEnd::FailedBenches,
            "the kernel ended for a reason that only a newer multios-perf knows".to_owned(),
        ),
        None => without_end(boot, how),
    }
}

/// A boot that says that all went well is believed as far as its records show it.
fn of_whole_plan(boot: &Boot) -> (BootEnd, String) {
    let detail = what_never_arrived(boot);
    if detail.is_empty() && boot.benches.iter().all(|bench| is_good(bench.status)) {
        (BootEnd::Done, detail)
    } else {
        (BootEnd::FailedBenches, detail)
    }
}

/// Whether a bench of that outcome leaves nothing to be wished for.
pub(super) const fn is_good(status: Status) -> bool {
    matches!(status, Status::Measured | Status::Skipped)
}

/// What the kernel has sent and the host has not got; empty if there is nothing.
pub(super) fn what_never_arrived(boot: &Boot) -> String {
    let missing = &boot.damage.frames_missing;
    match missing.first() {
        Some(first) => format!("{} frames never arrived, from number {first} on", missing.len()),
        None if boot.damage.is_manifest_kept == Some(false) => {
            "what arrived is not what the kernel's manifest lists".to_owned()
        }
        None => String::new(),
    }
}

fn without_end(boot: &Boot, how: &HowClosed) -> (BootEnd, String) {
    let place = match &boot.bench_running {
        Some(id) => format!("in {id}"),
        None if boot.hello.is_some() => "between benches".to_owned(),
        None => "before the first record".to_owned(),
    };
    match how {
        HowClosed::SourceEnded(why) if why.is_empty() => {
            (BootEnd::PowerLost, format!("the bytes ended {place}"))
        }
        HowClosed::SourceEnded(why) => (BootEnd::PowerLost, format!("the bytes ended {place}: {why}")),
        HowClosed::Settled => (BootEnd::PowerLost, format!("the bytes ended {place}")),
        HowClosed::NextBoot => (BootEnd::PowerLost, format!("the machine started again {place}")),
        HowClosed::Quiet(time) => {
            (BootEnd::Hung, format!("no new record for {} s {place}", time.as_secs_f64()))
        }
        HowClosed::OutOfTime(time) => {
            (BootEnd::Hung, format!("still running after {} s {place}", time.as_secs_f64()))
        }
        HowClosed::Stopped(why) => (BootEnd::Interrupted, format!("{place}: {why}")),
    }
}
