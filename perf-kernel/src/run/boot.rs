//! A boot from the machine's fingerprint to `end`.

use alloc::boxed::Box;

use super::ledger::Ledger;
use super::note::{Note, Step};
use super::probes::{DRIFT_MAX, Probing};
use super::progress::Progress;
use super::subject::Subjects;
use super::{cold, counters};
use crate::arch::counter;
use crate::measure::{Conditions, CounterKind, calibrate, check_scale, median_milli, quarantined};
use crate::plan::Plan;
use crate::platform::Platform;
use crate::suites::{Selected, select};
use crate::units::{Nanoseconds, Ticks};
use crate::wire::{
    Beacon, BenchRecord, EndReason, Level, Link, Mode, Probe, Record, Refused, Sender, Start, Status,
};

/// Between two time marks, unless a bench takes longer.
const BEACON_INTERVAL: Nanoseconds = Nanoseconds(1_000_000_000);

/// Runs `plan` for `subjects` on `platform` and sends what comes of it, from `machine` to `end`. The caller has sent `hello`, and
/// serves the host afterwards with [`linger`].
///
/// A link that takes nothing does not stop a boot: `progress` has the results too.
pub fn boot<L: Link>(
    platform: &dyn Platform,
    sender: &mut Sender<L>,
    plan: &Plan,
    subjects: Subjects<'_>,
    progress: &mut dyn Progress,
) -> EndReason {
    resume(platform, sender, plan, subjects, progress, None)
}

/// As [`boot`], behind what `resumed`, the note of the starts before, says is over.
pub fn resume<L: Link>(
    platform: &dyn Platform,
    sender: &mut Sender<L>,
    plan: &Plan,
    subjects: Subjects<'_>,
    progress: &mut dyn Progress,
    resumed: Option<&Note>,
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
    if let Some(note) = resumed.filter(|note| note.resets() > u32::from(plan.resets_max)) {
        send(sender, Record::Crash(Box::new(note.last_crash())));
        return end(sender, progress, EndReason::Crashed);
    }
    let counter = CounterKind::detect();
    let clock = calibrate(platform, counter);
    send(sender, Record::Clock(clock.clone()));
    let conditions = Conditions { platform, plan, clock: &clock, counter };
    let mut ledger = Ledger::begin(platform);
    let start = first_probing(&conditions, sender, resumed);
    progress.began(start.costs());
    let mut beacons = Beacons::begin(sender);
    if let Some(about) = subjects.about() {
        let _ = sender.log(Level::Info, alloc::format!("two builds: {about}"));
    }
    subjects.prepare(platform);
    let turns = subjects.turns(plan, clock.mode);
    let mut scales = Scales::default();
    let mut is_good = !resumed.is_some_and(Note::has_failed);
    let total = narrow(selected.len().saturating_mul(turns.clone().count()));
    let benches = selected.iter().flat_map(|selected| turns.clone().map(move |turn| (selected, turn)));
    for (index, (selected, turn)) in benches.enumerate() {
        let announced = Start { id: selected.id(), index: narrow(index), total };
        let step = resumed.map_or(Step::Run, |note| note.step(announced.index, &announced.id));
        if step == Step::PassOver {
            continue;
        }
        sender.poll_commands();
        progress.started(&announced);
        send(sender, Record::Start(announced));
        let record = match step {
            Step::Report(crash) => turn.mark(quarantined(selected, crash)),
            _ => turn.mark(turn.subject.run(&conditions, selected)),
        };
        let record = scales.judge(selected, record);
        ledger.add(&record);
        is_good &= matches!(record.status, Status::Measured | Status::Skipped);
        progress.finished(&record);
        send(sender, Record::Bench(Box::new(record)));
        progress.told();
        beacons.send_if_due(sender, &conditions);
    }
    let probes = start.drift(&Probing::now(&conditions));
    warn_of_drift(sender, &probes, clock.mode);
    // Two builds share no counters: the types of one library mean nothing to the other.
    let is_single = subjects.about().is_none();
    let said = is_single.then(|| [counters::describe(platform), cold::describe(platform, plan, &selected)]);
    for text in said.into_iter().flatten().flatten() {
        let _ = sender.log(Level::Info, text);
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

/// What the probes cost at the start of the boot. They are measured at every start: a machine that changed over a reset
/// is told of there, and the end of the boot is held against its very beginning.
fn first_probing<L: Link>(
    conditions: &Conditions<'_>,
    sender: &mut Sender<L>,
    resumed: Option<&Note>,
) -> Probing {
    let now = Probing::now(conditions);
    let Some(note) = resumed else { return now };
    let first = Probing::of_note(note);
    warn_of_drift(sender, &first.drift(&now), conditions.clock.mode);
    if first.costs().is_empty() { now } else { first }
}

fn warn_of_drift<L: Link>(sender: &mut Sender<L>, probes: &[Probe], mode: Mode) {
    for probe in probes.iter().filter(|probe| probe.drift > DRIFT_MAX && mode != Mode::Tcg) {
        let text = alloc::format!("the machine changed: {} drifted by {} ppm", probe.id, probe.drift.0);
        let _ = sender.log(Level::Warning, text);
    }
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

/// Medians of the bench that runs, by side: at the scale that was measured last, and at the one before.
#[derive(Default)]
struct Scales {
    medians: [(Option<ScaleMedian>, Option<ScaleMedian>); 3],
}

/// What an operation of a bench costs at a scale.
#[derive(Clone, Copy)]
struct ScaleMedian {
    id: &'static str,
    scale: &'static str,
    milliticks: u64,
}

impl Scales {
    /// Adds the check of how the cost grows with the scale, where there is a smaller one.
    fn judge(&mut self, selected: &Selected, mut record: BenchRecord) -> BenchRecord {
        let median = median_milli(&record).filter(|_| record.status == Status::Measured);
        let (Some(scale), Some(median), true) = (selected.scale, median, record.unit.is_ticks()) else {
            return record;
        };
        let (latest, smaller) = &mut self.medians[record.side.map_or(0, |side| 1 + side as usize)];
        let id = selected.bench.id;
        if latest.is_none_or(|latest| (latest.id, latest.scale) != (id, scale.name)) {
            *smaller = latest.filter(|latest| latest.id == id);
        }
        let milliticks = median / record.operations.max(1);
        record.validity.extend(smaller.map(|it| check_scale((it.scale, it.milliticks), milliticks)));
        *latest = Some(ScaleMedian { id, scale: scale.name, milliticks });
        record
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
