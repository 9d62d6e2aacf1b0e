//! A run for tests of keys and pictures.

use perf_kernel::wire::{BenchRecord, Histogram, Level, LogLine, Mode, Status};

use super::snapshot::{Row, RowState, Snapshot};
use super::state::State;
use crate::analysis::Figures;
use crate::collect::BootEnd;
use crate::live::LiveState;
use crate::samples;
use crate::store::UnixSeconds;

/// The second of three boots, in the middle of it.
pub(super) fn snapshot() -> Snapshot {
    let mut skewed = samples::bench("memory/alloc-small/16", 4_000, 64);
    skewed.histogram = Some(Histogram {
        precision_bits: 7,
        buckets: (0..40).map(|place| (900 + place, u64::from(1_000 / (1 + place * place)))).collect(),
    });
    let mut invalid = samples::bench("memory/realloc/64", 900, 8);
    invalid.status = Status::Invalid;
    invalid.reason = Some("the work checksum changed between halves".into());
    let mut failed = samples::skipped("security/verify-ed25519", "a forged signature passed");
    failed.status = Status::Failed;
    let rows = vec![
        ended(samples::bench("env/timer-pair", 90, 1)),
        ended(samples::bench("env/reference-loop", 1_890, 1)),
        ended(samples::skipped("env/aperf", "needs aperf: not in a hosted process")),
        ended(failed),
        ended(skewed),
        ended(invalid),
        waiting("memory/alloc-large/1mi", RowState::Running),
        waiting("memory/alloc-large/16mi", RowState::Pending),
        waiting("memory/alloc-exhaustion", RowState::Pending),
    ];
    let line = |level, text: &str| LogLine { level, text: text.into() };
    Snapshot {
        run: "3f2a91bc".into(),
        command: "hosted".into(),
        started: UnixSeconds(1_795_535_101),
        state: LiveState::GoingOn,
        ends: vec![BootEnd::FailedBenches],
        boot: 2,
        boots_asked: Some(3),
        machine: Some("hosted, Example 9000 Processor".into()),
        image: Some("9f3c21d0a1b2".into()),
        planned: Some(rows.len()),
        running: Some("memory/alloc-large/1mi".into()),
        rows,
        log: vec![
            line(Level::Info, "calibrated against CLOCK_MONOTONIC_RAW"),
            line(Level::Warning, "the governor is not performance"),
            line(Level::Info, "2 benches of memory are to come"),
        ],
        log_before: 0,
        troubles: Vec::new(),
    }
}

/// The state with that run, a minute and a half after its start.
pub(super) fn state() -> State {
    let mut state = State::new("/lab/results.db".into(), UnixSeconds(1_795_535_191));
    state.changed = Some(UnixSeconds(1_795_535_190));
    state.take(snapshot());
    state
}

fn ended(record: BenchRecord) -> Row {
    Row {
        id: record.id.clone(),
        state: RowState::Ended(record.status),
        figures: Figures::of(&record, &samples::clock(Mode::Hosted)),
        record: Some(Box::new(record)),
    }
}

fn waiting(id: &str, state: RowState) -> Row {
    Row { id: id.into(), state, record: None, figures: None }
}
