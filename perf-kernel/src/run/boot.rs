//! A boot from the machine's fingerprint to `end`.

use alloc::boxed::Box;

use super::ledger::Ledger;
use super::probes::{DRIFT_MAX, Probing};
use super::progress::Progress;
use super::subject::Subject;
use crate::arch::counter;
use crate::measure::{Conditions, CounterKind, calibrate, check_scale, median_milli};
use crate::plan::Plan;
use crate::platform::Platform;
use crate::suites::{Selected, select};
use crate::units::{Nanoseconds, Ticks};
use crate::wire::{
    Beacon, BenchRecord, EndReason, Level, Link, Mode, Record, Refused, Sender, Start, Status,
};

/// Between two time marks, unless a bench takes longer.
const BEACON_INTERVAL: Nanoseconds = Nanoseconds(1_000_000_000);

/// Runs `plan` for `subject` on `platform` and sends what comes of it, from `machine` to `end`. The caller has sent `hello`, and
/// serves the host afterwards with [`linger`].
///
/// A link that takes nothing does not stop a boot: `progress` has the results too.
pub fn boot<L: Link>(
    platform: &dyn Platform,
    sender: &mut Sender<L>,
    plan: &Plan,
    subject: &dyn Subject,
    progress: &mut dyn Progress,
) -> EndReason {
    let selected = match select(plan) {
        Ok(selected) => selected,
        Err(error) => {
            let reason = alloc::format!("failed to select benches: {error}");
            send(sender, Record::Refused(Refused { reason }));
            return end(sender, progress, EndReason::Refused);
        }
    };
    send(sender, Record::Machine(platform.describe_machine()));
    let counter = CounterKind::detect();
    let clock = calibrate(platform, counter);
    send(sender, Record::Clock(clock.clone()));
    let conditions = Conditions { platform, plan, clock: &clock, counter };
    let mut ledger = Ledger::begin(platform);
    let start = Probing::now(&conditions);
    let mut beacons = Beacons::begin(sender);
    let mut scales = Scales::default();
    let mut is_good = true;
    let total = narrow(selected.len());
    for (index, selected) in selected.iter().enumerate() {
        sender.poll_commands();
        let announced = Start { id: selected.id(), index: narrow(index), total };
        progress.started(&announced);
        send(sender, Record::Start(announced));
        let record = scales.judge(selected, subject.run(&conditions, selected));
        ledger.add(&record);
        is_good &= matches!(record.status, Status::Measured | Status::Skipped);
        progress.finished(&record);
        send(sender, Record::Bench(Box::new(record)));
        beacons.send_if_due(sender, &conditions);
    }
    let probes = start.drift(&Probing::now(&conditions));
    let drifted = probes.iter().filter(|probe| probe.drift > DRIFT_MAX && clock.mode != Mode::Tcg);
    for probe in drifted {
        let text = alloc::format!("the machine changed: {} drifted by {} ppm", probe.id, probe.drift.0);
        let _ = sender.log(Level::Warning, text);
    }
    send(sender, Record::Ledger(ledger.end(platform, probes)));
    send(sender, Record::Beacon(Beacon { ticks: counter::now() }));
    sender.poll_commands();
    end(sender, progress, if is_good { EndReason::Done } else { EndReason::FailedBenches })
}

/// Serves the host after the end of a boot, as long as the plan says, until it has everything or `is_gone` says that
/// it is gone. Returns whether it has everything.
pub fn linger<L: Link>(
    platform: &dyn Platform,
    sender: &mut Sender<L>,
    plan: &Plan,
    mut is_gone: impl FnMut(&mut L) -> bool,
) -> bool {
    let patience = Nanoseconds::from_milliseconds(plan.linger_ms).to_ticks(platform.frequency());
    let begin = counter::now();
    while !sender.is_acknowledged() && counter::now().since(begin) < patience && !is_gone(sender.link_mut()) {
        sender.poll_commands();
        core::hint::spin_loop();
    }
    sender.is_acknowledged()
}

fn end<L: Link>(sender: &mut Sender<L>, progress: &mut dyn Progress, reason: EndReason) -> EndReason {
    // As in `send`.
    let _ = sender.end(reason);
    progress.ended(reason);
    reason
}

fn send<L: Link>(sender: &mut Sender<L>, record: Record) {
    // The sender counts what the link refuses and keeps the frames for a host that asks again.
    let _ = sender.send(record);
}

/// Time marks at intervals.
struct Beacons {
    latest: Ticks,
}

impl Beacons {
    fn begin<L: Link>(sender: &mut Sender<L>) -> Self {
        let latest = counter::now();
        send(sender, Record::Beacon(Beacon { ticks: latest }));
        Self { latest }
    }

    fn send_if_due<L: Link>(&mut self, sender: &mut Sender<L>, conditions: &Conditions<'_>) {
        let now = counter::now();
        if now.since(self.latest) >= BEACON_INTERVAL.to_ticks(conditions.clock.frequency) {
            self.latest = now;
            send(sender, Record::Beacon(Beacon { ticks: now }));
        }
    }
}

/// The median of the same bench at the scale before.
#[derive(Default)]
struct Scales {
    smaller: Option<(&'static str, &'static str, u64)>,
}

impl Scales {
    /// Adds the check of how the cost grows with the scale, where there is a smaller one.
    fn judge(&mut self, selected: &Selected, mut record: BenchRecord) -> BenchRecord {
        let median = median_milli(&record).filter(|_| record.status == Status::Measured);
        let (Some(scale), Some(median), true) = (selected.scale, median, record.unit.is_ticks()) else {
            return record;
        };
        let per_operation = median / record.operations.max(1);
        if let Some((id, name, smaller)) = self.smaller
            && id == selected.bench.id
        {
            record.validity.push(check_scale((name, smaller), per_operation));
        }
        self.smaller = Some((selected.bench.id, scale.name, per_operation));
        record
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
