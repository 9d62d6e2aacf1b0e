//! What is to be seen of a run at one moment.

use std::collections::HashMap;

use perf_kernel::suites::{Selected, select};
use perf_kernel::wire::{BenchRecord, LogLine, Status};

use crate::analysis::{Figures, suite_of};
use crate::collect::BootEnd;
use crate::live::{Follower, LiveRun, LiveState, RunTail};
use crate::report::clean;
use crate::store::{RunHead, UnixSeconds};

/// What is to be seen of a run at one moment. Text from outside is made harmless on the way in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    /// The run's id.
    pub(super) run: String,
    /// The command that makes it.
    pub(super) command: String,
    /// When it was asked for.
    pub(super) started: UnixSeconds,
    /// Whether it goes on.
    pub(super) state: LiveState,
    /// How its boots ended so far, in order.
    pub(super) ends: Vec<BootEnd>,
    /// The boot that is shown, from 1; 0 before the first.
    pub(super) boot: usize,
    /// Boots that it is to have.
    pub(super) boots_asked: Option<u32>,
    /// CPU and mode, as far as they are known.
    pub(super) machine: Option<String>,
    /// What the image is, as the boot says.
    pub(super) image: Option<String>,
    /// Benches planned in the boot.
    pub(super) planned: Option<usize>,
    /// The bench that runs.
    pub(super) running: Option<String>,
    /// The benches of the boot in the order of the plan.
    pub(super) rows: Vec<Row>,
    /// The newest lines for people, oldest first.
    pub(super) log: Vec<LogLine>,
    /// Lines before them.
    pub(super) log_before: usize,
    /// What went wrong with the boot as a whole.
    pub(super) troubles: Vec<String>,
}

/// A bench in the list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Its id with its scale.
    pub(super) id: String,
    /// Where it stands.
    pub(super) state: RowState,
    /// What it sent; `None` before it ended.
    pub(super) record: Option<Box<BenchRecord>>,
    /// Its figures.
    pub(super) figures: Option<Figures>,
}

/// Where a bench stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowState {
    /// Its turn is to come.
    Pending,
    /// It runs.
    Running,
    /// It ended.
    Ended(Status),
}

impl Row {
    /// The suite that it belongs to.
    pub(super) fn suite(&self) -> &str {
        suite_of(&self.id)
    }
}

impl Snapshot {
    /// What `tail` knows.
    pub(super) fn of(tail: &RunTail) -> Self {
        let run = tail.run();
        let nothing = Follower::new();
        let follower = tail.tail().map_or(&nothing, |tail| tail.follower());
        let running = follower.running().map(|start| clean(&start.id).into_owned());
        let (log, log_before) = follower.log();
        let line = |line: &LogLine| LogLine { level: line.level, text: clean(&line.text).into_owned() };
        Self {
            run: run.head.id.clone(),
            command: clean(&run.head.command).into_owned(),
            started: run.head.started,
            state: run.state,
            boot: boot_shown(run, follower),
            ends: run.ends.clone(),
            boots_asked: run.boots_asked,
            machine: machine(follower),
            image: follower.hello().map(|hello| clean(&hello.image_hash).chars().take(12).collect()),
            planned: follower.benches_planned().and_then(|planned| usize::try_from(planned).ok()),
            rows: rows(follower, running.as_deref(), &run.head),
            running,
            log: log.iter().map(line).collect(),
            log_before,
            troubles: troubles(follower, tail.tail().is_some_and(|tail| tail.is_too_long())),
        }
    }

    /// Benches that have ended.
    pub(super) fn ended(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.state, RowState::Ended(_))).count()
    }
}

/// The place of the boot that `follower` shows. Starts and boots are counted alike as long as no machine starts again by
/// itself; the boots of a start that is not over are not among the ends yet.
fn boot_shown(run: &LiveRun, follower: &Follower) -> usize {
    let turn = usize::try_from(run.turn).unwrap_or(usize::MAX);
    let closed = run.ends.len();
    if turn > closed { turn.saturating_add(follower.boots_before().len()) } else { closed }
}

fn machine(follower: &Follower) -> Option<String> {
    let mode = follower.clock().map(|clock| clock.mode.name().to_owned());
    let cpu = follower.machine().map(|machine| clean(machine.cpu.brand.trim()).into_owned());
    let known: Vec<String> = [mode, cpu].into_iter().flatten().filter(|text| !text.is_empty()).collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// The benches that have ended or run, and those that are still to come where the plan tells which these are.
fn rows(follower: &Follower, running: Option<&str>, head: &RunHead) -> Vec<Row> {
    let ended = |record: &BenchRecord| Row {
        id: clean(&record.id).into_owned(),
        state: RowState::Ended(record.status),
        figures: follower.figures(record).filter(|_| record.status != Status::Failed),
        record: Some(Box::new(record.clone())),
    };
    let mut by_id: HashMap<String, Row> = HashMap::new();
    let mut order = planned(follower, head);
    let mut place = |row: Row| {
        if !order.contains(&row.id) {
            order.push(row.id.clone());
        }
        by_id.insert(row.id.clone(), row);
    };
    follower.benches().map(ended).for_each(&mut place);
    if let Some(id) = running {
        place(Row { id: id.to_owned(), state: RowState::Running, record: None, figures: None });
    }
    let pending = |id: String| Row { id, state: RowState::Pending, record: None, figures: None };
    order.into_iter().map(|id| by_id.remove(&id).unwrap_or_else(|| pending(id))).collect()
}

/// The ids that the plan selects, in order; empty if the boot has another number of benches, as one of an image with
/// another catalogue has.
fn planned(follower: &Follower, head: &RunHead) -> Vec<String> {
    let selected = head.plan().and_then(|plan| select(&plan).ok()).unwrap_or_default();
    let is_known =
        follower.benches_planned().is_some_and(|planned| usize::try_from(planned) == Ok(selected.len()));
    if is_known { selected.iter().map(Selected::id).collect() } else { Vec::new() }
}

fn troubles(follower: &Follower, is_too_long: bool) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Some(crash) = follower.crash() {
        let place = crash.bench.as_ref().map(|bench| format!(" in {}", clean(bench))).unwrap_or_default();
        troubles.push(format!("crashed{place}: {} {}", clean(&crash.cause), clean(&crash.message)));
    }
    if let Some(refused) = follower.refused() {
        troubles.push(format!("refused the plan: {}", clean(&refused.reason)));
    }
    if let Some(trouble) = follower.trouble() {
        troubles.push(clean(&trouble.to_string()).into_owned());
    }
    let damage = follower.damage();
    if damage.frames_damaged > 0 || !damage.frames_missing.is_empty() {
        let missing = damage.frames_missing.len();
        troubles.push(format!("{} frames damaged, {missing} missing so far", damage.frames_damaged));
    }
    if is_too_long {
        troubles.push("the transcript is longer than what is followed".to_owned());
    }
    troubles
}

#[cfg(test)]
mod tests {
    use std::fs;

    use perf_kernel::wire::{Frame, Mode, Record, Start, encode_frame};

    use super::*;
    use crate::live::{LiveMark, MarkContent};
    use crate::samples;
    use crate::store::{Folder, SideFile, samples as stored};

    fn bytes(records: Vec<Record>) -> Vec<u8> {
        let frames = (0..).zip(records).map(|(seq, record)| encode_frame(&Frame { seq, record }));
        frames.flatten().collect()
    }

    fn snapshot_of(plan: &str, records: Vec<Record>) -> Snapshot {
        let files = tempfile::tempdir().expect("a folder");
        let folder = Folder::find(Some(&files.path().join("results.db"))).expect("chosen");
        let mut head = stored::run("aa000001", Vec::new()).head;
        head.plan = Some(plan.to_owned());
        let _mark = LiveMark::set(&folder, &head.id, MarkContent { boots_asked: Some(3) }).expect("room");
        SideFile::new(head).write(&folder.side_file("aa000001")).expect("room");
        fs::write(folder.transcript("aa000001", 1), bytes(records)).expect("room");
        let mut tail = RunTail::new(&folder, "aa000001").expect("it has begun");
        tail.look().expect("readable");
        Snapshot::of(&tail)
    }

    fn beginning(planned: u32) -> Vec<Record> {
        vec![
            Record::Hello(samples::hello("n", planned)),
            Record::Machine(samples::machine()),
            Record::Clock(samples::clock(Mode::Tcg)),
            Record::Bench(Box::new(samples::bench("env/timer-pair", 90, 1))),
            Record::Start(Start { id: "env/pause".into(), index: 1, total: planned }),
        ]
    }

    const PLAN: &str = "preset = \"quick\"\nfilter = [\"env/timer-pair\", \"env/pause\", \"env/l1-load\"]\n";

    #[test]
    fn benches_that_ended_run_and_wait_are_in_the_order_of_the_plan() {
        let snapshot = snapshot_of(PLAN, beginning(3));
        let states: Vec<_> = snapshot.rows.iter().map(|row| row.state).collect();
        assert!(states.contains(&RowState::Ended(Status::Measured)), "{snapshot:?}");
        assert_eq!(states.iter().filter(|state| **state == RowState::Pending).count(), 1);
        assert_eq!(states.iter().filter(|state| **state == RowState::Running).count(), 1);
        assert_eq!((snapshot.ended(), snapshot.planned, snapshot.boot), (1, Some(3), 1));
        assert_eq!(snapshot.machine.as_deref(), Some("tcg, Example 9000 Processor"));
    }

    #[test]
    fn of_another_catalogue_only_what_was_told_is_shown() {
        let snapshot = snapshot_of(PLAN, beginning(7));
        let ids: Vec<_> = snapshot.rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["env/timer-pair", "env/pause"]);
    }

    #[test]
    fn what_a_terminal_could_obey_does_not_come_through() {
        let mut records = beginning(3);
        records.push(Record::Bench(Box::new(samples::skipped("env/\u{1b}[31m", "no"))));
        let snapshot = snapshot_of(PLAN, records);
        assert!(snapshot.rows.iter().all(|row| !row.id.contains('\u{1b}')), "{snapshot:?}");
    }
}
